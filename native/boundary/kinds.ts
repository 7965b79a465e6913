/** Enumerations that fields have: a table of the boundary. */

import type { Enumeration } from './fields.ts';

/**
 * Kinds of port. Those with a descriptor are called links: `stream` frames in a byte stream,
 * `dgram` one frame a datagram, `tap` an interface of the host, `packet` the wire of any.
 */
export const portKinds = ['vhost', 'host', 'stream', 'dgram', 'tap', 'packet'] as const;
export type PortKind = (typeof portKinds)[number];

/** Before each frame of a tap port: nothing, a header without offloads, with TSO, with USO too. */
export const netHeaderUses = ['none', 'plain', 'tso', 'uso'] as const;
export type NetHeaderUse = (typeof netHeaderUses)[number];

export const pollingModes = ['busy', 'adaptive', 'event'] as const;
export type PollingMode = (typeof pollingModes)[number];

/** How a port takes part in the VLANs of its switch: PortVlan. */
export const vlanModes = ['none', 'access', 'trunk', 'tunnel'] as const;
export type VlanMode = (typeof vlanModes)[number];

/** What a worker does for a port. */
export const workerActs = {
  nothing: 'looks for work',
  receive: 'takes frames from',
  transmit: 'delivers frames to',
  release: 'hands buffers back to',
  notify: 'calls',
  acknowledge: 'reads the kicks of',
} as const satisfies Record<string, string>;
export type WorkerAct = keyof typeof workerActs;

export const portKind: Enumeration = {
  name: 'PortKind',
  text: 'What is at the other end of a port.',
  names: portKinds,
};
export const netHeaderUse: Enumeration = {
  name: 'NetHeaderUse',
  text: 'What stands before the frames of a tap port.',
  names: netHeaderUses,
};
export const pollingMode: Enumeration = {
  name: 'PollingMode',
  text: 'How a worker learns that there is work.',
  names: pollingModes,
};
export const vlanMode: Enumeration = {
  name: 'VlanMode',
  text: 'How a port takes part in the VLANs of its switch.',
  names: vlanModes,
};
export const workerAct: Enumeration = {
  name: 'WorkerAct',
  text: 'What a worker does for a port.',
  names: Object.keys(workerActs),
};
