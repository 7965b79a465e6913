/** The device of a port from its keys, and its keys from the device: one function for each kind. */

import { resolve } from 'node:path';
import { ValenicError } from '../errors.ts';
import type {
  DgramSpec,
  Filled,
  Forward,
  PacketSpec,
  PortSpec,
  StreamSpec,
  TapSpec,
  UserSpec,
  VhostUserSpec,
} from '../ports/spec.ts';
import { isInet, parseInet } from '../socket/address.ts';
import { refuseAbstract } from '../socket/path.ts';
import { type Row, writeItems } from '../values/row.ts';
import { kindKeys } from './keys.ts';

/** One `key=value`; `text` is null when there is no `=`. */
export interface Item {
  readonly key: string;
  readonly text: string | null;
}
type Whole = PortSpec['device'];

/** What sockaddr_un holds without its closing zero: unix(7). */
const maxSocketPathBytes = 107;

/**
 * @param value  The value of the kind's own key.
 * @param items  The other keys; each is one of this kind.
 * @throws {ValenicError} `port_syntax`, `value_invalid`.
 */
export function readDevice(
  kind: Whole['kind'],
  value: string | null,
  items: readonly Item[],
  folder: string,
): Whole {
  switch (kind) {
    case 'host':
      if (value !== null) throw syntax('host takes no value');
      return { kind };
    case 'vhost-user':
      return vhostUser(value, items, folder);
    case 'stream':
      return stream(value, items, folder);
    case 'dgram':
      return dgram(value, items, folder);
    case 'tap':
      return tap(value, items);
    case 'user':
      return user(value, items);
    case 'packet':
      return packet(value, items);
  }
}

/** The words that readDevice() reads back. */
export function writeDevice(device: Whole): readonly string[] {
  switch (device.kind) {
    case 'host':
      return ['host'];
    case 'vhost-user':
      return [`vhost-user=${device.path}`, ...writeItems(kindKeys[device.kind], device)];
    case 'stream':
      return [`stream=${device.address}`, ...writeItems(kindKeys[device.kind], device)];
    case 'dgram':
      return [`dgram=${device.address}`, ...writeItems(kindKeys[device.kind], device)];
    case 'tap':
      return [`tap=${device.interface}`, ...writeItems(kindKeys[device.kind], device)];
    case 'user':
      return ['user', ...writeItems(kindKeys[device.kind], device)];
    case 'packet':
      return [`packet=${device.interface}`, ...writeItems(kindKeys[device.kind], device)];
  }
}

function readParts<Part>(rows: Readonly<Record<string, Row<Part>>>, items: readonly Item[]): Part {
  const parts = items.map(({ key, text }) => rows[key]?.read(key, givenText(key, text)));
  return Object.assign({}, ...parts) as Part;
}

function vhostUser(
  path: string | null,
  items: readonly Item[],
  folder: string,
): Filled<VhostUserSpec> {
  if (path === null || path === '') throw syntax('vhost-user needs a path: vhost-user=PATH');
  const part = readParts(kindKeys['vhost-user'], items);
  const kind = 'vhost-user' as const;
  const spec: Filled<VhostUserSpec> = {
    ...{ role: 'server', queues: 1 },
    ...part,
    ...{ kind, path: socketPath(path, folder) },
  };
  refuseFileKeys(spec, spec.role === 'client' ? 'VMM' : null);
  return spec;
}

function stream(value: string | null, items: readonly Item[], folder: string): Filled<StreamSpec> {
  const address = placeOf('stream', 'tcp', value, folder);
  const part = readParts(kindKeys.stream, items);
  const spec: Filled<StreamSpec> = { role: 'server', ...part, kind: 'stream', address };
  refuseFileKeys(spec, spec.role === 'client' ? 'peer' : null);
  if (isInet(address)) refuseInetFileKeys(spec);
  return spec;
}

function dgram(value: string | null, items: readonly Item[], folder: string): DgramSpec {
  const address = placeOf('dgram', 'udp', value, folder);
  const part = readParts(kindKeys.dgram, items);
  if (part.peer === undefined) {
    throw syntax('dgram needs its other end: peer=PATH, or peer=udp:HOST:PORT');
  }
  const peer = placeOf('peer', 'udp', part.peer, folder);
  if (isInet(peer) !== isInet(address)) {
    throw syntax('dgram and peer are both paths, or both udp:HOST:PORT');
  }
  const spec: DgramSpec = { ...part, kind: 'dgram', address, peer };
  if (isInet(address)) refuseInetFileKeys(spec);
  return spec;
}

/** IFNAMSIZ less its closing zero, and what the kernel refuses in a name: dev_valid_name(). */
const interfaceName = /^[^\s/:\0%]{1,15}$/;

function tap(value: string | null, items: readonly Item[]): Filled<TapSpec> {
  const name = interfaceOf('tap', value);
  return { queues: 1, ...readParts(kindKeys.tap, items), kind: 'tap', interface: name };
}

function user(value: string | null, items: readonly Item[]): UserSpec {
  if (value !== null) throw syntax('user takes no value: its keys are network, forward, …');
  const single = readParts(
    kindKeys.user,
    items.filter(({ key }) => key !== 'forward'),
  );
  const forwards = items
    .filter(({ key }) => key === 'forward')
    .flatMap((item) => readParts(kindKeys.user, [item]).forwards ?? []);
  const place = ({ protocol, hostAddress, hostPort }: Forward) =>
    `${protocol}:${hostAddress}:${hostPort}`;
  const places = forwards.map(place);
  const twice = places.find((one, index) => places.indexOf(one) !== index);
  if (twice !== undefined)
    throw syntax(`${twice} is forwarded twice: a port can lead to only one place`);
  return { ...single, ...(forwards.length > 0 && { forwards }), kind: 'user' };
}

function packet(value: string | null, items: readonly Item[]): Filled<PacketSpec> {
  const name = interfaceOf('packet', value);
  return { queues: 1, ...readParts(kindKeys.packet, items), kind: 'packet', interface: name };
}

function interfaceOf(key: string, name: string | null): string {
  if (name === null || name === '') throw syntax(`${key} needs an interface: ${key}=NAME`);
  if (interfaceName.test(name) && name !== '.' && name !== '..') return name;
  throw new ValenicError(
    'value_invalid',
    `${key}=${name} is not valid: ` +
      `an interface's name has 1 to 15 characters, no "/", ":" or "%"`,
  );
}

/** A path made absolute, or a network address unchanged. */
function placeOf(key: string, scheme: 'tcp' | 'udp', value: string | null, folder: string): string {
  if (value === null || value === '') {
    throw syntax(`${key} needs a place: ${key}=PATH, or ${key}=${scheme}:HOST:PORT`);
  }
  if (!isInet(value)) return socketPath(value, folder);
  if (parseInet(value, scheme) !== null) return value;
  throw new ValenicError(
    'value_invalid',
    `${key}=${value} is not valid: give a path or ${scheme}:HOST:PORT, ` +
      `e.g. ${scheme}:127.0.0.1:4789`,
  );
}

interface FileSpec {
  readonly mode?: number;
  readonly group?: string;
}

/** @param owner  Who owns the socket file; null: we do. */
function refuseFileKeys(spec: FileSpec, owner: string | null): void {
  for (const key of ['mode', 'group'] as const) {
    if (owner === null || spec[key] === undefined) continue;
    throw syntax(
      `${key} is for role=server: with role=client the socket file belongs to the ${owner}`,
    );
  }
}

function refuseInetFileKeys(spec: FileSpec): void {
  for (const key of ['mode', 'group'] as const) {
    if (spec[key] !== undefined)
      throw syntax(`${key} is for a socket file, and an address has none`);
  }
}

/** An absolute path that a UNIX socket can have. @throws {ValenicError} `value_invalid`. */
export function socketPath(path: string, folder: string): string {
  refuseAbstract(path);
  const full = resolve(folder, path);
  const bytes = Buffer.byteLength(full);
  if (bytes <= maxSocketPathBytes && !full.includes('\0')) return full;
  throw new ValenicError(
    'value_invalid',
    `${full} has ${bytes} bytes: the path of a socket may have at most ${maxSocketPathBytes}`,
  );
}

export function givenText(key: string, text: string | null): string {
  if (text !== null) return text;
  throw syntax(`${key} needs a value: ${key}=VALUE`);
}

export function syntax(sentence: string): ValenicError {
  return new ValenicError('port_syntax', sentence);
}
