/** One port of a switch, as the library shows it. */

import {
  defaultSettings,
  type HostSource,
  type NativeAddon,
  type PollingMode,
  type PortEvent,
  type PortSettings,
} from '../native/boundary/index.ts';
import { AddressNotices, isAddressEvent } from './addresses.ts';
import { checkedSettings } from './config/index.ts';
import type { Datapath } from './datapath/datapath.ts';
import { ValenicError } from './errors.ts';
import type { Logger } from './log.ts';
import { PeerLog } from './log.ts';
import {
  type EndpointState,
  type FrameMaker,
  type HostReport,
  kindOf,
  type PortEndpoint,
  portKinds,
} from './ports/index.ts';
import { nameText, type PortSpec, queuesOf } from './ports/spec.ts';
import type { PortStats, StatsReader } from './stats/stats.ts';
import type { KeptFiles, KeptGuest } from './vhost-user/index.ts';

/** What a port needs of the backend it lives in. */
export interface PortContext {
  readonly addon: NativeAddon;
  readonly datapath: Datapath;
  readonly reader: StatsReader;
  /** What guests have that ran already when this process came. */
  readonly keptFiles: KeptFiles;
  readonly log: Logger;
  /** The port's state changed. */
  readonly onChange: (port: Port) => void;
  /** By the datapath's number. */
  readonly portOf: (id: number) => Port | undefined;
  /** Workers there are: 0..workers - 1. */
  readonly workers: () => number;
}

/** What `port show` tells; plain data. */
export interface PortState {
  readonly name: string;
  readonly kind: PortSpec['device']['kind'];
  readonly settings: PortSettings;
  /** The worker of each queue pair. */
  readonly workers: readonly number[];
  /** What the operator should do about the addresses behind the port: sentences, mostly none. */
  readonly notices: readonly string[];
  /** What is behind the port; absent: nobody. */
  readonly endpoint?: EndpointState;
  /** Frames passed, in either direction, since the guest started its rings; absent: it has none. */
  readonly traffic?: boolean;
}

interface Made {
  readonly port: number;
  readonly block: number;
  readonly workers: readonly number[];
  readonly kept: KeptGuest | undefined;
}

const workerOf = (workers: readonly number[], pair: number): number =>
  workers[pair % workers.length] ?? 0;

export class Port {
  readonly spec: PortSpec;
  /** The datapath's number. */
  readonly id: number;
  readonly #context: PortContext;
  readonly #statsBlock: number;
  readonly #endpoint: PortEndpoint | null;
  readonly #log: PeerLog;
  readonly #addresses: AddressNotices;
  #settings: PortSettings;
  #workers: readonly number[];
  #closed = false;
  /** Frames that had passed when the guest started its rings; null while none runs. */
  #framesAtStart: number | null = null;

  private constructor(context: PortContext, spec: PortSpec, made: Made) {
    this.#context = context;
    this.spec = spec;
    this.id = made.port;
    this.#statsBlock = made.block;
    this.#workers = made.workers;
    this.#settings = { ...defaultSettings, ...spec.settings };
    this.#log = new PeerLog(context.log, { port: this.name });
    this.#addresses = new AddressNotices({
      name: this.name,
      log: this.#log,
      notices: (id) => {
        const port = context.portOf(id);
        return port === undefined ? undefined : port.#addresses;
      },
      onChange: () => context.onChange(this),
    });
    this.#endpoint = this.#makeEndpoint(made.kept);
  }

  /**
   * Makes the port in the datapath and starts its socket.
   *
   * @param home  The datapath's number of the switch.
   * @param workers  Which workers poll its queue pairs, in turn.
   * @throws {ValenicError} `name_in_use`, `socket_in_use`, `socket_failed`, `interface_failed`,
   *   `datapath_failed`; nothing of the port is left then.
   */
  static async create(
    context: PortContext,
    spec: PortSpec,
    home: number,
    workers: readonly number[],
  ): Promise<Port> {
    const { device } = spec;
    const kind = kindOf(device.kind);
    const log = new PeerLog(context.log, { port: nameText(spec.name) });
    const kept = await kind.recall?.(device, context.keptFiles, log);
    const queues = Math.max(queuesOf(device), kept?.queues ?? 0);
    const made = await context.datapath.command('port.create', {
      switch: home,
      name: spec.name.port,
      kind: kind.datapath,
      queues,
      workers,
      settings: { ...defaultSettings, ...spec.settings },
    });
    let port: Port | null = null;
    try {
      port = new Port(context, spec, {
        port: made.port,
        block: made.statsBlock,
        workers: Array.from({ length: queues }, (_, pair) => workerOf(workers, pair)),
        kept,
      });
      await port.#endpoint?.start();
      return port;
    } catch (error) {
      await (port?.close() ?? context.datapath.command('port.remove', { port: made.port }));
      throw error;
    }
  }

  /** `vale0:vm1` */
  get name(): string {
    return nameText(this.spec.name);
  }

  get settings(): PortSettings {
    return this.#settings;
  }

  /**
   * Changes settings under traffic; no frame is lost by it.
   *
   * @throws {ValenicError} `value_invalid`, `key_unknown`.
   */
  async set(settings: Partial<PortSettings>): Promise<void> {
    const change = checkedSettings(settings);
    await this.#context.datapath.command('port.set', { port: this.id, settings: change });
    this.#settings = { ...this.#settings, ...change };
    this.#endpoint?.setMtu?.(this.#settings.mtu);
    this.#context.onChange(this);
  }

  /** @param spinUs  For `adaptive`: microseconds without work before it sleeps, or `auto`. */
  polling(mode: PollingMode, spinUs?: PortSettings['spinUs']): Promise<void> {
    return this.set({ polling: mode, ...(spinUs === undefined ? {} : { spinUs }) });
  }

  more(on: boolean): Promise<void> {
    return this.set({ more: on });
  }

  /** The worker of each queue pair. */
  get workers(): readonly number[] {
    return this.#workers;
  }

  /**
   * Another worker owns a queue pair from here on. No frame is lost by it, none overtakes another.
   *
   * @throws {ValenicError} `value_invalid`: there is no such pair or worker.
   */
  async move(pair: number, worker: number): Promise<void> {
    this.#mustExist('queue pair', pair, this.#workers.length);
    this.#mustExist('worker', worker, this.#context.workers());
    await this.#context.datapath.command('queue.move', { port: this.id, pair, worker });
    this.#workers = this.#workers.with(pair, worker);
    this.#context.onChange(this);
  }

  /** Moves every queue pair: pair i to `workers[i % workers.length]`. @throws as move(). */
  async spread(workers: readonly number[]): Promise<void> {
    if (workers.length === 0) throw new ValenicError('value_invalid', 'give at least one worker');
    for (const worker of workers) this.#mustExist('worker', worker, this.#context.workers());
    for (const pair of this.#workers.keys()) await this.move(pair, workerOf(workers, pair));
  }

  stats(): PortStats {
    return this.#context.reader.port(this.#statsBlock);
  }

  state(): PortState {
    const { kind } = this.spec.device;
    const state = {
      name: this.name,
      kind,
      settings: this.#settings,
      workers: this.#workers,
      notices: this.#addresses.list(),
    };
    if (this.#endpoint === null) return state;
    const endpoint = this.#endpoint.state();
    if (this.#endpoint.started === undefined) return { ...state, endpoint };
    const since = this.#framesAtStart;
    return { ...state, endpoint, traffic: since !== null && this.#frames() > since };
  }

  /** MAC addresses that lead here, each once, in order. */
  async macs(): Promise<readonly string[]> {
    const { macs } = await this.#context.datapath.command('port.macs', { port: this.id });
    return [...new Set(macs)].sort();
  }

  /** Forgets them, also those that `stickyMacs` keeps here. Resolves with how many there were. */
  async forgetMacs(): Promise<number> {
    const { datapath } = this.#context;
    return (await datapath.command('port.forget', { port: this.id })).forgotten;
  }

  /** Starts a host port's stream of numbered, checksummed frames. */
  async startSource(source: HostSource): Promise<void> {
    await this.#frameMaker().start(this.#context.datapath, this.id, source);
  }

  /** @returns Frames sent since the source was started. */
  async stopSource(): Promise<bigint> {
    return this.#frameMaker().stop(this.#context.datapath, this.id);
  }

  /** What a host port's sink saw, by stream. */
  async report({ reset = false }: { reset?: boolean } = {}): Promise<HostReport> {
    return this.#frameMaker().report(this.#context.datapath, this.id, reset);
  }

  handleEvent(event: PortEvent): void {
    if (isAddressEvent(event)) this.#addresses.handle(event);
    else this.#endpoint?.handleEvent(event);
  }

  /** Closes the socket and takes the port off its switch. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#addresses.close();
    try {
      await this.#endpoint?.close();
    } finally {
      await this.#context.datapath.command('port.remove', { port: this.id });
    }
  }

  #mustExist(what: string, number: number, count: number): void {
    if (Number.isInteger(number) && number >= 0 && number < count) return;
    const there = count === 1 ? 'the only one is 0' : `0 to ${count - 1} are`;
    throw new ValenicError('value_invalid', `there is no ${what} ${number}: ${there}`);
  }

  #frameMaker(): FrameMaker {
    const { frames } = kindOf(this.spec.device.kind);
    if (frames !== undefined) return frames;
    const those = portKinds.filter((name) => kindOf(name).frames !== undefined).join(' or ');
    const text = `${this.name} is not a ${those} port: it has no source or sink`;
    throw new ValenicError('value_invalid', text);
  }

  #makeEndpoint(kept: KeptGuest | undefined): PortEndpoint | null {
    const { device } = this.spec;
    return kindOf(device.kind).endpoint(device, {
      kept,
      addon: this.#context.addon,
      datapath: this.#context.datapath.native,
      port: this.id,
      name: this.name,
      mtu: () => this.#settings.mtu,
      log: this.#log,
      onChange: () => {
        this.#noteStart();
        this.#context.onChange(this);
      },
    });
  }

  #noteStart(): void {
    const started = this.#endpoint?.started ?? false;
    if (!started) this.#framesAtStart = null;
    else this.#framesAtStart ??= this.#frames();
  }

  #frames(): number {
    const { tx_frames, rx_frames } = this.stats().counters;
    return tx_frames + rx_frames;
  }
}
