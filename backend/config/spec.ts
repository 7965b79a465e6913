/**
 * Ports and settings as programs give them, to the library and to the control API, checked.
 *
 * What a device can be is said once, in the table of keys behind the text of a port: so it is
 * written as that text and read back. What a setting can be, the boundary's table says.
 */

import { z } from 'zod';
import { type PortSettings, portSettings } from '../../native/boundary/index.ts';
import { ValenicError } from '../errors.ts';
import { kindOf, portKinds } from '../ports/kinds.ts';
import type { PortInput, PortSpec } from '../ports/spec.ts';
import { writeItems } from '../values/row.ts';
import { hint } from '../values/suggest.ts';
import { settingKeys } from './keys.ts';
import { parsePort, parseSettingWords, portText, refusePlanned } from './port.ts';
import { shapeOf } from './shape.ts';

const settings = shapeOf<PortSettings>(portSettings, 'settings');

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

/**
 * A change of settings. Stations and VLANs have rules besides those of the table: they are written
 * as text and read back, which also puts ranges in order.
 *
 * @throws {ValenicError} `key_unknown`, `value_invalid`, `port_syntax`.
 */
export function checkedSettings(input: unknown): Partial<PortSettings> {
  const change = checked(settings, input, 'settings');
  const { vlan, allow } = change;
  const ruled = { ...(vlan !== undefined && { vlan }), ...(allow !== undefined && { allow }) };
  return { ...change, ...parseSettingWords(writeItems(settingKeys, ruled)) };
}

/**
 * @param what  Whose fields they are, for the sentence.
 * @throws {ValenicError} `key_unknown`, `value_invalid`.
 */
export function checked<T>(shape: z.ZodType<T>, value: unknown, what: string): T {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue?.code === 'custom') {
    // A sentence of its own: shape.ts.
    const code = issue.params?.code === 'key_unknown' ? 'key_unknown' : 'value_invalid';
    throw new ValenicError(code, issue.message);
  }
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
