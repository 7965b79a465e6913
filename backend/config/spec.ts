/**
 * Ports and settings as programs give them, to the library and to the control API, checked.
 *
 * The shapes here say which fields there are. What values are possible is said once, in the table
 * behind the text of a port: so what a program gives is written as that text and read back.
 */

import { z } from 'zod';
import type { PortSettings } from '../../native/boundary/index.ts';
import { ValenicError } from '../errors.ts';
import { kindOf, portKinds } from '../ports/kinds.ts';
import type { PortInput, PortSpec } from '../ports/spec.ts';
import { writeItems } from '../values/row.ts';
import { hint } from '../values/suggest.ts';
import { settingKeys } from './keys.ts';
import { parsePort, parseSettingWords, portText, refusePlanned } from './port.ts';

const spinUs = z.union([z.number(), z.literal('auto')], 'give a number of microseconds, or "auto"');
const stormLimit = z.union(
  [z.number(), z.literal('auto')],
  'give a number of frames a second, or "auto"',
);
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
  allow: z
    .array(z.strictObject({ mac: z.string(), ips: z.array(z.string()).default([]) }))
    .optional(),
  stickyMacs: z.boolean().optional(),
  raGuard: z.boolean().optional(),
  isolate: z.boolean().optional(),
  unknownUnicast: z.boolean().optional(),
  stormBroadcast: stormLimit.optional(),
  stormMulticast: stormLimit.optional(),
  stormUnknownUnicast: stormLimit.optional(),
});

/**
 * The port that is meant, whole.
 *
 * @param folder  What a relative path starts from.
 * @throws {ValenicError} `key_unknown`, `value_invalid`, `port_syntax`, `not_built_in`.
 */
export function checkedPort(input: PortInput, folder = process.cwd()): PortSpec {
  const device = checkedDevice(input.device);
  const { name } = input;
  const read = parsePort(portText({ name, device, settings: {} }), folder);
  return { ...read, settings: checkedSettings(input.settings ?? {}) };
}

function checkedDevice(device: unknown): PortSpec['device'] {
  const kind: unknown =
    typeof device === 'object' && device !== null && Reflect.get(device, 'kind');
  if (typeof kind !== 'string') {
    throw new ValenicError(
      'value_invalid',
      `a port needs a device: { kind: '…', … }; kinds are ${portKinds.join(', ')}`,
    );
  }
  refusePlanned('device', kind);
  const known = portKinds.find((name) => name === kind);
  if (known === undefined) {
    throw new ValenicError('key_unknown', `unknown kind "${kind}"${hint(kind, portKinds)}`);
  }
  return checked(kindOf(known).shape, device, `a ${known} port`) as PortSpec['device'];
}

/** A change of settings. @throws {ValenicError} `key_unknown`, `value_invalid`. */
export function checkedSettings(input: unknown): Partial<PortSettings> {
  const change = checked(settings, input, 'settings') as Partial<PortSettings>;
  const both = { moderationFrames: 1, moderationUs: 0, ...change };
  const { vlan: vlans, allow } = parseSettingWords(writeItems(settingKeys, both));
  return {
    ...change,
    ...(vlans !== undefined && { vlan: vlans }),
    ...(allow !== undefined && { allow }),
  };
}

/**
 * @param what  Whose fields they are, for the sentence.
 * @throws {ValenicError} `key_unknown`, `value_invalid`.
 */
export function checked<T>(shape: z.ZodType<T>, value: unknown, what: string): T {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const at = issue?.path.join('.') ?? '';
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const known = at === '' && shape instanceof z.ZodObject ? Object.keys(shape.shape) : [];
    const end = known.length === 0 ? ` in ${at || what}` : hint(key, known);
    throw new ValenicError('key_unknown', `unknown key "${key}"${end}`);
  }
  if (issue?.code === 'invalid_type' && at !== '') {
    const there = issue.path.reduce<unknown>(
      (part, step) => (part instanceof Object ? Reflect.get(part, step) : undefined),
      value,
    );
    const fault = there === undefined ? 'is missing' : `may not be a ${typeof there}`;
    throw new ValenicError('value_invalid', `${what}: ${at} ${fault}: give a ${issue.expected}`);
  }
  const told = issue?.message ?? 'it cannot be understood';
  throw new ValenicError('value_invalid', `${what}: ${at === '' ? told : `${at}: ${told}`}`);
}
