/** Bodies of requests, checked: backend/config/spec.ts says what ports and settings can be. */

import { z } from 'zod';
import { defaultSettings, type PortSettings } from '../../native/boundary/index.ts';
import {
  checked,
  checkedPort,
  checkedSettings,
  parsePort,
  parsePortName,
} from '../config/index.ts';
import type { PortInput, PortSpec } from '../ports/spec.ts';
import type { PollingBody } from './api.ts';

const textBody = z.strictObject({ port: z.string() });
const specBody = z.strictObject({
  name: z.string(),
  device: z.unknown(),
  settings: z.unknown().optional(),
});
const spin = z.union([z.number(), z.literal('auto')]);
const polling = z.strictObject({ mode: z.string(), spinUs: spin.optional() });
const move = z.strictObject({ workers: z.array(z.number()) });
const more = z.strictObject({ on: z.boolean() });
const mtu = z.strictObject({ mtu: z.number() });

/** Relative paths are relative to nothing that a client knows: a client resolves them. */
const folder = '/';

/** @throws {ValenicError} as parsePort does. */
export function readAddPort(body: unknown): PortSpec {
  if (typeof body === 'object' && body !== null && 'port' in body) {
    return parsePort(read(textBody, body).port, folder);
  }
  const { name, ...rest } = read(specBody, body);
  return checkedPort({ ...rest, name: parsePortName(name) } as PortInput, folder);
}

/** @throws {ValenicError} `key_unknown`, `value_invalid`. */
export function readSettings(body: unknown): Partial<PortSettings> {
  return checkedSettings(body);
}

export function readPolling(body: unknown): PollingBody {
  const { mode, spinUs } = read(polling, body);
  return {
    mode: setting('polling', mode),
    ...(spinUs !== undefined && { spinUs: setting('spinUs', spinUs) }),
  };
}

export function readMove(body: unknown): readonly number[] {
  return read(move, body).workers;
}

/** @throws {ValenicError} `value_invalid`. */
export function readMtu(body: unknown): number {
  return setting('mtu', read(mtu, body).mtu);
}

export function readMore(body: unknown): boolean {
  return read(more, body).on;
}

/** One setting, as the table has it. @throws {ValenicError} `value_invalid`. */
function setting<Name extends keyof PortSettings>(name: Name, value: unknown): PortSettings[Name] {
  return { ...defaultSettings, ...checkedSettings({ [name]: value }) }[name];
}

function read<T>(shape: z.ZodType<T>, body: unknown): T {
  return checked(shape, body, 'the body');
}
