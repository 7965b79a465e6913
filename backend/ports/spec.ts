/** A port's specification as plain data: the result of parsing configuration, CLI and API. */

import type { PortSettings } from '../../native/boundary/index.ts';
import type { Filled } from './filled.ts';
import type { Device } from './kinds.ts';

/** `vale0:vm1` */
export interface PortName {
  readonly switch: string;
  readonly port: string;
}

export type { Device, LinkSpec } from './kinds.ts';

/** A port as a program asks for it. */
export interface PortInput {
  readonly name: PortName;
  readonly device: Device;
  readonly settings?: Partial<PortSettings>;
}

/** A port, checked: backend/config makes one of text, of a mapping and of a PortInput. */
export interface PortSpec {
  readonly name: PortName;
  readonly device: Filled<Device>;
  readonly settings: Partial<PortSettings>;
}

/** Queue pairs that a port of this device has. */
export function queuesOf(device: PortSpec['device']): number {
  return 'queues' in device ? device.queues : 1;
}

export function nameText(name: PortName): string {
  return `${name.switch}:${name.port}`;
}
