/** What a port is to be, as plain data: what configuration, CLI and API are parsed into. */

import type { PortSettings } from '../native/boundary.ts';

/** `vale0:vm1` */
export interface PortName {
  readonly switch: string;
  readonly port: string;
}

export interface VhostUserSpec {
  readonly kind: 'vhost-user';
  readonly path: string;
  readonly role: 'server' | 'client';
  /** Queue pairs, 1..16. */
  readonly queues: number;
  /** Permissions of the socket file, e.g. 0o660. */
  readonly mode?: number;
  readonly group?: string;
  readonly mtu?: number;
}
/** A packet source and sink in this process. */
export interface HostSpec {
  readonly kind: 'host';
}

export interface PortSpec {
  readonly name: PortName;
  readonly device: VhostUserSpec | HostSpec;
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
  up: true,
};

export function nameText(name: PortName): string {
  return `${name.switch}:${name.port}`;
}
