/** Whether a value is one that a field can have, in the words that both sides have for it. */

import type { CommandError } from './errors.ts';
import { allowed, type Field, type NumberType, type Struct, type Type } from './fields.ts';

/** A message or a field that is refused; `code` as for a command that is refused. */
export class BoundaryError extends Error {
  readonly code: CommandError;

  constructor(code: CommandError, sentence: string) {
    super(sentence);
    this.code = code;
  }
}

export type Values = Readonly<Record<string, unknown>>;

/** The sentences. `path`: the field, e.g. `settings.mtu`. */
export const refusals = {
  missing: (path: string, type: Type) => `${path} is missing: give ${allowed(type)}`,
  wrongType: (path: string, type: Type) => `${path} has the wrong type: give ${allowed(type)}`,
  outOfRange: (path: string, what: string, type: Type) =>
    `${path}: ${what} is out of range: give ${allowed(type)}`,
} as const;

/** The first rule that the values break, in a sentence; null: none. */
export function structFault(
  struct: Pick<Struct, 'fields' | 'variants'>,
  values: Values,
  path = '',
  partial = false,
): string | null {
  for (const [name, field] of Object.entries(struct.fields)) {
    const value = values[name];
    const at = path === '' ? name : `${path}.${name}`;
    const fault =
      value === undefined ? absenceFault(field, at, partial) : typeFault(field.type, value, at);
    if (fault !== null) return fault;
  }
  return variantFault(struct, values, path);
}

function absenceFault(field: Field, at: string, partial: boolean): string | null {
  const may = partial || field.optional || field.default !== undefined;
  return may ? null : refusals.missing(at, field.type);
}

/** A key that no field has, where it stands, and those that there are; null: none. */
export interface UnknownKey {
  readonly key: string;
  /** Of what it is in; empty: the whole. */
  readonly path: string;
  readonly known: readonly string[];
}

/** The first key of a value, or of what is in it, that the table does not have. */
export function unknownKey(type: Type, value: unknown, path = ''): UnknownKey | null {
  if (type.type === 'list') return unknownIn(type, value, path);
  const plain = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (type.type !== 'struct' || type.struct.pair === true || !plain) return null;
  const { fields } = type.struct;
  const known = fieldsThere(type.struct, value as Values);
  const key = Object.keys(value).find((name) => !known.includes(name));
  if (key !== undefined) return { key, path, known };
  for (const [name, field] of Object.entries(fields)) {
    const inside = (value as Values)[name];
    const found = unknownKey(field.type, inside, path === '' ? name : `${path}.${name}`);
    if (found !== null) return found;
  }
  return null;
}

function unknownIn(type: Type & { readonly type: 'list' }, value: unknown, path: string) {
  if (!Array.isArray(value)) return null;
  for (const [index, one] of value.entries()) {
    const found = unknownKey(type.of, one, `${path}[${index}]`);
    if (found !== null) return found;
  }
  return null;
}

/** Names of the fields that a struct has, or this variant of it. */
function fieldsThere({ fields, variants }: Struct, values: Values): readonly string[] {
  const names = Object.keys(fields);
  const variant = variantOf(variants, values);
  if (variants === undefined || variant === undefined) return names;
  return [variants.by, ...variant.needs, ...(variant.may ?? [])];
}

/** The one that a value says it is, by a name of the table alone. */
function variantOf(variants: Struct['variants'], values: Values) {
  if (variants === undefined) return undefined;
  const name = String(values[variants.by]);
  return Object.hasOwn(variants.of, name) ? variants.of[name] : undefined;
}

/** A field that the variant needs is not there. */
export function variantFault(
  { fields, variants }: Pick<Struct, 'fields' | 'variants'>,
  values: Values,
  path: string,
): string | null {
  if (variants === undefined) return null;
  const needs = variantOf(variants, values)?.needs ?? [];
  const name = needs.find((need) => values[need] === undefined);
  const field = name === undefined ? undefined : fields[name];
  return field === undefined ? null : refusals.missing(`${path}.${name}`, field.type);
}

/** The rule that the value of one field breaks, in a sentence; null: none. */
export function typeFault(type: Type, value: unknown, path: string): string | null {
  const wrong = refusals.wrongType(path, type);
  switch (type.type) {
    case 'boolean':
      return typeof value === 'boolean' ? null : wrong;
    case 'real':
      return typeof value === 'number' ? null : wrong;
    case 'fd':
      return isFd(value) ? null : wrong;
    case 'mac':
      return typeof value === 'string' && macPattern.test(value) ? null : wrong;
    case 'enumeration':
      if (typeof value !== 'string') return wrong;
      return type.enumeration.names.includes(value) ? null : refusals.outOfRange(path, value, type);
    case 'text':
      return typeof value === 'string' ? sizeFault(type, utf8Bytes(value), path) : wrong;
    case 'bytes':
      return value instanceof Uint8Array ? sizeFault(type, value.length, path) : wrong;
    case 'list':
      return Array.isArray(value) ? listFault(type, value, path) : wrong;
    case 'struct':
      return structValueFault(type.struct, value, path, type.partial) ?? null;
    default:
      return numberFault(type, value, path);
  }
}

const macPattern = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i;

function isFd(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= -1 && value < 2 ** 31;
}

function utf8Bytes(value: string): number {
  return new TextEncoder().encode(value).length;
}

function sizeFault(
  type: Type & { readonly min: number; readonly max: number },
  size: number,
  path: string,
): string | null {
  if (size >= type.min && size <= type.max) return null;
  return refusals.outOfRange(path, `a length of ${size}`, type);
}

function listFault(
  type: Type & { readonly type: 'list' },
  value: readonly unknown[],
  path: string,
): string | null {
  const fault = sizeFault(type, value.length, path);
  if (fault !== null) return fault;
  for (const [index, one] of value.entries()) {
    const at = typeFault(type.of, one, `${path}[${index}]`);
    if (at !== null) return at;
  }
  return null;
}

function structValueFault(struct: Struct, value: unknown, path: string, partial: boolean) {
  if (struct.pair === true) {
    const pair = Array.isArray(value) && value.length === 2;
    if (!pair) return refusals.wrongType(path, { type: 'struct', struct, partial });
    return structFault(struct, unpaired(struct, value), path);
  }
  if (typeof value !== 'object' || value === null) {
    return refusals.wrongType(path, { type: 'struct', struct, partial });
  }
  return structFault(struct, value as Values, path, partial);
}

/** A pair as an object. */
export function unpaired(struct: Struct, pair: readonly unknown[]): Values {
  return Object.fromEntries(Object.keys(struct.fields).map((name, index) => [name, pair[index]]));
}

function numberFault(type: NumberType, value: unknown, path: string): string | null {
  const { besides } = type;
  if (besides !== undefined && value === (besides.word ?? besides.value)) return null;
  if (typeof value !== (type.type === 'u64' ? 'bigint' : 'number')) {
    return refusals.wrongType(path, type);
  }
  const number = value as number | bigint;
  const whole = typeof number === 'bigint' || Number.isInteger(number);
  if (whole && number >= type.min && number <= type.max) return null;
  return refusals.outOfRange(path, `${number}`, type);
}
