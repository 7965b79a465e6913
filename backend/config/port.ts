/**
 * The text of a port: `vale0:vm1,vhost-user=/run/vm1.sock,queues=2,polling=busy` or `vale0:h,host`.
 *
 * A comma inside a value is written twice, as in QEMU's own options.
 */

import { allowedMost, type PortSettings } from '../../native/boundary/index.ts';
import { ValenicError } from '../errors.ts';
import { givenText, type Item, syntax } from '../ports/keys.ts';
import {
  type KindName,
  kindForms,
  kindOf,
  kindsWith,
  plannedKinds,
  portKinds,
} from '../ports/kinds.ts';
import { nameText, type PortName, type PortSpec } from '../ports/spec.ts';
import { writeItems } from '../values/row.ts';
import { hint } from '../values/suggest.ts';
import { repeats, settingKeys } from './keys.ts';
import { readVlans, vlanKeys } from './vlan.ts';

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/;
const plannedNames: readonly string[] = plannedKinds;
const kindNames: readonly string[] = portKinds;

/**
 * @param folder  What a relative socket path starts from.
 * @throws {ValenicError} `port_syntax`, `key_unknown`, `value_invalid`, `not_built_in`.
 */
export function parsePort(text: string, folder = process.cwd()): PortSpec {
  const [name = '', ...words] = splitCommas(text);
  return portFromItems(name, words.map(parseItem), folder);
}

/** `vale0:vm1` @throws {ValenicError} `port_syntax`. */
export function parsePortName(text: string): PortName {
  const [home = '', port, ...rest] = text.split(':');
  if (port === undefined || rest.length > 0) {
    throw syntax(`"${text}" is not a port name: write SWITCH:PORT, e.g. vale0:vm1`);
  }
  for (const part of [home, port]) {
    if (namePattern.test(part)) continue;
    throw syntax(
      `"${text}" is not a port name: both parts are 1 to 32 letters, digits, "_", "." and "-"`,
    );
  }
  return { switch: home, port };
}

/** `vale0` or `vale0:vm1`. @throws {ValenicError} `port_syntax`. */
export function parseTarget(text: string): PortName | { readonly switch: string } {
  if (text.includes(':')) return parsePortName(text);
  if (namePattern.test(text)) return { switch: text };
  throw syntax(`"${text}" names neither a switch (vale0) nor a port (vale0:vm1)`);
}

/** A port from its name and its keys, in any order. Throws as parsePort does. */
export function portFromItems(name: string, items: readonly Item[], folder: string): PortSpec {
  const portName = parsePortName(name);
  refuseDuplicates(items);
  const item = onlyKind(name, items);
  const kind = { item, row: kindOf(item.key as KindName) };
  const settings = parseSettings(items.filter(({ key }) => Object.hasOwn(settingKeys, key)));
  const rest = items.filter((other) => other !== item && !Object.hasOwn(settingKeys, other.key));
  const unknown = rest.find(({ key }) => kindsWith(key) === '');
  if (unknown !== undefined) throw unknownKey(unknown.key, kindNames);
  const stray = rest.find(({ key }) => !Object.hasOwn(kind.row.keys, key));
  if (stray !== undefined) {
    const none = Object.keys(kind.row.keys).length === 0;
    const has = none ? `: a ${item.key} port has no socket` : `, not for ${item.key}`;
    throw syntax(`${stray.key} is for ${kindsWith(stray.key)} ports${has}`);
  }
  return { name: portName, device: kind.row.read(kind.item.text, rest, folder), settings };
}

/** `key=value` words of `port set`. Throws as parsePort does. */
export function parseSettingWords(words: readonly string[]): Partial<PortSettings> {
  const items = words.map(parseItem);
  refuseDuplicates(items);
  return parseSettings(items);
}

function parseSettings(items: readonly Item[]): Partial<PortSettings> {
  const ofVlans = items.filter(({ key }) => Object.hasOwn(vlanKeys, key));
  const vlan = readVlans(ofVlans.map(({ key, text }) => ({ key, text: givenText(key, text) })));
  let settings: Partial<PortSettings> = vlan === undefined ? {} : { vlan };
  for (const { key, text } of items) {
    if (Object.hasOwn(vlanKeys, key)) continue;
    const row = Object.hasOwn(settingKeys, key) ? settingKeys[key] : undefined;
    if (row === undefined) {
      if (kindsWith(key) === '' && !kindNames.includes(key)) throw unknownKey(key, []);
      throw new ValenicError(
        'value_invalid',
        `${key} is fixed when a port is added: remove the port and add it again`,
      );
    }
    const part = row.read(key, givenText(key, text));
    const allow = [...(settings.allow ?? []), ...(part.allow ?? [])];
    settings = { ...settings, ...part, ...(part.allow !== undefined && { allow }) };
  }
  refuseAllowed(settings.allow);
  return settings;
}

function refuseAllowed(allow: Partial<PortSettings>['allow'] = []): void {
  const twice = allow.find(({ mac }, index) => allow.findIndex((one) => one.mac === mac) !== index);
  if (twice !== undefined) {
    throw syntax(`allow names ${twice.mac} twice: list all its addresses once, MAC+IP+IP`);
  }
  if (allow.length > allowedMost.stations) {
    throw syntax(
      `allow names ${allow.length} stations: a port has at most ${allowedMost.stations}`,
    );
  }
}

/** The words of a device: its kind, with its place behind it, and its keys. */
function deviceWords(device: PortSpec['device']): readonly string[] {
  const { kind, keys, placeOf } = kindOf(device.kind);
  const place = placeOf(device);
  return [place === null ? kind : `${kind}=${place}`, ...writeItems(keys, device)];
}

/** The text that parsePort reads back. */
export function portText(spec: PortSpec): string {
  const items = deviceWords(spec.device);
  const words = [nameText(spec.name), ...items, ...writeItems(settingKeys, spec.settings)];
  return words.map((word) => word.replaceAll(',', ',,')).join(',');
}

function onlyKind(name: string, items: readonly Item[]): Item {
  for (const { key } of items) refusePlanned(name, key);
  const [kind, second] = items.filter(({ key }) => kindNames.includes(key));
  if (second !== undefined) throw syntax(`${name} is both ${kind?.key} and ${second.key}: choose`);
  if (kind !== undefined) return kind;
  const [first] = items;
  const known = (key: string) => Object.hasOwn(settingKeys, key) || kindsWith(key) !== '';
  if (first !== undefined && !known(first.key)) throw unknownKey(first.key, kindNames);
  throw syntax(`${name} has no kind: add one of ${kindForms.join(', ')}`);
}

/** @throws {ValenicError} `not_built_in`: the kind has only a name so far. */
export function refusePlanned(where: string, kind: string): void {
  if (!plannedNames.includes(kind)) return;
  throw new ValenicError(
    'not_built_in',
    `${where}: ports of kind ${kind} are not built in; these are: ${kindNames.join(', ')}`,
  );
}

function refuseDuplicates(items: readonly Item[]): void {
  const seen = new Set<string>();
  for (const { key } of items) {
    if (seen.has(key) && !repeats(key)) throw syntax(`${key} is given twice`);
    seen.add(key);
  }
}

/** @param kinds  Words that would be right in this place besides the settings. */
function unknownKey(key: string, kinds: readonly string[]): ValenicError {
  if (/^\d+(-\d+)?$/.test(key)) {
    return syntax(`"${key}" stands alone: a list of VLANs is written with "+", e.g. trunk=10+20`);
  }
  const devices =
    kinds.length > 0 ? portKinds.flatMap((kind) => Object.keys(kindOf(kind).keys)) : [];
  const known = [...new Set([...Object.keys(settingKeys), ...devices])];
  return new ValenicError('key_unknown', `unknown key "${key}"${hint(key, [...kinds, ...known])}`);
}

function parseItem(word: string): Item {
  const equals = word.indexOf('=');
  const key = equals < 0 ? word : word.slice(0, equals);
  if (key === '') throw syntax('there is an empty item: write KEY=VALUE between commas');
  return { key, text: equals < 0 ? null : word.slice(equals + 1) };
}

/** At single commas; two of them are one character of a value. */
function splitCommas(text: string): string[] {
  const words = [''];
  for (const [piece] of text.matchAll(/,,|,|[^,]+/g)) {
    if (piece === ',') words.push('');
    else words[words.length - 1] += piece === ',,' ? ',' : piece;
  }
  return words;
}
