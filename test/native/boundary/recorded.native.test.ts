/**
 * Messages of the version before, as they were recorded when it was the version of the day: both
 * sides read them, with what they say and with the defaults of what they cannot say.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadAddon } from '../../../backend/datapath/load.ts';
import { enumerations } from '../../../native/boundary/generate/names.ts';
import {
  plainValues,
  type RecordedLine,
  recordedFile,
} from '../../../native/boundary/generate/record.ts';
import {
  boundaryVersion,
  commands,
  decodeEvent,
  decodeMessage,
  encodeMessage,
  events,
  type Fields,
  failure,
  type Head,
  type Values,
} from '../../../native/boundary/index.ts';

const addon = loadAddon();
const root = resolve(import.meta.dirname, '../../..');
const before = boundaryVersion - 1;

function linesOf(version: number): readonly RecordedLine[] {
  const [, ...lines] = readFileSync(join(root, recordedFile(version)), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as RecordedLine);
}

const recorded = linesOf(before);
const messages = recorded.flatMap((line) => ('message' in line ? [line] : []));
const named = recorded.flatMap((line) => ('enumeration' in line ? [line] : []));

/** What the body of such a message has today; null: it is there no more. */
function fieldsOf({ form, number }: Pick<Head, 'form' | 'number'>): Fields | null {
  if (form === 'failure') return failure.fields;
  const table: Readonly<Record<string, { number: number }>> = form === 'event' ? events : commands;
  const row = Object.entries(table).find(([, one]) => one.number === number)?.[1];
  if (row === undefined) return null;
  if (form === 'event') return (row as { fields: Fields } & typeof row).fields;
  const command = row as { argument: Fields; answer: Fields } & typeof row;
  return form === 'command' ? command.argument : command.answer;
}

/** What was recorded, and the defaults of fields that came later. */
function expected(fields: Fields, values: Values): unknown {
  const defaults = Object.entries(fields).flatMap(([name, field]) =>
    name in values || field.optional || field.default === undefined ? [] : [[name, field.default]],
  );
  return { ...Object.fromEntries(plainValues(defaults) as [string, unknown][]), ...values };
}

describe(`messages of version ${before}`, () => {
  it('are there, with each form of them', () => {
    expect(existsSync(join(root, recordedFile(boundaryVersion)))).toBe(true);
    expect(messages.length).toBeGreaterThan(50);
    expect(new Set(messages.map(({ form }) => form)).size).toBe(4);
  });

  it.each(messages)('are read by both sides: $message', ({ form, number, bytes, ...line }) => {
    const message = Buffer.from(bytes, 'hex');
    const fields = fieldsOf({ form, number });
    expect(fields, 'it is in the tables no more').not.toBeNull();
    if (fields === null) return;

    const own = decodeMessage(message, () => fields);
    const native = decodeMessage(addon.reencode(message, line.descriptors), () => fields);

    expect(own.head).toMatchObject({ version: before, form, number });
    expect(plainValues(own.values)).toEqual(expected(fields, line.values as Values));
    expect(native.head).toMatchObject({ version: boundaryVersion, form, number });
    expect(native.values).toEqual(own.values);
  });

  it.each(named)('have names at the places of today: $enumeration', ({ enumeration, names }) => {
    const today = enumerations.find(({ name }) => name === enumeration)?.names ?? [];
    expect(today.slice(0, names.length)).toEqual(names);
  });
});

describe('an event of the version after', () => {
  const deviceFault = (fault: unknown, version: number) => {
    const head = {
      version,
      form: 'event',
      number: events.device_fault.number,
      request: 0,
    } as const;
    return encodeMessage(head, events.device_fault.fields, { port: 3, fault }).bytes;
  };

  it('is told when all that it says is known', () => {
    const event = { event: 'device_fault', port: 3, fault: 'worker_stalled' };
    expect(decodeEvent(deviceFault('worker_stalled', boundaryVersion + 1))).toEqual(event);
  });

  it('is passed over when it names a fault that is not known', () => {
    expect(decodeEvent(deviceFault(200, boundaryVersion + 1))).toBeNull();
  });

  it('is refused when a side of our own version says such a thing', () => {
    expect(() => decodeEvent(deviceFault(200, boundaryVersion))).toThrow(
      'fault: 200 is out of range',
    );
  });
});
