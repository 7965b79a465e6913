/**
 * Payloads of vhost-user messages, read and written by the tables in `frontend-spec`.
 *
 * A payload has exactly the bytes its table says: its fixed part, and the rows or bytes that one of
 * its fields counts. Nothing here knows what a field means.
 *
 * @spec vhost-user, "Message Specification": Payload.
 */

import {
  type Field,
  type PayloadName,
  type PayloadTail,
  payloads,
} from '../../frontend-spec/index.ts';
import { fault } from './faults.ts';

type Table<Name extends PayloadName> = (typeof payloads)[Name];
type Value<Type> = Type extends 'u64'
  ? bigint
  : Type extends 'u8' | 'u16' | 'u32'
    ? number
    : Buffer;
type Fields<Name extends PayloadName> = {
  readonly [F in Table<Name>['fields'][number] as F[0]]: Value<F[1]>;
};
type Tail<Name extends PayloadName> =
  Table<Name> extends { readonly tail: { readonly kind: 'rows'; readonly of: infer Of } }
    ? { readonly rows: readonly Fields<Of & PayloadName>[] }
    : Table<Name> extends { readonly tail: { readonly kind: 'bytes' } }
      ? { readonly bytes: Buffer }
      : unknown;

/** The fields of a payload by name, and what comes after them. */
export type Payload<Name extends PayloadName> = Fields<Name> & Tail<Name>;

/** What every payload is when its name is not known to the compiler. */
interface LoosePayload {
  readonly [field: string]: FieldValue | readonly LoosePayload[];
}
type FieldValue = number | bigint | Uint8Array;
/** A field of a payload, or of a structure. */
type AnyField = readonly [name: string, type: string, offset: number, ...rest: unknown[]];
interface LooseTable {
  readonly bytes: number;
  readonly fields: readonly AnyField[];
  readonly tail?: PayloadTail;
}

function tableOf(name: string): LooseTable {
  const tables: Readonly<Record<string, LooseTable>> = payloads;
  const table = tables[name];
  if (table === undefined) throw new TypeError(`there is no payload named ${name}`);
  return table;
}

/** Bytes of one row or unit of a tail. */
function unitBytes(tail: PayloadTail): number {
  return tail.kind === 'rows' ? tableOf(tail.of).bytes : 1;
}

/** Bytes of the longest payload with this name. */
export function longestPayload(name: PayloadName): number {
  const table = tableOf(name);
  return table.bytes + (table.tail === undefined ? 0 : table.tail.max * unitBytes(table.tail));
}

/**
 * Reads a payload.
 *
 * @throws {PeerFault} `payload_size_wrong`, or `payload_value_invalid` when a count is above its
 *   limit.
 */
export function readPayload<Name extends PayloadName>(name: Name, bytes: Buffer): Payload<Name> {
  const table = tableOf(name);
  if (bytes.length < table.bytes) throw sizeFault(table.bytes, bytes);
  const values: Record<string, FieldValue | readonly LoosePayload[]> = readFields(table, bytes);
  if (table.tail === undefined) {
    if (bytes.length !== table.bytes) throw sizeFault(table.bytes, bytes);
    return values as Payload<Name>;
  }
  const { count, max } = table.tail;
  const units = Number(values[count]);
  if (units > max)
    throw fault('payload_value_invalid', `${count} is ${units}, at most ${max} allowed`);
  const wanted = table.bytes + units * unitBytes(table.tail);
  if (bytes.length !== wanted) throw sizeFault(wanted, bytes);
  const rest = bytes.subarray(table.bytes);
  if (table.tail.kind === 'bytes') values.bytes = rest;
  else values.rows = readRows(tableOf(table.tail.of), rest);
  return values as Payload<Name>;
}

function sizeFault(wanted: number, bytes: Buffer): Error {
  return fault('payload_size_wrong', `expected ${wanted} bytes, got ${bytes.length}`);
}

function readRows(table: LooseTable, bytes: Buffer): readonly LoosePayload[] {
  const rows: LoosePayload[] = [];
  for (let at = 0; at < bytes.length; at += table.bytes) {
    rows.push(readFields(table, bytes.subarray(at, at + table.bytes)));
  }
  return rows;
}

function readFields(table: LooseTable, bytes: Buffer): Record<string, FieldValue> {
  const values: Record<string, FieldValue> = {};
  for (const [name, type, offset] of table.fields) values[name] = readField(type, bytes, offset);
  return values;
}

function readField(type: string, bytes: Buffer, offset: number): FieldValue {
  switch (type) {
    case 'u8':
      return bytes.readUInt8(offset);
    case 'u16':
      return bytes.readUInt16LE(offset);
    case 'u32':
      return bytes.readUInt32LE(offset);
    case 'u64':
      return bytes.readBigUInt64LE(offset);
    default:
      return bytes.subarray(offset, offset + arrayBytes(type));
  }
}

/** Bytes of `u8[6]` and the like. */
function arrayBytes(type: string): number {
  const parts = /^u(8|16|32|64)\[(\d+)\]$/.exec(type);
  if (parts === null) throw new TypeError(`there is no field type ${type}`);
  return (Number(parts[1]) / 8) * Number(parts[2]);
}

/** Writes a payload; its count field must agree with its rows or bytes. */
export function writePayload<Name extends PayloadName>(name: Name, payload: Payload<Name>): Buffer {
  const table = tableOf(name);
  const values = payload as unknown as LoosePayload;
  const fixed = writeFields(table, values);
  if (table.tail === undefined) return fixed;
  if (table.tail.kind === 'bytes') return Buffer.concat([fixed, values.bytes as Uint8Array]);
  const row = tableOf(table.tail.of);
  const rows = values.rows as readonly LoosePayload[];
  return Buffer.concat([fixed, ...rows.map((each) => writeFields(row, each))]);
}

/** A structure of a table with the named fields set, the others zero. */
export function writeFields(
  table: { readonly bytes: number; readonly fields: readonly (AnyField | Field)[] },
  values: Readonly<Record<string, unknown>>,
): Buffer {
  const bytes = Buffer.alloc(table.bytes);
  for (const [name, type, offset] of table.fields) {
    const value = values[name];
    if (value !== undefined) writeField(type, bytes, offset, value);
  }
  return bytes;
}

function writeField(type: string, bytes: Buffer, offset: number, value: unknown): void {
  if (value instanceof Uint8Array) bytes.set(value, offset);
  else if (typeof value === 'bigint') bytes.writeBigUInt64LE(value, offset);
  else if (type === 'u8') bytes.writeUInt8(Number(value), offset);
  else if (type === 'u16') bytes.writeUInt16LE(Number(value), offset);
  else bytes.writeUInt32LE(Number(value), offset);
}
