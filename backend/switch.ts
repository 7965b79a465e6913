/** A VALE switch: ports under one name. */

import type { PollingMode, PortSettings } from '../native/boundary/index.ts';
import type { Port } from './port.ts';
import type { Device, PortInput, PortName } from './ports/spec.ts';
import type { PortStats } from './stats/stats.ts';

/** What a switch asks of the back-end that it is part of. */
export interface SwitchHome {
  mtuOf(name: string): number;
  setMtu(name: string, mtu: number): Promise<void>;
  ports(): readonly Port[];
  port(name: PortName): Port;
  addPort(input: PortInput): Promise<Port>;
  removePort(name: PortName): Promise<void>;
}

export class Switch<Home extends SwitchHome = SwitchHome> {
  readonly name: string;
  /** The datapath's number. */
  readonly id: number;
  readonly backend: Home;

  constructor(backend: Home, name: string, id: number) {
    this.backend = backend;
    this.name = name;
    this.id = id;
  }

  /** Of ports that are added without one; 0: frames of any length pass. */
  get mtu(): number {
    return this.backend.mtuOf(this.name);
  }

  /** Of every port, and of those that come later. */
  setMtu(mtu: number): Promise<void> {
    return this.backend.setMtu(this.name, mtu);
  }

  ports(): readonly Port[] {
    return this.backend.ports().filter(({ spec }) => spec.name.switch === this.name);
  }

  /** @throws {ValenicError} `port_not_found`. */
  port(name: string): Port {
    return this.backend.port({ switch: this.name, port: name });
  }

  /**
   * @param name  Of the port, e.g. `vm1`.
   * @example
   * await vale.addPort('vm1', { kind: 'vhost-user', path: '/tmp/vm1.sock' });
   * @throws {ValenicError} as Backend.addPort() does.
   */
  addPort(name: string, device: Device, settings: Partial<PortSettings> = {}): Promise<Port> {
    return this.backend.addPort({ name: { switch: this.name, port: name }, device, settings });
  }

  removePort(name: string): Promise<void> {
    return this.backend.removePort({ switch: this.name, port: name });
  }

  async polling(mode: PollingMode, spinUs?: PortSettings['spinUs']): Promise<void> {
    for (const port of this.ports()) await port.polling(mode, spinUs);
  }

  async more(on: boolean): Promise<void> {
    for (const port of this.ports()) await port.more(on);
  }

  /** By the ports' names on this switch. */
  stats(): Readonly<Record<string, PortStats>> {
    return Object.fromEntries(this.ports().map((port) => [port.spec.name.port, port.stats()]));
  }
}
