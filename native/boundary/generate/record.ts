/**
 * test/native/boundary/recorded/vN.ndjson: every message of version N, as it goes over the wire.
 *
 * It is written for the version of today alone. When the version is raised, the file of the one
 * before stays as it is: what test/native/boundary/recorded.native.test.ts reads it with shows that
 * this version reads that one.
 */

import { commands } from '../commands.ts';
import { failure } from '../errors.ts';
import { events } from '../events.ts';
import type { Fields, NumberType, Struct, Type } from '../fields.ts';
import { boundaryVersion } from '../version.ts';
import { encodeMessage, type Form } from '../wire.ts';
import { enumerations } from './names.ts';

export const recordedFile = (version: number): string =>
  `test/native/boundary/recorded/v${version}.ndjson`;

/** A line of the file: names by their places, or a message. */
export type RecordedLine =
  | { readonly enumeration: string; readonly names: readonly string[] }
  | {
      readonly message: string;
      readonly form: Form;
      readonly number: number;
      readonly values: unknown;
      /** Hexadecimal. */
      readonly bytes: string;
      readonly descriptors: number;
    };

/** Values as JSON has them: `12n` is a bigint, `0x0a` are bytes. */
export function plainValues(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Uint8Array) return `0x${hex(value)}`;
  if (Array.isArray(value)) return value.map(plainValues);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plainValues(one)]));
}

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The whole file of this version. */
export function recordedText(): string {
  const names = enumerations.map((one) => ({ enumeration: one.name, names: one.names }));
  const messages = [
    ...Object.entries(commands).flatMap(([name, { number, argument, answer }]) => [
      ...linesOf(name, 'command', number, argument),
      ...linesOf(`the answer to ${name}`, 'answer', number, answer),
    ]),
    ...Object.entries(events).flatMap(([name, { number, fields }]) =>
      linesOf(name, 'event', number, fields),
    ),
    ...linesOf('a failure', 'failure', 1, failure.fields),
  ];
  const top = { about: 'GENERATED from native/boundary by `npm run spec`. Do not edit.' };
  return [top, ...names, ...messages].map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** A message with every field, and one with those that must be there. */
function linesOf(name: string, form: Form, number: number, fields: Fields): RecordedLine[] {
  const must = Object.fromEntries(
    Object.entries(fields).filter(([, field]) => !field.optional && field.default === undefined),
  );
  const whole = line(name, form, number, fields);
  const short = line(`${name}, in short`, form, number, must);
  return whole.bytes === short.bytes ? [whole] : [whole, short];
}

function line(message: string, form: Form, number: number, fields: Fields) {
  const next = { fd: 0 };
  const values = sampleFields(fields, next);
  const head = { version: boundaryVersion, form, number, request: 7 };
  const { bytes } = encodeMessage(head, fields, values);
  return {
    ...{ message, form, number, values: plainValues(values) },
    ...{ bytes: hex(bytes), descriptors: next.fd },
  };
}

type Next = { fd: number };

function sampleFields(fields: Fields, next: Next): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, { type }]) => [name, sample(type, next)]),
  );
}

/** One value that the type allows, always the same. @param next  Descriptors, each given once. */
function sample(type: Type, next: Next): unknown {
  switch (type.type) {
    case 'boolean':
      return true;
    case 'real':
      return 1.5;
    case 'mac':
      return '52:54:00:00:00:01';
    case 'fd':
      return next.fd++;
    case 'text':
      return 'vale0';
    case 'bytes':
      return Uint8Array.from({ length: type.min }, (_, at) => at);
    case 'enumeration':
      return type.enumeration.names.at(-1);
    case 'list':
      return Array.from({ length: Math.min(type.max, 2) }, () => sample(type.of, next));
    case 'struct':
      return sampleStruct(type.struct, next);
    default:
      return sampleNumber(type);
  }
}

/** Of a struct with variants its last one. */
function sampleStruct({ fields, variants, pair }: Struct, next: Next): unknown {
  const [name = '', variant] = Object.entries(variants?.of ?? {}).at(-1) ?? [];
  const there = [...(variant?.needs ?? []), ...(variant?.may ?? [])];
  const kept = Object.entries(fields).filter(
    ([key]) => variant === undefined || there.includes(key),
  );
  const values = sampleFields(Object.fromEntries(kept), next);
  if (pair === true) return Object.values(values);
  return variants === undefined ? values : { [variants.by]: name, ...values };
}

function sampleNumber({ type, min, max }: NumberType): number | bigint {
  const middle = min + (max - min) / 2n;
  return type === 'u64' ? middle : Number(middle);
}
