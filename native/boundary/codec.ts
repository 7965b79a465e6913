/**
 * Messages: `[version, form, number, request, body]`, in CBOR. The body is a map by the numbers of
 * fields. Descriptors travel beside the bytes; a field has its place among them.
 */

import { CborReader, CborWriter, malformed } from './cbor.ts';
import {
  BoundaryError,
  refusals,
  structFault,
  typeFault,
  unpaired,
  type Values,
  variantFault,
} from './check.ts';
import { commands } from './commands.ts';
import { failure } from './errors.ts';
import { events } from './events.ts';
import type { Field, Fields, NumberType, Struct, StructType, Type } from './fields.ts';
import type { CommandName, Commands, DatapathEvent } from './types.ts';
import { boundaryVersion, readsVersion } from './version.ts';

/** What a message is. `number`: of a command for the first three, of an event for the last. */
export const forms = ['command', 'answer', 'failure', 'event'] as const;
export type Form = (typeof forms)[number];

export interface Head {
  readonly version: number;
  readonly form: Form;
  readonly number: number;
  /** Of the sender's choice: the answer has the same. 0 for an event. */
  readonly request: number;
}

export interface Encoded {
  readonly bytes: Uint8Array;
  readonly descriptors: readonly number[];
}

/** @throws {BoundaryError} `invalid_argument`: a field is missing or out of range. */
export function encodeCommand<Name extends CommandName>(
  name: Name,
  argument: Commands[Name][0],
  request: number,
): Encoded {
  const row = commands[name];
  if (row === undefined) throw new BoundaryError('unknown_command', `no command is named ${name}`);
  const values = argument as unknown as Values;
  const fault = structFault({ fields: row.argument }, values);
  if (fault !== null) throw new BoundaryError('invalid_argument', fault);
  const head = { version: boundaryVersion, form: 'command', number: row.number, request } as const;
  return encodeMessage(head, row.argument, values);
}

/** Without a check: what is out of range goes as it is. */
export function encodeMessage(head: Head, fields: Fields, values: Values): Encoded {
  const writer = new CborWriter();
  const descriptors: number[] = [];
  writer.array(5);
  writer.unsigned(head.version);
  writer.unsigned(forms.indexOf(head.form));
  writer.unsigned(head.number);
  writer.unsigned(head.request);
  writeFields(writer, fields, values, descriptors);
  return { bytes: writer.finish(), descriptors };
}

/** What a command is refused with, as the datapath told it. */
export interface Failure {
  readonly code: string;
  readonly text: string;
  readonly errno: number;
  readonly doing: string;
}

/** A message whose body has these fields, with what has a default filled in. */
export interface Decoded {
  readonly head: Head;
  readonly values: Values;
}

/**
 * Reads a message.
 *
 * @param fieldsOf  What its body has; null: it is not known, and is passed over.
 * @throws {BoundaryError} `message_malformed`, `version_unknown`, `invalid_argument`.
 */
export function decodeMessage(bytes: Uint8Array, fieldsOf: (head: Head) => Fields | null): Decoded {
  const reader = new CborReader(bytes);
  const head = readHead(reader);
  const fields = fieldsOf(head);
  if (fields === null) return { head, values: {} };
  const values = readFields(reader, { fields }, '');
  reader.end();
  return { head, values };
}

/** The head of a message, before the rest is read. @throws {BoundaryError} */
export function decodeHead(bytes: Uint8Array): Head {
  return decodeMessage(bytes, () => null).head;
}

/**
 * Reads what answers a command.
 *
 * @throws {BoundaryError} As decodeMessage().
 */
export function decodeAnswer<Name extends CommandName>(
  name: Name,
  bytes: Uint8Array,
): { readonly answer: Commands[Name][1] } | { readonly failure: Failure } {
  const { head, values } = decodeMessage(bytes, ({ form }) => {
    if (form === 'failure') return failure.fields;
    if (form === 'answer') return commands[name].answer;
    throw malformed(`its form is ${form}, not an answer`);
  });
  if (head.form === 'failure') return { failure: values as unknown as Failure };
  return { answer: values as unknown as Commands[Name][1] };
}

/**
 * Reads what the datapath says unasked; null: an event that this version does not know.
 *
 * @throws {BoundaryError} As decodeMessage().
 */
export function decodeEvent(bytes: Uint8Array): DatapathEvent | null {
  let event: string | undefined;
  const { values } = decodeMessage(bytes, ({ form, number }) => {
    if (form !== 'event') throw malformed(`its form is ${form}, not event`);
    const known = Object.entries(events).find(([, row]) => row.number === number);
    event = known?.[0];
    return known?.[1].fields ?? null;
  });
  return event === undefined ? null : ({ event, ...values } as unknown as DatapathEvent);
}

/** Every descriptor in the argument of a command, however wrong the rest of it is. */
export function descriptorsOf(name: CommandName, argument: unknown): readonly number[] {
  const found: number[] = [];
  const struct = { name, text: '', fields: commands[name]?.argument ?? {} };
  collect({ type: 'struct', struct, partial: true }, argument, found);
  return found;
}

function collect(type: Type, value: unknown, found: number[]): void {
  if (type.type === 'fd') {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0) found.push(value);
  } else if (type.type === 'list') {
    if (Array.isArray(value)) for (const one of value) collect(type.of, one, found);
  } else if (type.type === 'struct' && typeof value === 'object' && value !== null) {
    for (const [name, field] of Object.entries(type.struct.fields)) {
      collect(field.type, (value as Values)[name], found);
    }
  }
}

// ---- Writing.

function writeFields(
  writer: CborWriter,
  fields: Fields,
  values: Values,
  descriptors: number[],
): void {
  const present = Object.entries(fields).filter(([name]) => values[name] !== undefined);
  writer.map(present.length);
  for (const [name, { number, type }] of present) {
    writer.unsigned(number);
    writeValue(writer, type, values[name], descriptors);
  }
}

function writeValue(writer: CborWriter, type: Type, value: unknown, descriptors: number[]): void {
  switch (type.type) {
    case 'boolean':
      writer.boolean(value as boolean);
      break;
    case 'real':
      writer.double(value as number);
      break;
    case 'text':
      writer.text(value as string);
      break;
    case 'bytes':
      writer.bytes(value as Uint8Array);
      break;
    case 'mac':
      writer.bytes(macBytes(value as string));
      break;
    case 'fd':
      writeFd(writer, value as number, descriptors);
      break;
    case 'enumeration':
      writeWhole(writer, placeOf(type.enumeration.names, value));
      break;
    case 'list':
      writer.array((value as readonly unknown[]).length);
      for (const one of value as readonly unknown[]) writeValue(writer, type.of, one, descriptors);
      break;
    case 'struct':
      writeStruct(writer, type.struct, value, descriptors);
      break;
    default:
      writeWhole(writer, isWord(type, value) ? besidesOf(type) : BigInt(value as number | bigint));
  }
}

function writeStruct(writer: CborWriter, struct: Struct, value: unknown, descriptors: number[]) {
  const values = struct.pair ? unpaired(struct, value as unknown[]) : (value as Values);
  writeFields(writer, struct.fields, values, descriptors);
}

/** A number stands for itself: so tests can send a place that no name has. */
function placeOf(names: readonly string[], value: unknown): bigint {
  return typeof value === 'number' ? BigInt(value) : BigInt(names.indexOf(value as string));
}

function isWord({ besides }: NumberType, value: unknown): boolean {
  return besides?.word !== undefined && besides.word === value;
}

function besidesOf(type: NumberType): bigint {
  return BigInt(type.besides?.value ?? 0);
}

function writeWhole(writer: CborWriter, value: bigint): void {
  if (value < 0n) writer.negative(Number(value));
  else writer.unsigned(value);
}

function writeFd(writer: CborWriter, value: number, descriptors: number[]): void {
  if (value < 0) {
    writer.negative(-1);
  } else {
    writer.unsigned(descriptors.length);
    descriptors.push(value);
  }
}

function macBytes(text: string): Uint8Array {
  return Uint8Array.from(text.split(':'), (part) => Number.parseInt(part, 16));
}

// ---- Reading.

function readHead(reader: CborReader): Head {
  if (reader.kind() !== 'array' || reader.count() !== 5) throw malformed('it has no head');
  const numbers = [0, 1, 2, 3].map(() => {
    if (reader.kind() !== 'unsigned') throw malformed('its head is not of numbers');
    return Number(reader.integer());
  });
  const [version = 0, place = 0, number = 0, request = 0] = numbers;
  if (!readsVersion(version)) throw versionUnknown(version);
  const form = forms[place];
  if (form === undefined) throw malformed(`no form has the number ${place}`);
  return { version, form, number, request };
}

function versionUnknown(version: number): BoundaryError {
  const [from, to] = [boundaryVersion - 1, boundaryVersion + 1];
  const sentence = `the message is of version ${version}: this side reads ${from}..${to}`;
  return new BoundaryError('version_unknown', sentence);
}

function readFields(
  reader: CborReader,
  struct: Pick<Struct, 'fields' | 'variants'>,
  path: string,
  partial = false,
): Values {
  if (reader.kind() !== 'map') {
    const sentence = `${path === '' ? 'its body' : path} has the wrong type: give a map`;
    throw new BoundaryError('invalid_argument', sentence);
  }
  const byNumber = new Map(
    Object.entries(struct.fields).map(([name, field]) => [BigInt(field.number), { name, field }]),
  );
  const values: Record<string, unknown> = {};
  for (let left = reader.count(); left > 0; left--) {
    if (reader.kind() !== 'unsigned') throw malformed('a key is not a number');
    const known = byNumber.get(reader.integer());
    if (known === undefined) reader.skip();
    else {
      if (known.name in values) throw malformed('a field is there twice');
      const at = path === '' ? known.name : `${path}.${known.name}`;
      values[known.name] = readValue(reader, known.field.type, at);
    }
  }
  for (const [name, field] of Object.entries(struct.fields)) {
    if (values[name] !== undefined) continue;
    fillIn(values, name, field, path, partial);
  }
  const fault = variantFault(struct, values, path);
  if (fault !== null) throw new BoundaryError('invalid_argument', fault);
  return values;
}

function fillIn(
  values: Record<string, unknown>,
  name: string,
  field: Field,
  path: string,
  partial: boolean,
): void {
  if (partial || field.optional) return;
  if (field.default === undefined) {
    const at = path === '' ? name : `${path}.${name}`;
    throw new BoundaryError('invalid_argument', refusals.missing(at, field.type));
  }
  values[name] = field.default;
}

function readValue(reader: CborReader, type: Type, path: string): unknown {
  const kind = reader.kind();
  const value = kinds(type).includes(kind) ? readKnown(reader, type, path) : undefined;
  if (value === undefined) {
    throw new BoundaryError('invalid_argument', refusals.wrongType(path, type));
  }
  if (type.type === 'struct' || type.type === 'list') return value;
  const fault = typeFault(type, value, path);
  if (fault !== null) throw new BoundaryError('invalid_argument', fault);
  return value;
}

function kinds(type: Type): readonly string[] {
  switch (type.type) {
    case 'boolean':
    case 'text':
    case 'bytes':
      return [type.type];
    case 'real':
      return ['double'];
    case 'mac':
      return ['bytes'];
    case 'list':
      return ['array'];
    case 'struct':
      return ['map'];
    default:
      return ['unsigned', 'negative'];
  }
}

function readKnown(reader: CborReader, type: Type, path: string): unknown {
  switch (type.type) {
    case 'boolean':
      return reader.boolean();
    case 'real':
      return reader.double();
    case 'text':
      return reader.text();
    case 'bytes':
      return reader.bytes();
    case 'mac':
      return [...reader.bytes()].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
    case 'fd':
      return Number(reader.integer());
    case 'enumeration': {
      const place = Number(reader.integer());
      return type.enumeration.names[place] ?? `${place}`;
    }
    case 'list':
      return readList(reader, type, path);
    case 'struct':
      return readStruct(reader, type, path);
    default:
      return ownNumber(type, reader.integer());
  }
}

function readList(
  reader: CborReader,
  type: Type & { readonly type: 'list' },
  path: string,
): readonly unknown[] {
  const length = reader.count();
  if (length < type.min || length > type.max) {
    const sentence = refusals.outOfRange(path, `a length of ${length}`, type);
    throw new BoundaryError('invalid_argument', sentence);
  }
  return Array.from({ length }, (_, index) => readValue(reader, type.of, `${path}[${index}]`));
}

function readStruct(reader: CborReader, { struct, partial }: StructType, path: string): unknown {
  const values = readFields(reader, struct, path, partial);
  return struct.pair ? Object.keys(struct.fields).map((name) => values[name]) : values;
}

/** As TypeScript has it. */
function ownNumber(type: NumberType, value: bigint): number | bigint | string {
  const { besides } = type;
  if (besides?.word !== undefined && BigInt(besides.value) === value) return besides.word;
  return type.type === 'u64' ? value : Number(value);
}
