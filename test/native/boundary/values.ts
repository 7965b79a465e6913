/** Values that the fields of the tables can have, made from the tables. */

import fc from 'fast-check';
import type { Field, Fields, NumberType, Struct, Type } from '../../../native/boundary/index.ts';

/** Any value that the type allows. */
export function anyOf(type: Type): fc.Arbitrary<unknown> {
  switch (type.type) {
    case 'boolean':
      return fc.boolean();
    case 'real':
      return fc.double({ noNaN: true });
    case 'mac':
      return fc
        .array(fc.integer({ min: 0, max: 255 }), { minLength: 6, maxLength: 6 })
        .map((bytes) => bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':'));
    case 'fd':
      return fc.integer({ min: -1, max: 5 });
    case 'text':
      return fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => fits(type, text));
    case 'bytes':
      return fc.uint8Array({ minLength: type.min, maxLength: type.min + 40 });
    case 'enumeration':
      return fc.constantFrom(...type.enumeration.names);
    case 'list': {
      const length = { minLength: type.min, maxLength: Math.min(type.max, type.min + 3) };
      return fc.array(anyOf(type.of), length);
    }
    case 'struct':
      return structOf(type.struct, type.partial);
    default:
      return numberOf(type);
  }
}

function fits({ max }: { readonly max: number }, text: string): boolean {
  return Buffer.byteLength(text) <= max;
}

function numberOf(type: NumberType): fc.Arbitrary<unknown> {
  const { min, max, besides } = type;
  const own = (value: bigint): unknown => (type.type === 'u64' ? value : Number(value));
  const edges = [min, max].map((value) => fc.constant(own(value)));
  const inside = fc.bigInt({ min, max }).map(own);
  const other = besides === undefined ? [] : [fc.constant(besides.word ?? besides.value)];
  return fc.oneof(inside, ...edges, ...other);
}

function structOf(struct: Struct, partial: boolean): fc.Arbitrary<unknown> {
  const { variants } = struct;
  if (struct.pair) return fc.tuple(...Object.values(struct.fields).map(({ type }) => anyOf(type)));
  if (variants === undefined) return fieldsOf(struct.fields, partial);
  const kinds = Object.entries(variants.of).map(([name, { needs, may = [] }]) => {
    const named = [...needs, ...may].map((key) => [key, struct.fields[key]] as const);
    const fields = Object.fromEntries(
      named.flatMap(([key, field]) =>
        field === undefined ? [] : [[key, { ...field, optional: may.includes(key) }]],
      ),
    );
    return fieldsOf(fields, false).map((values) => ({ [variants.by]: name, ...values }));
  });
  return fc.oneof(...kinds);
}

/** Values of all fields, without some of those that may be left out. */
export function fieldsOf(fields: Fields, partial = false): fc.Arbitrary<object> {
  const may = ([, field]: [string, Field]) =>
    partial || field.optional || field.default !== undefined;
  const values = Object.fromEntries(
    Object.entries(fields).map(([name, { type }]) => [name, anyOf(type)]),
  );
  const requiredKeys = Object.entries(fields)
    .filter((entry) => !may(entry))
    .map(([name]) => name);
  return fc.record(values, { requiredKeys, noNullPrototype: true });
}

/** One value that the type allows, always the same. */
export function sampleOf(type: Type): unknown {
  return fc.sample(anyOf(type), { numRuns: 1, seed: 7 })[0];
}
