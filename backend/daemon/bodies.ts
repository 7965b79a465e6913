/**
 * Bodies of requests, checked.
 *
 * Zod looks at their shape only. What values are possible is said once, in the table behind the
 * text of a port: so a body is written as that text and read back.
 */

import { z } from 'zod';
import type { PortSettings } from '../../native/boundary.ts';
import {
  hint,
  parsePort,
  parsePortName,
  parseSettingWords,
  pollingMode,
  portText,
  readValue,
  settingKeys,
} from '../config/index.ts';
import { writeItems } from '../config/keys.ts';
import { ValenicError } from '../errors.ts';
import type { PortSpec } from '../port-spec.ts';
import type { PollingBody } from './api.ts';

const spinUs = z.union([z.number(), z.literal('auto')], 'give a number of microseconds, or "auto"');
const vlan = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('none') }),
  z.strictObject({ mode: z.literal('access'), vlan: z.number() }),
  z.strictObject({
    mode: z.literal('trunk'),
    vlans: z.array(z.tuple([z.number(), z.number()])),
    native: z.number().optional(),
  }),
  z.strictObject({ mode: z.literal('tunnel'), vlan: z.number() }),
]);
const settings = z.strictObject({
  polling: z.string().optional(),
  spinUs: spinUs.optional(),
  more: z.boolean().optional(),
  moderationFrames: z.number().optional(),
  moderationUs: z.number().optional(),
  budget: z.number().optional(),
  macLimit: z.number().optional(),
  maxFrameBytes: z.number().optional(),
  mtu: z.number().optional(),
  up: z.boolean().optional(),
  vlan: vlan.optional(),
  linkLocal: z.boolean().optional(),
});
const device = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('host') }),
  z.strictObject({
    kind: z.literal('vhost-user'),
    path: z.string().startsWith('/', 'an absolute path is needed'),
    role: z.string().default('server'),
    queues: z.number().default(1),
    mode: z.number().optional(),
    group: z.string().optional(),
    offloads: z.boolean().optional(),
  }),
  z.strictObject({
    kind: z.literal('stream'),
    address: z.string(),
    role: z.string().default('server'),
    mode: z.number().optional(),
    group: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal('dgram'),
    address: z.string(),
    peer: z.string(),
    mode: z.number().optional(),
    group: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal('tap'),
    interface: z.string(),
    queues: z.number().default(1),
    persist: z.boolean().optional(),
    offloads: z.boolean().optional(),
  }),
  z.strictObject({
    kind: z.literal('user'),
    network: z.string().optional(),
    forwards: z
      .array(
        z.strictObject({
          protocol: z.string(),
          hostAddress: z.string().default('127.0.0.1'),
          hostPort: z.number(),
          guestAddress: z.string().optional(),
          guestPort: z.number(),
        }),
      )
      .optional(),
    hostLoopback: z.boolean().optional(),
  }),
  z.strictObject({
    kind: z.literal('packet'),
    interface: z.string(),
    queues: z.number().default(1),
    io: z.string().optional(),
  }),
]);
const textBody = z.strictObject({ port: z.string() });
const specBody = z.strictObject({ name: z.string(), device, settings: settings.default({}) });
const polling = z.strictObject({ mode: z.string(), spinUs: spinUs.optional() });
const move = z.strictObject({ workers: z.array(z.number()) });
const more = z.strictObject({ on: z.boolean() });
const mtu = z.strictObject({ mtu: z.number() });

/** @throws {ValenicError} as parsePort does. */
export function readAddPort(body: unknown): PortSpec {
  if (typeof body === 'object' && body !== null && 'port' in body) {
    return parsePort(read(textBody, body).port, '/');
  }
  const { name, ...rest } = read(specBody, body);
  return parsePort(portText({ ...rest, name: parsePortName(name) } as PortSpec), '/');
}

/** @throws {ValenicError} `key_unknown`, `value_invalid`. */
export function readSettings(body: unknown): Partial<PortSettings> {
  const change = read(settings, body) as Partial<PortSettings>;
  const both = { moderationFrames: 1, moderationUs: 0, ...change };
  const { vlan } = parseSettingWords(writeItems(settingKeys, both));
  return vlan === undefined ? change : { ...change, vlan };
}

export function readPolling(body: unknown): PollingBody {
  const { mode, spinUs } = read(polling, body);
  if (spinUs !== undefined) parseSettingWords([`spin-us=${spinUs}`]);
  return {
    mode: readValue(pollingMode, 'polling', mode),
    ...(spinUs === undefined ? {} : { spinUs }),
  };
}

export function readMove(body: unknown): readonly number[] {
  return read(move, body).workers;
}

/** @throws {ValenicError} `value_invalid`. */
export function readMtu(body: unknown): number {
  const { mtu: bytes } = read(mtu, body);
  parseSettingWords(writeItems(settingKeys, { mtu: bytes }));
  return bytes;
}

export function readMore(body: unknown): boolean {
  return read(more, body).on;
}

function read<T>(shape: z.ZodType<T>, body: unknown): T {
  const result = shape.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const at = issue?.path.join('.') || 'the body';
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const known = shape instanceof z.ZodObject ? Object.keys(shape.shape) : [];
    const end = known.includes(key) || known.length === 0 ? ` in ${at}` : hint(key, known);
    throw new ValenicError('key_unknown', `unknown key "${key}"${end}`);
  }
  throw new ValenicError('value_invalid', `${at}: ${issue?.message ?? 'not understood'}`);
}
