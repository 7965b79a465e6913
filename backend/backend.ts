/**
 * The whole back-end in one process: workers, switches, ports.
 *
 * `createSwitch` is the short way to one switch; `createBackend` is for several, and what the
 * daemon is made of.
 */

import { EventEmitter } from 'node:events';
import {
  ageingSeconds as ageingType,
  type FaultEvent,
  macTableSize as macTableType,
  mtuBytes,
  type NativeAddon,
  type PollingMode,
  type PortEvent,
  type SwitchCreate,
  type Type,
  typeFault,
  workerCount,
} from '../native/boundary/index.ts';
import { isAddressEvent } from './addresses.ts';
import { checkedPort, hint, readValue, settingKind } from './config/index.ts';
import type { CarrierPlace } from './datapath/carried.ts';
import { refuseAbsentCpus } from './datapath/cpus.ts';
import { Datapath } from './datapath/datapath.ts';
import { type LateWorker, lateWorkerText } from './datapath/late-worker.ts';
import { loadAddon } from './datapath/load.ts';
import { type DatapathPlace, openPlace } from './datapath/places.ts';
import { ValenicError } from './errors.ts';
import { type Logger, silent } from './log.ts';
import { Port, type PortContext } from './port.ts';
import { kindOf, placeOf } from './ports/kinds.ts';
import { nameText, type PortInput, type PortName, type PortSpec, queuesOf } from './ports/spec.ts';
import { StatsReader, type WorkerStats } from './stats/stats.ts';
import { Switch } from './switch.ts';
import { KeptFiles } from './vhost-user/index.ts';

export interface BackendOptions {
  /** Host I/O threads, 1..15. */
  readonly workers?: number;
  /** CPUs to bind them to, in turn. */
  readonly cpus?: readonly number[];
  /** Polling mode of ports that do not name one. */
  readonly polling?: PollingMode;
  /** Addresses that a switch can hold, unless createSwitch() sets it. */
  readonly macTableSize?: SwitchCreate['macTableSize'];
  /** By name; createSwitch() may be told otherwise. */
  readonly switches?: Readonly<Record<string, SwitchOptions>>;
  /** Silent unless given. */
  readonly log?: Logger;
  /** Where the datapath runs: in this process (`inline`, the default) or in one of its own. */
  readonly datapath?: DatapathPlace;
}

export interface SwitchOptions {
  /**
   * Addresses that it can hold. When it is full, the port that holds most gives one up. Range and
   * default of this and the next: docs/reference/datapath.md, switch.create.
   */
  readonly macTableSize?: SwitchCreate['macTableSize'];
  /** Seconds after which a silent address is forgotten. */
  readonly ageingSeconds?: SwitchCreate['ageingSeconds'];
  /** Of ports that are added without one; 0, the default: frames of any length pass. */
  readonly mtu?: number;
}

/** What happens unasked. */
export interface BackendEvents {
  /** Settings, connection or rings of a port are other than before. */
  changed: [Port];
  fault: [Port, FaultEvent];
  /** The datapath's own process is gone, and every port with it: a sentence. */
  lost: [string];
}

export class Backend extends EventEmitter<BackendEvents> {
  readonly #datapath: Datapath;
  readonly #context: PortContext;
  readonly #options: BackendOptions;
  readonly #switches = new Map<string, Switch>();
  /** By the names of switches: of ports that are added without one. */
  readonly #mtus = new Map<string, number>();
  readonly #ports = new Map<number, Port>();
  /** Worker numbers and their threads. */
  readonly #workers: { worker: number; tid: number }[] = [];
  #nextWorker = 0;
  /** Changes of the topology happen one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | null = null;

  private constructor(options: BackendOptions, addon: NativeAddon, place: CarrierPlace) {
    super();
    this.#options = options;
    this.#datapath = new Datapath(place, (event) => this.#handleEvent(event));
    this.#context = {
      addon,
      datapath: this.#datapath,
      reader: new StatsReader(this.#datapath.stats),
      keptFiles: new KeptFiles(),
      log: options.log ?? silent,
      onChange: (port) => void this.emit('changed', port),
      portOf: (id) => this.#ports.get(id),
      workers: () => this.#workers.length,
    };
  }

  /**
   * @throws {ValenicError} `addon_missing`, `value_invalid`, `datapath_failed`, `datapath_lost`.
   */
  static async create(options: BackendOptions = {}): Promise<Backend> {
    const { workers = 1, cpus } = options;
    checkType('workers', workerCount, workers);
    if (options.polling !== undefined)
      readValue(settingKind('polling'), 'polling', options.polling);
    refuseAbsentCpus(cpus ?? []);
    const addon = loadAddon();
    const lost = (sentence: string) => void backend.emit('lost', sentence);
    const place = await openPlace(addon, options.datapath ?? 'inline', lost);
    const backend: Backend = new Backend(options, addon, place);
    try {
      for (let index = 0; index < workers; index++) {
        const cpu = cpus?.[index % cpus.length];
        backend.#workers.push(await addWorker(backend.#datapath, cpu));
      }
    } catch (error) {
      await backend.close();
      throw error;
    }
    return backend;
  }

  get datapath(): Datapath {
    return this.#datapath;
  }

  /** Thread ids of the workers, to measure their CPU time. */
  get workerThreads(): readonly number[] {
    return this.#workers.map(({ tid }) => tid);
  }

  workerStats(): readonly WorkerStats[] {
    return this.#workers.map(({ worker }) => this.#context.reader.worker(worker));
  }

  switches(): readonly Switch[] {
    return [...this.#switches.values()];
  }

  /** @throws {ValenicError} `switch_not_found`. */
  switch(name: string): Switch {
    const found = this.#switches.get(name);
    if (found !== undefined) return found;
    const known = this.switches().map((one) => one.name);
    throw new ValenicError(
      'switch_not_found',
      `there is no switch named ${name}${nameHint(name, known)}`,
    );
  }

  /** @throws {ValenicError} `name_in_use`, `value_invalid`. */
  createSwitch(name: string, options: SwitchOptions = {}): Promise<Switch> {
    return this.#inTurn(() => this.#createSwitch(name, options));
  }

  /** What a port is held to that is added without an MTU; 0: frames of any length pass. */
  mtuOf(name: string): number {
    return this.#mtus.get(name) ?? 0;
  }

  /**
   * Changes the MTU of every port of a switch, and of those that come later.
   *
   * @throws {ValenicError} `switch_not_found`, `value_invalid`.
   */
  setMtu(name: string, mtu: number): Promise<void> {
    return this.#inTurn(async () => {
      checkType('mtu', mtuBytes, mtu);
      const ports = this.switch(name).ports();
      this.#mtus.set(name, mtu);
      for (const port of ports) await port.set({ mtu });
    });
  }

  ports(): readonly Port[] {
    return [...this.#ports.values()];
  }

  /** @throws {ValenicError} `port_not_found`. */
  port(name: PortName): Port {
    const found = this.#find(name);
    if (found !== undefined) return found;
    const text = nameText(name);
    const known = this.ports().map((port) => port.name);
    throw new ValenicError(
      'port_not_found',
      `there is no port named ${text}${nameHint(text, known)}`,
    );
  }

  /**
   * Adds a port. If its switch does not exist, it is made, and removed again if the port fails.
   * What the input leaves out is as on the command line.
   *
   * @throws {ValenicError} `name_in_use`, `socket_in_use`, `socket_failed`, `group_unknown`,
   *   `interface_failed`, `value_invalid`, `key_unknown`, `port_syntax`, `not_built_in`,
   *   `datapath_failed`; nothing of the port is left then.
   */
  addPort(input: PortInput): Promise<Port> {
    return this.#inTurn(async () => {
      checkName('port', input.name.port);
      const spec = checkedPort(input);
      if (this.#find(spec.name) !== undefined) {
        throw new ValenicError('name_in_use', `there is already a port ${nameText(spec.name)}`);
      }
      this.#refuseSharedWire(spec.device);
      const there = this.#switches.get(spec.name.switch);
      const home = there ?? (await this.#createSwitch(spec.name.switch));
      const polling = this.#options.polling ?? 'adaptive';
      const whole = {
        ...spec,
        settings: { polling, mtu: this.mtuOf(home.name), ...spec.settings },
      };
      try {
        const port = await Port.create(
          this.#context,
          whole,
          home.id,
          this.#pick(queuesOf(spec.device)),
        );
        this.#ports.set(port.id, port);
        return port;
      } catch (error) {
        if (there === undefined) await this.#removeSwitch(home.name);
        throw error;
      }
    });
  }

  /** The kernel would take it; each port would hear the other's frames come back. */
  #refuseSharedWire(device: PortSpec['device']): void {
    if (kindOf(device.kind).placeIsAlone !== true) return;
    const place = placeOf(device);
    const other = this.ports().find(({ spec }) => placeOf(spec.device) === place);
    if (other === undefined) return;
    const what = `${nameText(other.spec.name)} already has the interface ${place}`;
    throw new ValenicError('socket_in_use', what);
  }

  /** Removes a port, and its switch when it was the last one there. */
  removePort(name: PortName): Promise<void> {
    return this.#inTurn(async () => {
      const port = this.port(name);
      this.#ports.delete(port.id);
      await port.close();
      if (this.ports().every(({ spec }) => spec.name.switch !== name.switch)) {
        await this.#removeSwitch(name.switch);
      }
    });
  }

  /** Closes every port and stops every worker. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#inTurn(async () => {
      const results = await Promise.allSettled(this.ports().map((port) => port.close()));
      this.#ports.clear();
      this.#switches.clear();
      // Even if a port failed to close, the threads are joined.
      await this.#datapath.close();
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    });
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #createSwitch(name: string, options: SwitchOptions = {}): Promise<Switch> {
    checkName('switch', name);
    const said = { ...this.#options.switches?.[name], ...options };
    const { macTableSize = this.#options.macTableSize, ageingSeconds, mtu = 0 } = said;
    checkType('mtu', mtuBytes, mtu);
    if (macTableSize !== undefined) checkType('macTableSize', macTableType, macTableSize);
    if (ageingSeconds !== undefined) checkType('ageingSeconds', ageingType, ageingSeconds);
    if (this.#switches.has(name)) {
      throw new ValenicError('name_in_use', `there is already a switch ${name}`);
    }
    const made = await this.#datapath.command('switch.create', {
      name,
      ...(macTableSize === undefined ? {} : { macTableSize }),
      ...(ageingSeconds === undefined ? {} : { ageingSeconds }),
    });
    const created = new Switch(this, name, made.switch);
    this.#switches.set(name, created);
    this.#mtus.set(name, mtu);
    return created;
  }

  async #removeSwitch(name: string): Promise<void> {
    const home = this.#switches.get(name);
    if (home === undefined) return;
    this.#switches.delete(name);
    this.#mtus.delete(name);
    await this.#datapath.command('switch.remove', { switch: home.id });
  }

  #find(name: PortName): Port | undefined {
    return this.ports().find(({ spec }) => nameText(spec.name) === nameText(name));
  }

  /** Queue pairs go to the workers in turn. */
  #pick(pairs: number): number[] {
    return Array.from({ length: pairs }, () => {
      const worker = this.#workers[this.#nextWorker % this.#workers.length];
      this.#nextWorker++;
      return worker?.worker ?? 0;
    });
  }

  #handleEvent(event: PortEvent): void {
    if (event.event === 'worker_late') {
      this.#tellLate(event);
      return;
    }
    const port = this.#ports.get(event.port);
    if (port === undefined) return;
    port.handleEvent(event);
    if (isAddressEvent(event)) return;
    // A peer that just left is not a fault.
    if ('fault' in event && event.fault === 'none') return;
    this.emit('fault', port, event);
  }

  #tellLate(event: LateWorker): void {
    const { worker, port, queue, act, asleepMs } = event;
    const name = this.#ports.get(port)?.name;
    const context = { worker, port: name, queue, act, asleepMs };
    this.#context.log.warn(context, lateWorkerText(event, name));
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action, action);
    this.#turn = result.catch(() => {});
    return result;
  }
}

function nameHint(name: string, known: readonly string[]): string {
  if (known.length === 0) return ': there are none yet';
  return hint(name, known, '"valenic port list"');
}

/** @throws {ValenicError} `value_invalid`: the CPU is there, but not for this process. */
async function addWorker(
  datapath: Datapath,
  cpu: number | undefined,
): Promise<{ worker: number; tid: number }> {
  if (cpu === undefined) return datapath.command('worker.add', {});
  return datapath.command('worker.add', { cpu }).catch((error: unknown) => {
    throw new ValenicError(
      'value_invalid',
      `a worker cannot run on CPU ${cpu}: this process may not use it, or it is offline`,
      { cause: error },
    );
  });
}

/** A name must survive `SWITCH:PORT,key=value`. @throws {ValenicError} `value_invalid`. */
function checkName(what: 'switch' | 'port', name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/.test(name)) return;
  throw new ValenicError(
    'value_invalid',
    `"${name}" is not a ${what} name: 1 to 32 letters, digits, "_", "." and "-"`,
  );
}

/** @throws {ValenicError} `value_invalid`. */
function checkType(name: string, type: Type, value: number): void {
  const fault = typeFault(type, value, name);
  if (fault !== null) throw new ValenicError('value_invalid', fault);
}

export function createBackend(options: BackendOptions = {}): Promise<Backend> {
  return Backend.create(options);
}
