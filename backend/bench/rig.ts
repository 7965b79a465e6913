/**
 * The back-end under measurement: one switch with two guest ports and a host port, in this process.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { HostSource, PollingMode } from '../../native/boundary/index.ts';
import { type Backend, createBackend } from '../backend.ts';
import type { Port } from '../port.ts';
import { difference, type PortStats } from '../stats/stats.ts';
import type { Scenario } from './row.ts';

export const hostMac = '52:54:00:00:02:01';
const broadcast = 'ff:ff:ff:ff:ff:ff';

export interface RigOptions {
  /** CPU of the worker; none: the scheduler decides. */
  readonly workerCpu?: number;
  readonly workers: number;
}

/** Frames lost by reason, and notifications. */
export interface Balance {
  readonly lost: Readonly<Record<string, number>>;
  readonly kicks: number;
  readonly calls: number;
}

export class Rig {
  readonly backend: Backend;
  /** Sockets of the two guest ports. */
  readonly sockets: readonly [string, string];
  readonly guests: readonly [Port, Port];
  readonly host: Port;
  readonly #folder: string;
  #features: readonly string[] = [];

  private constructor(backend: Backend, folder: string, ports: readonly [Port, Port, Port]) {
    this.backend = backend;
    this.#folder = folder;
    this.sockets = [join(folder, 'a.sock'), join(folder, 'b.sock')];
    this.guests = [ports[0], ports[1]];
    this.host = ports[2];
    backend.on('changed', (port) => {
      const features = port === ports[0] ? (port.state().endpoint?.features ?? []) : [];
      if (features.length > 0) this.#features = features;
    });
  }

  static async create(options: RigOptions): Promise<Rig> {
    const { workerCpu, workers } = options;
    const cpus = workerCpu === undefined ? {} : { cpus: [workerCpu] };
    const folder = await mkdtemp(join(tmpdir(), 'valenic-bench-'));
    const backend = await createBackend({ workers, ...cpus });
    const guest = (name: string) =>
      backend.addPort({
        name: { switch: 'vale0', port: name },
        device: {
          kind: 'vhost-user',
          path: join(folder, `${name}.sock`),
          role: 'server',
          queues: 1,
        },
        settings: {},
      });
    const host = () =>
      backend.addPort({
        name: { switch: 'vale0', port: 'h' },
        device: { kind: 'host' },
        settings: {},
      });
    return new Rig(backend, folder, [await guest('a'), await guest('b'), await host()]);
  }

  async apply(polling: PollingMode, more: boolean): Promise<void> {
    for (const port of this.backend.ports()) await port.set({ polling, more });
  }

  /** So that frames for the host port are not flooded: it says where it is. */
  async introduceHost(): Promise<void> {
    await this.runSource({
      destination: broadcast,
      frameBytes: 60,
      ratePps: 0,
      count: 1n,
      stream: 0,
    });
    await delay(20);
    await this.host.stopSource();
    await this.host.report({ reset: true });
  }

  runSource(source: Omit<HostSource, 'source'>): Promise<void> {
    return this.host.startSource({ ...source, source: hostMac });
  }

  /** Sender and receiver of a scenario; the third port hears only broadcasts. */
  portsOf(scenario: Scenario): readonly [Port, Port] {
    const [a, b] = this.guests;
    return ({ g2g: [a, b], g2h: [a, this.host], h2g: [this.host, a] } as const)[scenario];
  }

  snapshot(scenario: Scenario): readonly PortStats[] {
    return this.portsOf(scenario).map((port) => port.stats());
  }

  /** What both ports counted since `before`: drops on the way from the sender to the receiver. */
  since(scenario: Scenario, before: readonly PortStats[]): Balance {
    const lost: Record<string, number> = {};
    let [kicks, calls] = [0, 0];
    for (const [index, now] of this.snapshot(scenario).entries()) {
      const earlier = before[index];
      if (earlier === undefined) continue;
      const { counters, drops } = difference(now, earlier);
      kicks += counters.kicks;
      calls += counters.calls;
      const side = index === 0 ? 'tx_' : 'rx_';
      for (const [reason, frames] of Object.entries(drops)) {
        if (frames > 0 && reason.startsWith(side)) lost[reason] = frames;
      }
    }
    return { lost, kicks, calls };
  }

  /** Virtio features of the first guest, as last negotiated. */
  features(): readonly string[] {
    return this.#features;
  }

  async close(): Promise<void> {
    await this.backend.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
