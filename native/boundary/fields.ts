/**
 * What a field can be, and what is said of it: the vocabulary of every table of this room.
 *
 * A field has a number that is never given to another (it is the field's key on the wire), a type
 * with its unit and range, and a text. What an older or a newer side does not say takes the
 * default.
 */

/** Numbers that stand outside the range and mean something else. */
export interface Besides {
  readonly value: number;
  /** What TypeScript says for it; without one, the number itself. */
  readonly word?: string;
  /** What it means, to stand after "or". */
  readonly means: string;
}

/** A whole number. `u53` is a JavaScript number that C++ holds in 64 bits; `u64` is a bigint. */
export interface NumberType {
  readonly type: 'u8' | 'u16' | 'u32' | 'u53' | 'u64';
  readonly min: bigint;
  readonly max: bigint;
  /** In the plural, as in "68..65535 bytes"; empty: a plain number. */
  readonly unit: string;
  readonly besides?: Besides;
}

/** Names in a fixed order: on the wire and in C++ a name is its place in it. */
export interface Enumeration {
  /** Of the C++ enumeration and, but for `typeScript`, of the TypeScript type. */
  readonly name: string;
  readonly typeScript?: string;
  readonly text: string;
  readonly names: readonly string[];
}

/** Text and bytes have at most so many bytes (text as UTF-8). */
export interface BytesType {
  readonly type: 'text' | 'bytes';
  readonly min: number;
  readonly max: number;
}

export interface ListType {
  readonly type: 'list';
  readonly of: Type;
  readonly min: number;
  readonly max: number;
}

export interface StructType {
  readonly type: 'struct';
  readonly struct: Struct;
  /** Every field may be left out, and is then as it was. */
  readonly partial: boolean;
}

/** `real`: a double. `mac`: "52:54:00:00:00:01". `fd`: a descriptor that moves; -1 is none. */
export type Type =
  | NumberType
  | BytesType
  | ListType
  | StructType
  | { readonly type: 'enumeration'; readonly enumeration: Enumeration }
  | { readonly type: 'boolean' | 'real' | 'mac' | 'fd' };

export type Default = number | bigint | string | boolean | readonly never[] | Choice;
type Choice = { readonly [field: string]: string };

export interface Field {
  readonly number: number;
  readonly type: Type;
  readonly text: string;
  /** What counts where the field is left out. */
  readonly default?: Default;
  /** It may be left out, and then there is none. */
  readonly optional: boolean;
}

export type Fields = Readonly<Record<string, Field>>;

/** Fields under one name. */
export interface Struct {
  readonly name: string;
  readonly text: string;
  readonly fields: Fields;
  /** TypeScript has a pair `[first, second]` instead of an object. */
  readonly pair?: true;
  /** The enumeration in the field `by` says which others there are. */
  readonly variants?: { readonly by: string; readonly of: Variants };
}
/** By a name of the enumeration: fields that it needs, and fields that it may have. */
export type Variants = Readonly<
  Record<string, { readonly needs: readonly string[]; readonly may?: readonly string[] }>
>;

interface NumberOptions {
  readonly min?: number;
  readonly max?: number;
  readonly unit?: string;
  readonly besides?: Besides;
}

function whole(type: NumberType['type'], bits: bigint) {
  return ({ min = 0, max, unit = '', besides }: NumberOptions = {}): NumberType => ({
    type,
    min: BigInt(min),
    max: max === undefined ? (1n << bits) - 1n : BigInt(max),
    unit,
    ...(besides !== undefined && { besides }),
  });
}
export const u8 = whole('u8', 8n);
export const u16 = whole('u16', 16n);
export const u32 = whole('u32', 32n);
export const u53 = whole('u53', 53n);
export const u64 = whole('u64', 64n);

export const boolean: Type = { type: 'boolean' };
export const real: Type = { type: 'real' };
export const mac: Type = { type: 'mac' };
export const fd: Type = { type: 'fd' };

export function text(max: number): Type {
  return { type: 'text', min: 0, max };
}

export function bytes(min: number, max: number): Type {
  return { type: 'bytes', min, max };
}

export function oneOf(enumeration: Enumeration): Type {
  return { type: 'enumeration', enumeration };
}

/** At least `min` and at most `max` of them. */
export function list(of: Type, max: number, min = 0): Type {
  return { type: 'list', of, min, max };
}

export function all(struct: Struct): Type {
  return { type: 'struct', struct, partial: false };
}

/** Some fields of the struct; what is absent stays as it is. */
export function partial(struct: Struct): Type {
  return { type: 'struct', struct, partial: true };
}

/** A field that must be there, or has a default. */
export function field(number: number, type: Type, text: string, given?: Default): Field {
  return { number, type, text, optional: false, ...(given !== undefined && { default: given }) };
}

export function optional(number: number, type: Type, text: string): Field {
  return { number, type, text, optional: true };
}

/**
 * What is possible, to stand after "give": the words of every refusal, on both sides.
 *
 * @param word  What an operator writes for the number besides, where TypeScript has none for it.
 */
export function allowed(type: Type, word?: string): string {
  switch (type.type) {
    case 'boolean':
      return 'true or false';
    case 'real':
      return 'a number';
    case 'mac':
      return 'six bytes like 52:54:00:00:00:01';
    case 'fd':
      return 'a descriptor, or -1 for none';
    case 'text':
      return `text of ${type.min}..${type.max} bytes`;
    case 'bytes':
      return `${type.min}..${type.max} bytes`;
    case 'list':
      return `a list of ${type.min}..${type.max}`;
    case 'struct':
      return type.struct.pair ? 'a pair' : 'its fields';
    case 'enumeration':
      return choices(type.enumeration);
    default:
      return allowedNumber(type, word);
  }
}

/** What a person can choose from in one sentence. */
const namesSaid = 8;

function choices({ name, names }: Enumeration): string {
  if (names.length > namesSaid) return `a name of ${name}`;
  return names.length === 1 ? `${names[0]}` : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

function allowedNumber({ min, max, unit, besides }: NumberType, word?: string): string {
  const range = `${min}..${max}${unit === '' ? '' : ` ${unit}`}`;
  if (besides === undefined) return range;
  return `${range}, or ${word ?? besides.word ?? besides.value} for ${besides.means}`;
}
