/** Messages of the tables: commands as they are sent, answers and events as they are read. */

import { malformed } from './cbor.ts';
import { BoundaryError, structFault, type Values } from './check.ts';
import { commands } from './commands.ts';
import { failure } from './errors.ts';
import { events } from './events.ts';
import type { Type } from './fields.ts';
import type { CommandName, Commands, DatapathEvent } from './types.ts';
import { boundaryVersion } from './version.ts';
import { decodeMessage, type Encoded, encodeMessage } from './wire.ts';

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

/** What a command is refused with, as the datapath told it. */
export interface Failure {
  readonly code: string;
  readonly text: string;
  readonly errno: number;
  readonly doing: string;
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
 * Reads what the datapath says unasked; null: an event that this version does not know, or one of
 * a newer side that has a value which this version does not know, e.g. the name of a new fault.
 *
 * @throws {BoundaryError} As decodeMessage().
 */
export function decodeEvent(bytes: Uint8Array): DatapathEvent | null {
  let event: string | undefined;
  let newer = false;
  try {
    const { values } = decodeMessage(bytes, ({ form, number, version }) => {
      if (form !== 'event') throw malformed(`its form is ${form}, not event`);
      newer = version > boundaryVersion;
      const known = Object.entries(events).find(([, row]) => row.number === number);
      event = known?.[0];
      return known?.[1].fields ?? null;
    });
    return event === undefined ? null : ({ event, ...values } as unknown as DatapathEvent);
  } catch (error) {
    if (!newer || !(error instanceof BoundaryError) || error.code !== 'invalid_argument')
      throw error;
    return null;
  }
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
