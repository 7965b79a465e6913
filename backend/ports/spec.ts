/** A port's specification as plain data: the result of parsing configuration, CLI and API. */

import type { PortSettings } from '../../native/boundary/index.ts';

/** `vale0:vm1` */
export interface PortName {
  readonly switch: string;
  readonly port: string;
}

export interface VhostUserSpec {
  readonly kind: 'vhost-user';
  readonly path: string;
  /** `server`, the default: we listen. */
  readonly role?: 'server' | 'client';
  /** Queue pairs, 1..16; 1 unless it is said. */
  readonly queues?: number;
  /** Permissions of the socket file, e.g. 0o660. */
  readonly mode?: number;
  readonly group?: string;
  /** Guest and switch leave checksums and segmentation to each other. On by default. */
  readonly offloads?: boolean;
}
/** Frames with their lengths in a byte stream: QEMU's `-netdev stream` and `socket`. */
export interface StreamSpec {
  readonly kind: 'stream';
  /** A path, or `tcp:HOST:PORT`. */
  readonly address: string;
  /** `server`, the default: we listen. */
  readonly role?: 'server' | 'client';
  /** Permissions of the socket file. */
  readonly mode?: number;
  readonly group?: string;
}
/** One frame a datagram: QEMU's `-netdev dgram`. */
export interface DgramSpec {
  readonly kind: 'dgram';
  /** Ours: a path, or `udp:HOST:PORT`. */
  readonly address: string;
  /** The other end's, of the same sort. */
  readonly peer: string;
  readonly mode?: number;
  readonly group?: string;
}
/** An interface of the host. */
export interface TapSpec {
  readonly kind: 'tap';
  readonly interface: string;
  /** 1..16; 1 unless it is said. */
  readonly queues?: number;
  /** One that we make stays when the port goes. */
  readonly persist?: boolean;
  /** Host's stack and switch leave checksums and segmentation to each other. On by default. */
  readonly offloads?: boolean;
}
/** A port of the host that leads to one of a guest. */
export interface Forward {
  readonly protocol: 'tcp' | 'udp';
  /** IPv4, as the guest's. */
  readonly hostAddress: string;
  readonly hostPort: number;
  /** Absent: the first address that DHCP gives away. */
  readonly guestAddress?: string;
  readonly guestPort: number;
}
/** Networks elsewhere, by NAT in user space. */
export interface UserSpec {
  readonly kind: 'user';
  /** IPv4, e.g. `10.0.2.0/24`. */
  readonly network?: string;
  readonly forwards?: readonly Forward[];
  /** The gateway's address leads to this host's loopback. */
  readonly hostLoopback?: boolean;
}
/** What a packet port goes through; `auto`: AF_XDP where that is better and harmless. */
export const packetIos = ['auto', 'af-packet', 'af-xdp'] as const;
/** The wire of an interface of the host: what comes to it and what leaves it. */
export interface PacketSpec {
  readonly kind: 'packet';
  readonly interface: string;
  /** 1..16; 1 unless it is said. */
  readonly queues?: number;
  /** `auto` unless it is said. */
  readonly io?: (typeof packetIos)[number];
}
/** Kinds whose peer is behind a descriptor. */
export type LinkSpec = StreamSpec | DgramSpec | TapSpec | PacketSpec | UserSpec;

/** A packet source and sink in this process. */
export interface HostSpec {
  readonly kind: 'host';
}

/** What is behind a port. */
export type Device = VhostUserSpec | HostSpec | LinkSpec;

/** A port as a program asks for it. */
export interface PortInput {
  readonly name: PortName;
  readonly device: Device;
  readonly settings?: Partial<PortSettings>;
}

/** A device with all defaults filled in. */
export type Filled<Some> = Some extends unknown
  ? Some & { readonly [Key in Extract<keyof Some, 'role' | 'queues'>]-?: NonNullable<Some[Key]> }
  : never;

/** A port, checked: backend/config makes one of text, of a mapping and of a PortInput. */
export interface PortSpec {
  readonly name: PortName;
  readonly device: Filled<Device>;
  readonly settings: Partial<PortSettings>;
}

export const defaultSettings: PortSettings = {
  polling: 'adaptive',
  spinUs: 'auto',
  more: true,
  moderationFrames: 1,
  moderationUs: 0,
  budget: 64,
  macLimit: 1024,
  maxFrameBytes: 65_550,
  mtu: 0,
  up: true,
  vlan: { mode: 'none' },
  linkLocal: true,
};

/** Queue pairs that a port of this device has. */
export function queuesOf(device: PortSpec['device']): number {
  return 'queues' in device ? device.queues : 1;
}

/** What only one port can have: a socket or an interface. Null: the device has none. */
export function placeOf(device: PortSpec['device']): string | null {
  switch (device.kind) {
    case 'host':
    case 'user':
      return null;
    case 'vhost-user':
      return device.path;
    case 'tap':
    case 'packet':
      return device.interface;
    case 'stream':
    case 'dgram':
      return device.address;
  }
}

export function nameText(name: PortName): string {
  return `${name.switch}:${name.port}`;
}
