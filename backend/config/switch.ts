/** The text of a switch: `vale0,mtu=9000`. A switch needs none: this is for what is not default. */

import { ValenicError } from '../errors.ts';
import { hint } from '../values/suggest.ts';
import { settingKind } from '../values/table.ts';
import { readValue } from '../values/values.ts';

export interface SwitchConfig {
  readonly name: string;
  /** Of ports that name none; 0: frames of any length pass. */
  readonly mtu?: number;
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/;
const known = ['mtu'];

/** @throws {ValenicError} `port_syntax`, `key_unknown`, `value_invalid`. */
export function parseSwitch(text: string): SwitchConfig {
  const [name = '', ...words] = text.split(',');
  const items = words.map((word): readonly [string, string] => {
    const [key = '', ...value] = word.split('=');
    return [key, value.join('=')];
  });
  return switchFromItems(name, items);
}

/** A switch from its name and its keys. Throws as parseSwitch does. */
export function switchFromItems(
  name: string,
  items: readonly (readonly [string, string])[],
): SwitchConfig {
  if (!namePattern.test(name)) {
    const what = '1 to 32 letters, digits, "_", "." and "-", e.g. vale0,mtu=9000';
    throw new ValenicError('port_syntax', `"${name}" is not a switch name: ${what}`);
  }
  const seen = new Set<string>();
  for (const [key] of items) {
    if (!known.includes(key)) {
      throw new ValenicError('key_unknown', `unknown key "${key}"${hint(key, known)}`);
    }
    if (seen.has(key)) throw new ValenicError('port_syntax', `${key} is given twice`);
    seen.add(key);
  }
  const mtu = items.find(([key]) => key === 'mtu')?.[1];
  return { name, ...(mtu !== undefined && { mtu: readValue(settingKind('mtu'), 'mtu', mtu) }) };
}
