/**
 * The text of a port: `vale0:vm1,vhost-user=/run/vm1.sock,queues=2,polling=busy` or `vale0:h,host`.
 *
 * A comma inside a value is written twice, as in QEMU's own options.
 */

import { resolve } from 'node:path';
import type { PortSettings } from '../../native/boundary.ts';
import { ValenicError } from '../errors.ts';
import { nameText, type PortName, type PortSpec, type VhostUserSpec } from '../port-spec.ts';
import { plannedKinds, portKinds, settingKeys, socketKeys, writeItems } from './keys.ts';
import { hint } from './suggest.ts';

/** One `key=value`; `text` is null when there is no `=`. */
export interface Item {
  readonly key: string;
  readonly text: string | null;
}

/** What sockaddr_un holds without its closing zero: unix(7). */
const maxSocketPathBytes = 107;
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
    throw syntax(`"${text}" is no port name: write SWITCH:PORT, e.g. vale0:vm1`);
  }
  for (const part of [home, port]) {
    if (namePattern.test(part)) continue;
    throw syntax(
      `"${text}" is no port name: both parts are 1 to 32 letters, digits, "_", "." and "-"`,
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
  const kind = onlyKind(name, items);
  const settings = parseSettings(items.filter(({ key }) => Object.hasOwn(settingKeys, key)));
  const rest = items.filter((item) => item !== kind && !Object.hasOwn(settingKeys, item.key));
  const unknown = rest.find(({ key }) => !Object.hasOwn(socketKeys, key));
  if (unknown !== undefined) throw unknownKey(unknown.key, kindNames);
  if (kind.key === 'host') {
    const [first] = rest;
    if (first !== undefined) {
      throw syntax(`${first.key} is for vhost-user ports: a host port has no socket`);
    }
    if (kind.text !== null) throw syntax('host takes no value');
    return { name: portName, device: { kind: 'host' }, settings };
  }
  return { name: portName, device: vhostUser(kind.text, rest, folder), settings };
}

/** `key=value` words of `port set`. Throws as parsePort does. */
export function parseSettingWords(words: readonly string[]): Partial<PortSettings> {
  const items = words.map(parseItem);
  refuseDuplicates(items);
  return parseSettings(items);
}

function parseSettings(items: readonly Item[]): Partial<PortSettings> {
  let settings: Partial<PortSettings> = {};
  for (const { key, text } of items) {
    const row = Object.hasOwn(settingKeys, key) ? settingKeys[key] : undefined;
    if (row === undefined) {
      if (!Object.hasOwn(socketKeys, key) && !kindNames.includes(key)) throw unknownKey(key, []);
      throw new ValenicError(
        'value_invalid',
        `${key} is fixed when a port is added: remove the port and add it again`,
      );
    }
    settings = { ...settings, ...row.read(key, givenText(key, text)) };
  }
  return settings;
}

/** The text that parsePort reads back. */
export function portText(spec: PortSpec): string {
  const { device } = spec;
  const items =
    device.kind === 'host'
      ? ['host']
      : [`vhost-user=${device.path}`, ...writeItems(socketKeys, device)];
  const words = [nameText(spec.name), ...items, ...writeItems(settingKeys, spec.settings)];
  return words.map((word) => word.replaceAll(',', ',,')).join(',');
}

function vhostUser(path: string | null, items: readonly Item[], folder: string): VhostUserSpec {
  if (path === null || path === '') throw syntax('vhost-user needs a path: vhost-user=PATH');
  let part: Partial<VhostUserSpec> = {};
  for (const { key, text } of items) {
    part = { ...part, ...socketKeys[key]?.read(key, givenText(key, text)) };
  }
  const spec: VhostUserSpec = {
    role: 'server',
    queues: 1,
    ...part,
    kind: 'vhost-user',
    path: socketPath(path, folder),
  };
  for (const key of ['mode', 'group'] as const) {
    if (spec.role === 'server' || spec[key] === undefined) continue;
    throw syntax(`${key} is for role=server: with role=client the socket file is the VMM's`);
  }
  return spec;
}

/** An absolute path that a UNIX socket can have. @throws {ValenicError} `value_invalid`. */
export function socketPath(path: string, folder: string): string {
  const full = resolve(folder, path);
  const bytes = Buffer.byteLength(full);
  if (bytes <= maxSocketPathBytes && !full.includes('\0')) return full;
  throw new ValenicError(
    'value_invalid',
    `${full} has ${bytes} bytes: the path of a socket has at most ${maxSocketPathBytes}`,
  );
}

function onlyKind(name: string, items: readonly Item[]): Item {
  const planned = items.find(({ key }) => plannedNames.includes(key));
  if (planned !== undefined) {
    throw new ValenicError(
      'not_built_in',
      `${name}: ports of kind ${planned.key} are not built in yet; vhost-user=PATH and host are`,
    );
  }
  const [kind, second] = items.filter(({ key }) => kindNames.includes(key));
  if (second !== undefined) throw syntax(`${name} is both ${kind?.key} and ${second.key}: choose`);
  if (kind !== undefined) return kind;
  const [first] = items;
  const known = (key: string) => Object.hasOwn(settingKeys, key) || Object.hasOwn(socketKeys, key);
  if (first !== undefined && !known(first.key)) throw unknownKey(first.key, kindNames);
  throw syntax(`${name} has no kind: add ",vhost-user=PATH" or ",host"`);
}

function refuseDuplicates(items: readonly Item[]): void {
  const seen = new Set<string>();
  for (const { key } of items) {
    if (seen.has(key)) throw syntax(`${key} is given twice`);
    seen.add(key);
  }
}

/** @param kinds  Words that would be right in this place besides the settings. */
function unknownKey(key: string, kinds: readonly string[]): ValenicError {
  const known = [...Object.keys(settingKeys), ...(kinds.length > 0 ? Object.keys(socketKeys) : [])];
  return new ValenicError('key_unknown', `unknown key "${key}"${hint(key, [...kinds, ...known])}`);
}

function givenText(key: string, text: string | null): string {
  if (text !== null) return text;
  throw syntax(`${key} needs a value: ${key}=VALUE`);
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

function syntax(sentence: string): ValenicError {
  return new ValenicError('port_syntax', sentence);
}
