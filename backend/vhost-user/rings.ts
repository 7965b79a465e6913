/**
 * The rings of one device: when each of them starts and stops in the datapath.
 *
 * A ring starts when the front-end said all of it (size, addresses, kick) and the memory under it
 * is there. It stops when the front-end asks for its base, when its memory goes, and with the
 * device. In between it may be stopped and started any number of times without the front-end
 * noticing.
 *
 * @spec vhost-user, "Ring states".
 */

import type { FaultCode } from '../../native/boundary/index.ts';
import { withRemedy } from '../fault-report.ts';
import type { PeerLog } from '../log.ts';
import type { PortCommands } from './commands.ts';
import { fault, faultOfDatapath, isQueueFault, PeerFault } from './faults.ts';
import type { FdFunctions } from './fds.ts';
import { coversRing, type Region } from './memory.ts';
import type { Payload } from './payload.ts';
import { baseForMessage, baseFromMessage, noFd, Ring, ringSizeFault } from './ring.ts';

export interface RingsOptions {
  readonly addon: FdFunctions;
  readonly commands: PortCommands;
  readonly log: PeerLog;
  readonly count: number;
  /** What the rings need to know of their device. */
  readonly device: {
    readonly regions: readonly Region[];
    /** Without VHOST_USER_F_PROTOCOL_FEATURES a ring is enabled from its start. */
    readonly enabledAtStart: boolean;
    /** VIRTIO_F_RING_PACKED was negotiated. */
    readonly packed: boolean;
  };
}

export class Rings {
  readonly #addon: FdFunctions;
  readonly #commands: PortCommands;
  readonly #log: PeerLog;
  readonly #device: RingsOptions['device'];
  readonly all: readonly Ring[];
  /** The highest ring that the front-end spoke of; -1: of none. */
  #highest = -1;

  constructor(options: RingsOptions) {
    this.#addon = options.addon;
    this.#commands = options.commands;
    this.#log = options.log;
    this.#device = options.device;
    this.all = Array.from({ length: options.count }, (_, index) => new Ring(this.#addon, index));
  }

  get anyRunning(): boolean {
    return this.all.some((ring) => ring.running);
  }

  /** @throws {PeerFault} `ring_index_invalid`. */
  at(index: number): Ring {
    const ring = this.all[index];
    if (ring === undefined) {
      throw fault('ring_index_invalid', `ring ${index}, but the port has ${this.all.length}`);
    }
    this.#highest = Math.max(this.#highest, index);
    return ring;
  }

  /** Queue pairs that the front-end spoke of. */
  get pairsNamed(): number {
    return (this.#highest + 2) >> 1;
  }

  enabled(ring: Ring): boolean {
    return ring.enableAsked ?? this.#device.enabledAtStart;
  }

  async setSize(index: number, size: number): Promise<void> {
    const ring = this.#stopped(index);
    const code = ringSizeFault(size, this.#device.packed);
    ring.size = code === null ? size : null;
    if (code !== null) throw this.report(ring, code);
    await this.#startNow(ring);
  }

  async setBase(index: number, base: number): Promise<void> {
    const ring = this.#stopped(index);
    const position = baseFromMessage(base, this.#device.packed);
    if (position === null) throw fault('payload_value_invalid', `base ${base} for a split ring`);
    ring.base = position;
  }

  async setAddresses(addresses: Payload<'vringAddr'>): Promise<void> {
    const ring = this.at(addresses.index);
    if (addresses.flags !== 0) {
      throw fault(
        'payload_value_invalid',
        `flags ${addresses.flags}: dirty-page logging is not offered`,
      );
    }
    ring.addresses = addresses;
    if (!ring.running) return this.#startNow(ring);
    const start = ring.startArgument(this.#device.packed);
    if (start === null) return;
    try {
      await this.#commands.run('vhost.ring.addresses', { ring: ring.index, start });
    } catch (error) {
      throw this.#ringFault(ring, error);
    }
  }

  /** Starts a ring that is stopped. @param fd  `noFd`: the ring is polled. Taken over. */
  async setKick(index: number, fd: number): Promise<void> {
    const ring = this.at(index);
    ring.setKick(fd);
    if (!ring.running) return this.#startNow(ring);
    await this.#commands.run('vhost.ring.kick', { ring: index, kickFd: this.#duplicate(fd) });
  }

  /** @param fd  `noFd`: no calls. Taken over. */
  async setCall(index: number, fd: number): Promise<void> {
    const ring = this.at(index);
    ring.setCall(fd);
    if (!ring.running) return;
    await this.#commands.run('vhost.ring.call', { ring: index, callFd: this.#duplicate(fd) });
  }

  async setEnabled(ring: Ring, enabled: boolean): Promise<void> {
    ring.enableAsked = enabled;
    if (!ring.running) return;
    await this.#commands.run('vhost.ring.enable', { ring: ring.index, enabled });
  }

  /**
   * Stops a ring, however far it came, and says where it stopped. It waits for a new kick then; its
   * call descriptor stays, since QEMU sends the next one only after the kick that starts the ring.
   */
  async getBase(index: number): Promise<number> {
    const ring = this.at(index);
    await this.stop(ring);
    ring.setKick(null);
    const { packed } = this.#device;
    return baseForMessage(ring.baseOr(packed), packed);
  }

  /** Takes a running ring out of the datapath and keeps its position. */
  async stop(ring: Ring): Promise<void> {
    if (!ring.running) return;
    ring.running = false;
    try {
      ring.stopAt((await this.#commands.run('vhost.ring.stop', { ring: ring.index })).base);
    } catch (error) {
      // The datapath closed the device itself, e.g. when the memory under it was cut off.
      if (!(error instanceof PeerFault) || error.code !== 'wrong_state') throw error;
    }
  }

  async stopAll(): Promise<void> {
    for (const ring of this.all) await this.stop(ring);
  }

  /** Stops the rings that have no place in these regions. */
  async stopOutside(regions: readonly Region[]): Promise<void> {
    for (const ring of this.all) {
      const { addresses } = ring;
      if (addresses !== null && !coversRing(regions, addresses)) await this.stop(ring);
    }
  }

  /**
   * Starts every ring that waited for memory, under a table that holds for now. A ring that cannot
   * start has a fault, also one that has no place in the table.
   */
  async startWaiting(): Promise<void> {
    for (const ring of this.all) {
      if (this.#homeless(ring)) this.report(ring, 'ring_address_unmapped');
      else await this.#start(ring);
    }
  }

  forgetAll(): void {
    for (const ring of this.all) ring.forget();
  }

  /**
   * Notes a fault of one ring, and returns it. Only the ring is closed.
   */
  report(ring: Ring, code: FaultCode): PeerFault {
    const why = faultOfDatapath(code, undefined, `ring ${ring.index}`);
    ring.fault = why.report;
    const line = withRemedy(why.message, why.remedy);
    this.#log.peer('warn', `${ring.index} ${code}`, line, { ring: ring.index, code });
    return why;
  }

  /** The front-end wants it to run, and no region is under it. */
  #homeless(ring: Ring): boolean {
    const { addresses, running } = ring;
    if (running || addresses === null) return false;
    if (ring.startArgument(this.#device.packed) === null) return false;
    return !coversRing(this.#device.regions, addresses);
  }

  /** A ring whose size and base may be set. */
  #stopped(index: number): Ring {
    const ring = this.at(index);
    if (ring.running) throw fault('ring_is_running', `ring ${index}`);
    return ring;
  }

  /**
   * The front-end wants it to run: when there is memory but not under the ring, that is a fault.
   */
  async #startNow(ring: Ring): Promise<void> {
    const { regions } = this.#device;
    // Before any memory came there is nothing to say; a table that ends is startWaiting()'s.
    if (regions.length === 0) return;
    if (this.#homeless(ring)) throw this.report(ring, 'ring_address_unmapped');
    const refused = await this.#start(ring);
    if (refused !== null) throw refused;
  }

  /** Starts a ring if everything for it is there. Returns the fault that keeps it from running. */
  async #start(ring: Ring): Promise<PeerFault | null> {
    const start = ring.startArgument(this.#device.packed);
    const { addresses, kickFd, callFd } = ring;
    if (ring.running || start === null || addresses === null || kickFd === null) return null;
    if (!coversRing(this.#device.regions, addresses)) return null;
    const kick = this.#duplicate(kickFd);
    let call = noFd;
    try {
      call = this.#duplicate(callFd);
    } catch (error) {
      if (kick !== noFd) this.#addon.closeFd(kick);
      throw error;
    }
    // Before the answer: the ring may already have told a fault when it comes.
    ring.running = true;
    ring.fault = null;
    const argument = { ring: ring.index, start, kickFd: kick, callFd: call };
    try {
      const enabled = this.enabled(ring);
      const { base } = await this.#commands.run('vhost.ring.start', { ...argument, enabled });
      this.#begunAt(ring, base);
    } catch (error) {
      ring.running = false;
      return this.#ringFault(ring, error);
    }
    this.#log.debug('ring started', { ring: ring.index, size: start.size, base: ring.base });
    return null;
  }

  /**
   * A split ring goes on where guest memory says. Some front-ends send the available index as base
   * (cloud-hypervisor), or what they knew before a backend ended: no frame is lost by that.
   */
  #begunAt(ring: Ring, base: number): void {
    const said = ring.base;
    ring.base = base;
    ring.notice = null;
    if (said === null || said === base) return;
    ring.notice =
      `ring ${ring.index} resumes at ${base}, the used index in guest memory; ` +
      `the front-end said ${said}`;
    const context = { ring: ring.index, base, said };
    this.#log.peer('info', `${ring.index} goes on`, ring.notice, context);
  }

  /** A fault of the ring alone is noted and returned; any other is thrown on. */
  #ringFault(ring: Ring, error: unknown): PeerFault {
    if (error instanceof PeerFault && isQueueFault(error.code)) {
      return this.report(ring, error.code);
    }
    throw error;
  }

  #duplicate(fd: number): number {
    return fd === noFd ? noFd : this.#addon.duplicateFd(fd);
  }
}
