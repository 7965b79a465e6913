/** The table of kinds of port: a kind is a folder here, and one row. */

import { dgramKind } from './dgram/index.ts';
import { hostKind } from './host/index.ts';
import type { Kind } from './kind.ts';
import { packetKind } from './packet/index.ts';
import { streamKind } from './stream/index.ts';
import { tapKind } from './tap/index.ts';
import { userKind } from './user/index.ts';
import { vhostUserKind } from './vhost-user/index.ts';

/** In the order in which help and reference show them. */
export const kinds = {
  'vhost-user': vhostUserKind,
  host: hostKind,
  stream: streamKind,
  dgram: dgramKind,
  tap: tapKind,
  packet: packetKind,
  user: userKind,
} as const;
type Kinds = typeof kinds;
export type KindName = keyof Kinds;
/** What is behind a port: a spec of one of the kinds. */
export type Device = { [Name in KindName]: NonNullable<Kinds[Name]['spec']> }[KindName];
export const portKinds = Object.keys(kinds) as readonly KindName[];

/** Kinds that have a name and nothing else yet. */
export const plannedKinds = ['netmap', 'ptnet'] as const;

/** The row of a kind, for whoever does not know which it is. */
export function kindOf(name: KindName): Kind<Device> {
  return kinds[name];
}

/** What only one port can have: a socket or an interface. Null: the device has none. */
export function placeOf(device: Device): string | null {
  return kindOf(device.kind).placeOf(device);
}

/** Which kinds have a key, e.g. `vhost-user and tap`; "" when none does. */
export function kindsWith(key: string): string {
  return portKinds.filter((name) => Object.hasOwn(kinds[name].keys, key)).join(' and ');
}
