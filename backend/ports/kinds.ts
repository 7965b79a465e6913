/** The table of kinds of port: a kind is a folder here, and one row. */

import { dgramKind } from './dgram/index.ts';
import type { CommonState } from './endpoint.ts';
import { hostKind } from './host/index.ts';
import type { Attachment, Kind } from './kind.ts';
import { packetKind } from './packet/index.ts';
import { streamKind } from './stream/index.ts';
import { tapKind } from './tap/index.ts';
import { userKind } from './user/index.ts';
import { vhostUserKind } from './vhost-user/index.ts';

/** Kinds whose peer is behind a descriptor. */
const links = {
  stream: streamKind,
  dgram: dgramKind,
  tap: tapKind,
  packet: packetKind,
  user: userKind,
} as const;
/** In the order in which help and reference show them. */
export const kinds = { 'vhost-user': vhostUserKind, host: hostKind, ...links } as const;
type Kinds = typeof kinds;
export type KindName = keyof Kinds;
/** What is behind a port: a spec of one of the kinds. */
export type Device = { [Name in KindName]: NonNullable<Kinds[Name]['spec']> }[KindName];
/** A device of the kinds whose peer is behind a descriptor. */
export type LinkSpec = Extract<Device, { readonly kind: keyof typeof links }>;
type Own = { [Name in KindName]: NonNullable<Kinds[Name]['own']> }[KindName];
type AllOf<Union> = (Union extends unknown ? (each: Union) => void : never) extends (
  all: infer All,
) => void
  ? All
  : never;
/** What `port show` tells of what is behind a port: for all kinds, and what only some know. */
export type EndpointState = CommonState & Partial<AllOf<Own>>;
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

/** What stands at the key of each kind: `vhost-user=PATH`, `host` and so on. */
export const kindForms: readonly string[] = portKinds.map((name) => kindOf(name).form);

/** Whether a kind is its key alone, e.g. `host`. */
export function standsAlone(key: string): boolean {
  return kindForms.includes(key);
}

/** The kinds to which a guest can attach in this way. */
export function attachedBy(by: Attachment['by']): readonly KindName[] {
  return portKinds.filter((name) => kindOf(name).attachment.by === by);
}

/** Which kinds have a key, e.g. `vhost-user and tap`; "" when none does. */
export function kindsWith(key: string): string {
  return portKinds.filter((name) => Object.hasOwn(kinds[name].keys, key)).join(' and ');
}
