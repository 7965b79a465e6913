/**
 * Both sides of the boundary read alike: what TypeScript writes, native code reads and writes
 * again, for every command, answer and event of the tables; and both refuse with the same words.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadAddon } from '../../../backend/datapath/load.ts';
import {
  allowed,
  type BoundaryError,
  boundaryVersion,
  commands,
  decodeMessage,
  encodeMessage,
  events,
  type Field,
  type Fields,
  type Form,
  failure,
  type Head,
  messageLimits,
  structFault,
  type Type,
  type Values,
} from '../../../native/boundary/index.ts';
import { fieldsOf, sampleOf } from './values.ts';

const addon = loadAddon();

interface Row {
  readonly name: string;
  readonly form: Form;
  readonly number: number;
  readonly fields: Fields;
}

/** Every message there is. */
const rows: readonly Row[] = [
  ...Object.entries(commands).flatMap(([name, { number, argument, answer }]): Row[] => [
    { name, form: 'command', number, fields: argument },
    { name: `the answer to ${name}`, form: 'answer', number, fields: answer },
  ]),
  ...Object.entries(events).map(
    ([name, { number, fields }]): Row => ({ name, form: 'event', number, fields }),
  ),
  { name: 'a failure', form: 'failure', number: 1, fields: failure.fields },
];

const headOf = ({ form, number }: Row, version: number = boundaryVersion): Head => ({
  ...{ version, form, number, request: 7 },
});

/** What TypeScript reads of a message that native code read and wrote. */
function throughNative(row: Row, values: Values, head = headOf(row)) {
  const { bytes, descriptors } = encodeMessage(head, row.fields, values);
  const again = addon.reencode(bytes, descriptors.length);
  return [decodeMessage(bytes, () => row.fields), decodeMessage(again, () => row.fields)] as const;
}

describe('a message that both sides have read', () => {
  it.each(rows)('is the same: $name', (row) => {
    fc.assert(
      fc.property(fieldsOf(row.fields), (values) => {
        const [own, native] = throughNative(row, values as Values);
        expect(native).toEqual(own);
      }),
      { numRuns: 60 },
    );
  });

  it('is written alike, byte by byte, when it has every field', () => {
    for (const row of rows.filter(({ form }) => form !== 'failure')) {
      const values = Object.fromEntries(
        Object.entries(row.fields).map(([name, { type }]) => [name, sampleOf(type)]),
      );
      const { bytes, descriptors } = encodeMessage(headOf(row), row.fields, values);
      const again = addon.reencode(bytes, descriptors.length);
      expect(Buffer.from(again).toString('hex'), row.name).toBe(Buffer.from(bytes).toString('hex'));
    }
  });
});

/** What both sides say of values that are not possible. */
function refusals(row: Row, values: Values, wire: Fields = row.fields) {
  const own = structFault({ fields: row.fields }, values);
  const { bytes, descriptors } = encodeMessage(headOf(row), wire, values);
  return { own, native: refusalOf(() => addon.reencode(bytes, descriptors.length)) };
}

function refusalOf(call: () => unknown): { code: string; message: string } | null {
  try {
    call();
    return null;
  } catch (error) {
    const { code, message } = error as BoundaryError;
    return { code, message };
  }
}

/** Values of a type that are out of range, as both sides can be given them. */
function outOfRange(type: Type): readonly unknown[] {
  if (type.type === 'text') return ['x'.repeat(type.max + 1)];
  if (type.type === 'bytes') {
    return [new Uint8Array(type.max + 1), ...(type.min > 0 ? [new Uint8Array(type.min - 1)] : [])];
  }
  if (type.type === 'list') return type.min > 0 ? [[]] : [];
  if (!('unit' in type) || type.type === 'u64') return [];
  const below = Number(type.min) - 1;
  const above = Number(type.max) + 1;
  const { besides } = type;
  return [below, above].filter(
    (value) => besides === undefined || (besides.word === undefined && besides.value !== value),
  );
}

interface Place {
  readonly row: Row;
  readonly path: readonly string[];
  readonly field: Field;
}

/** Every field of a command, those inside structures too. */
function places(row: Row, fields: Fields, path: readonly string[] = []): readonly Place[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const here = [...path, name];
    const { type } = field;
    const inside =
      type.type === 'struct' && !type.struct.pair && type.struct.variants === undefined
        ? places(row, type.struct.fields, here)
        : [];
    return [{ row, path: here, field }, ...inside];
  });
}

const ofCommands = rows
  .filter(({ form }) => form === 'command')
  .flatMap((row) => places(row, row.fields));

/** A command that is right but for one field. */
function withValue(row: Row, path: readonly string[], value: unknown): Values {
  const put = (fields: Fields, [name = '', ...rest]: readonly string[]): Values =>
    Object.fromEntries(
      Object.entries(fields).map(([key, { type }]) => {
        if (key !== name) return [key, sampleOf(type)];
        if (rest.length === 0) return [key, value];
        return [key, type.type === 'struct' ? put(type.struct.fields, rest) : undefined];
      }),
    );
  return put(row.fields, path);
}

describe('a field that is not possible', () => {
  const bad = ofCommands.flatMap((place) =>
    outOfRange(place.field.type).map((value) => ({ ...place, value })),
  );

  it('is there to be tested', () => {
    expect(bad.length).toBeGreaterThan(60);
  });

  it('is refused with its name, its range and its unit, on both sides with the same words', () => {
    for (const { row, path, field, value } of bad) {
      const { own, native } = refusals(row, withValue(row, path, value));
      const at = `${row.name} ${path.join('.')}`;
      expect(own, at).toContain(`${path.join('.')}: `);
      expect(own, at).toContain(`is out of range: give ${allowed(field.type)}`);
      expect(native, at).toEqual({ code: 'invalid_argument', message: own });
    }
  });

  it('is refused alike when it is not there', () => {
    const must = ofCommands.filter(
      ({ field, path }) => !field.optional && field.default === undefined && path[0] !== 'settings',
    );
    for (const { row, path, field } of must) {
      const { own, native } = refusals(row, withValue(row, path, undefined));
      expect(own).toBe(`${path.join('.')} is missing: give ${allowed(field.type)}`);
      expect(native).toEqual({ code: 'invalid_argument', message: own });
    }
  });

  it('is refused alike when it is of another type', () => {
    for (const { row, path, field } of ofCommands.filter((place) => place.path.length === 1)) {
      const [name = ''] = path;
      const other: Type = field.type.type === 'boolean' ? { type: 'real' } : { type: 'boolean' };
      const wire = { ...row.fields, [name]: { ...field, type: other } };
      const value = other.type === 'real' ? 1.5 : true;
      const { own, native } = refusals(row, withValue(row, path, value), wire);
      expect(own).toBe(`${name} has the wrong type: give ${allowed(field.type)}`);
      expect(native).toEqual({ code: 'invalid_argument', message: own });
    }
  });

  it('is named as the table has it: the MTU', () => {
    const row = rows.find(({ name }) => name === 'port.set');
    const { own } = refusals(row as Row, { port: 1, settings: { mtu: 70_000 } });
    expect(own).toBe(
      'settings.mtu: 70000 is out of range: give 68..65535 bytes, or 0 for any length',
    );
  });

  it('is refused alike when a variant lacks what it needs', () => {
    const row = rows.find(({ name }) => name === 'port.set') as Row;
    const { own, native } = refusals(row, { port: 1, settings: { vlan: { mode: 'access' } } });
    expect(own).toBe('settings.vlan.vlan is missing: give 1..4094');
    expect(native).toEqual({ code: 'invalid_argument', message: own });
  });
});

/** What both readers say of a message that holds this value; the path is the field's. */
interface AnyPlace {
  readonly path: string;
  readonly type: Type;
  /** The body with the value in its place, and else right. */
  readonly put: (value: unknown) => Values;
}

/** Every value of a message, in lists, pairs and variants too. */
function anyPlaces(fields: Fields, put: (values: Values) => Values, path = ''): AnyPlace[] {
  const whole = Object.fromEntries(
    Object.entries(fields).map(([name, { type }]) => [name, sampleOf(type)]),
  );
  return Object.entries(fields).flatMap(([name, { type }]) => {
    const at = path === '' ? name : `${path}.${name}`;
    return placesIn(type, at, (value) => put({ ...whole, [name]: value }));
  });
}

function placesIn(type: Type, path: string, put: AnyPlace['put']): AnyPlace[] {
  const here = { path, type, put };
  if (type.type === 'list') {
    const rest = Array.from({ length: Math.max(type.min - 1, 0) }, () => sampleOf(type.of));
    return [here, ...placesIn(type.of, `${path}[0]`, (value) => put([value, ...rest]))];
  }
  if (type.type !== 'struct') return [here];
  const { fields, pair, variants } = type.struct;
  if (pair) {
    return [here, ...anyPlaces(fields, (values) => put(Object.values(values)), path)];
  }
  if (variants === undefined) return [here, ...anyPlaces(fields, put, path)];
  const inVariants = Object.entries(variants.of).flatMap(([variant, { needs, may = [] }]) => {
    const there = Object.entries(fields).filter(([name]) => [...needs, ...may].includes(name));
    const named = (values: Values) => put({ [variants.by]: variant, ...values });
    return anyPlaces(Object.fromEntries(there), named, path);
  });
  const by = fields[variants.by] as Field;
  return [
    here,
    ...placesIn(by.type, `${path}.${variants.by}`, (value) =>
      put({ ...(sampleOf(type) as Values), [variants.by]: value }),
    ),
    ...inVariants,
  ];
}

/** Values that the wire can carry and the type does not allow. */
function wrongOnWire(type: Type): readonly unknown[] {
  if (type.type === 'enumeration') return [type.enumeration.names.length, -1];
  if (type.type === 'list') {
    return type.min > 0 ? [[]] : [Array.from({ length: type.max + 1 }, () => sampleOf(type.of))];
  }
  return outOfRange(type);
}

describe('any value of any message', () => {
  const bad = rows.flatMap((row) =>
    anyPlaces(row.fields, (values) => values).flatMap((place) =>
      wrongOnWire(place.type).map((value) => ({ row, ...place, value })),
    ),
  );

  it('is looked at: those of every range, list, name and text in the tables', () => {
    const kinds = new Set(bad.map(({ type }) => type.type));
    expect([...kinds].sort()).toEqual(
      ['bytes', 'enumeration', 'list', 'text', 'u16', 'u32', 'u53', 'u8'].sort(),
    );
    expect(bad.length).toBeGreaterThan(200);
  });

  it('is refused by both readers with one sentence, which has its name, range and unit', () => {
    for (const { row, path, type, put, value } of bad) {
      const body = put(value);
      const { bytes, descriptors } = encodeMessage(headOf(row), row.fields, body);
      if (bytes.length > messageLimits.bytes || descriptors.length > messageLimits.descriptors)
        continue; // Refused before it is read.
      const own = refusalOf(() => decodeMessage(bytes, () => row.fields));
      const native = refusalOf(() => addon.reencode(bytes, descriptors.length));
      const at = `${row.name} ${path}`;
      expect(own?.message, at).toContain(`${path}: `);
      expect(own?.message, at).toContain(`is out of range: give ${allowed(type)}`);
      expect(native, at).toEqual(own);
    }
  });
});

describe('a message that is not whole', () => {
  const row = rows.find(({ name }) => name === 'vhost.ring.start') as Row;
  const values = Object.fromEntries(
    Object.entries(row.fields).map(([name, { type }]) => [name, sampleOf(type)]),
  );
  const { bytes, descriptors } = encodeMessage(headOf(row), row.fields, values);
  const both = (message: Uint8Array, fds = descriptors.length) => [
    refusalOf(() => decodeMessage(message, () => row.fields)),
    refusalOf(() => addon.reencode(message, fds)),
  ];

  it('is refused by both, wherever it is cut off', () => {
    for (let length = 0; length < bytes.length; length++) {
      const message = 'the message is malformed: it is cut off';
      const cutOff = { code: 'message_malformed', message };
      expect(both(bytes.subarray(0, length)), `${length} bytes`).toEqual([cutOff, cutOff]);
    }
  });

  it('is refused by both when something stands behind it', () => {
    const message = 'the message is malformed: something stands behind its end';
    const refusal = { code: 'message_malformed', message };
    expect(both(Uint8Array.of(...bytes, 0))).toEqual([refusal, refusal]);
  });

  it('is refused by both when it is too long, before it is looked at', () => {
    for (const refusal of both(new Uint8Array((1 << 20) + 1))) {
      expect(refusal).toMatchObject({ code: 'message_malformed' });
    }
  });

  it('is refused by both when it is nested too deeply', () => {
    const [start] = [bytes.subarray(0, 5)];
    const deep = Uint8Array.of(...start, 0xa1, 0x18, 0x63, ...Array(5000).fill(0x81), 0);
    const message = 'the message is malformed: it is nested too deeply';
    const refusal = { code: 'message_malformed', message };
    expect(both(deep)).toEqual([refusal, refusal]);
  });

  it('is refused when it names a descriptor that did not come, or one twice', () => {
    expect(both(bytes, 0)[1]).toMatchObject({ code: 'message_malformed' });
    const twice = encodeMessage(headOf(row), row.fields, { ...values, kickFd: 5, callFd: 6 });
    const [first, second] = [twice.bytes.lastIndexOf(0), twice.bytes.lastIndexOf(1)];
    expect(twice.descriptors).toEqual([5, 6]);
    expect([first, second].every((at) => at > 0)).toBe(true);
    const same = encodeMessage(headOf(row), row.fields, { ...values, kickFd: 5, callFd: -1 });
    // The call descriptor, too, is number 0.
    const named = same.bytes.map((byte, at) => (at === callFdAt(same.bytes) ? 0 : byte));
    expect(refusalOf(() => addon.reencode(named, 1))).toEqual({
      code: 'message_malformed',
      message: 'the message is malformed: two fields name the same descriptor',
    });
  });
});

/** Where the value of field 5 stands: -1 is the byte 0x20 behind its key. */
function callFdAt(bytes: Uint8Array): number {
  const at = bytes.findIndex((byte, index) => byte === 5 && bytes[index + 1] === 0x20);
  expect(at).toBeGreaterThan(0);
  return at + 1;
}

describe('a message of another version', () => {
  const row = rows.find(({ name }) => name === 'switch.create') as Row;

  it.each([
    ['before', boundaryVersion - 1],
    ['after', boundaryVersion + 1],
  ])(
    'is read when it is the one %s: what is unknown is passed over, what lacks has its default',
    (_, version) => {
      const later: Field = {
        ...{ number: 60, optional: false, text: '' },
        type: { type: 'list', of: { type: 'text', min: 0, max: 9 }, min: 0, max: 9 },
      };
      const fields = { name: row.fields.name as Field, later };
      const { bytes } = encodeMessage(headOf(row, version), fields, {
        ...{ name: 'vale0', later: ['a', 'b'] },
      });
      const whole = { name: 'vale0', ageingSeconds: 300, macTableSize: 8192 };

      expect(decodeMessage(bytes, () => row.fields).values).toEqual(whole);
      const again = addon.reencode(bytes, 0);
      expect(decodeMessage(again, () => row.fields)).toEqual({ head: headOf(row), values: whole });
    },
  );

  it('is refused by both with one sentence when it is any other', () => {
    const { bytes } = encodeMessage(headOf(row, 99), row.fields, { name: 'vale0' });
    const message =
      `the message is of version 99: this side reads ` +
      `${boundaryVersion - 1}..${boundaryVersion + 1}`;
    const refusal = { code: 'version_unknown', message };
    expect(refusalOf(() => decodeMessage(bytes, () => row.fields))).toEqual(refusal);
    expect(refusalOf(() => addon.reencode(bytes, 0))).toEqual(refusal);
  });
});
