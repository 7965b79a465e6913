/**
 * One device as its front-end sees it: features, memory, rings, configuration.
 *
 * It exists as long as one connection. Every method but close() is called by one caller at a time;
 * the handlers and the timers take turns through `serial`.
 */

import { featureNames, protocolFeatureNames, virtioFeatures } from '../../frontend-spec/index.ts';
import { mtuBytes, type NativeDatapath } from '../../native/boundary/index.ts';
import type { PeerLog } from '../log.ts';
import { codeOf } from '../system-error.ts';
import { PortCommands } from './commands.ts';
import type { Negotiated } from './decode.ts';
import { fault } from './faults.ts';
import type { FdFunctions } from './fds.ts';
import {
  checkMemoryFd,
  closeRegions,
  commandRegions,
  findRegion,
  maxMemorySlots,
  type Region,
  regionOf,
} from './memory.ts';
import type { Offer } from './offer.ts';
import type { Payload } from './payload.ts';
import { isStationMac, rarpFrame } from './rarp.ts';
import { Rings } from './rings.ts';
import { Serial } from './serial.ts';

const startShared =
  'start QEMU with "-object memory-backend-memfd,id=mem,size=…,share=on -machine ' +
  'memory-backend=mem", with the size of -m.';
/** The driver kicks, and what we were given as its memory stays as it was. */
export const memoryNotSharedNotice = `The memory of the guest is not shared with this process, \
so no frame can pass: ${startShared}`;
/** What QEMU does with memory that is not shared at all; another front-end may just be slow. */
export const noMemoryNotice =
  'The driver started, but the front-end sent no memory, so no frame can pass. ' +
  'If the memory of the guest is not shared, ' +
  startShared;

const [minMtu, maxMtu] = [Number(mtuBytes.min), Number(mtuBytes.max)];
const defaultMtu = 1500;

export interface DeviceOptions {
  readonly addon: FdFunctions;
  readonly datapath: NativeDatapath;
  readonly port: number;
  readonly queues: number;
  readonly offer: Offer;
  /** The port's MTU: the largest that the front-end may set. Undefined: it has none. */
  readonly mtu: () => number | undefined;
  /** What its guest was told before the port's MTU was set lower: that it may be told again. */
  readonly keptMtu?: number | null;
  /** How long a started device may be without memory before that is reported. */
  readonly memoryNoticeMs: number;
  /** How long rings rest after a region was removed, in case others follow. */
  readonly settleMs: number;
  readonly log: PeerLog;
  readonly onChange: () => void;
  /** A timer of the device ran into a fault. */
  readonly onFault: (error: unknown) => void;
}

const packedBit = 1n << BigInt(virtioFeatures.VIRTIO_F_RING_PACKED.bit);
const mtuBit = 1n << BigInt(virtioFeatures.VIRTIO_NET_F_MTU.bit);
const protocolBit = 1n << BigInt(virtioFeatures.VHOST_USER_F_PROTOCOL_FEATURES.bit);

export class Device implements Negotiated {
  readonly #options: DeviceOptions;
  readonly #commands: PortCommands;
  readonly rings: Rings;
  readonly serial = new Serial();
  features: bigint | null = null;
  protocolFeatures = 0n;
  regions: readonly Region[] = [];
  /** Why no frame can pass, and what to do: of its memory. */
  notice: string | null = null;
  status = 0;
  /** What the front-end set; null before. */
  mtuSet: number | null = null;
  #memoryTimer: NodeJS.Timeout | null = null;
  #settleTimer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: DeviceOptions) {
    this.#options = options;
    this.#commands = new PortCommands(options.datapath, options.port);
    const { addon, log, queues } = options;
    this.rings = new Rings({
      addon,
      log,
      commands: this.#commands,
      count: queues * 2,
      device: this,
    });
  }

  get offered(): bigint {
    return this.#options.offer.features;
  }

  get offeredProtocol(): bigint {
    return this.#options.offer.protocolFeatures;
  }

  get queues(): number {
    return this.#options.queues;
  }

  /** Queue pairs that the front-end spoke of. */
  get pairsNamed(): number {
    return this.rings.pairsNamed;
  }

  get enabledAtStart(): boolean {
    return ((this.features ?? 0n) & protocolBit) === 0n;
  }

  get packed(): boolean {
    return ((this.features ?? 0n) & packedBit) !== 0n;
  }

  get mtu(): number {
    return this.mtuSet ?? this.#options.mtu() ?? defaultMtu;
  }

  /** QEMU says the features when its guest's driver starts the device, once for each queue pair. */
  async setFeatures(features: bigint): Promise<void> {
    const foreign = features & ~this.offered;
    if (foreign !== 0n)
      throw fault('feature_not_offered', bitsText(foreign, featureNames(foreign)));
    const forDriver = features & ~protocolBit;
    const before = this.features === null ? null : this.features & ~protocolBit;
    if (forDriver !== before) {
      if (this.rings.anyRunning) throw fault('features_while_running');
      await this.#commands.run('vhost.features', { features: forDriver });
    }
    this.features = features;
    this.#logMtu();
    // With no bit of the driver's, a front-end only wants to get at the protocol features.
    if (forDriver !== 0n) this.expectMemory();
  }

  setProtocolFeatures(features: bigint): void {
    const foreign = features & ~this.offeredProtocol;
    if (foreign !== 0n) {
      throw fault('feature_not_offered', bitsText(foreign, protocolFeatureNames(foreign)));
    }
    this.protocolFeatures = features;
  }

  /** The whole table. @param fds  One for each row; taken over, also when it fails. */
  async setMemory(rows: readonly Payload<'memoryRegion'>[], fds: readonly number[]): Promise<void> {
    const next = rows.map((row, index) => regionOf(row, fds[index] ?? -1));
    this.#endRest();
    await this.#applyMemory(next, next, this.regions);
  }

  /**
   * A region that is there already is replaced: QEMU 7.2 tells its regions once for each queue
   * pair.
   *
   * @param fd  Taken over, also when it fails.
   */
  async addRegion(row: Payload<'memoryRegion'>, fd: number): Promise<void> {
    const added = regionOf(row, fd);
    const before = findRegion(this.regions, row);
    const others = this.regions.filter((region) => region !== before);
    await this.#applyMemory([...others, added], [added], before === undefined ? [] : [before]);
    if (this.#settleTimer !== null) this.#settleSoon();
  }

  /**
   * Takes one region away. When its memory layout changes, QEMU removes and adds regions one by
   * one; in between, what lies in the rings points to nowhere. So they rest until it is done.
   */
  async removeRegion(row: Payload<'memoryRegion'>): Promise<void> {
    const removed = findRegion(this.regions, row);
    if (removed === undefined) {
      // Another queue pair of QEMU 7.2 has taken it away before.
      if (this.queues > 1) return;
      throw fault('region_unknown');
    }
    const resting = this.rings.anyRunning || this.#settleTimer !== null;
    await this.rings.stopAll();
    if (resting) this.#settleSoon();
    const next = this.regions.filter((region) => region !== removed);
    await this.#applyMemory(next, [], [removed]);
  }

  /**
   * @throws {PeerFault} when no region can come from this descriptor, or no more can come at all.
   */
  async checkRegionFd(fd: number, present: number): Promise<void> {
    if (present >= maxMemorySlots) throw fault('too_many_regions', `${maxMemorySlots}`);
    await checkMemoryFd(this.#options.addon, fd);
  }

  /** The rings that rest start again. Called before every request but those that change regions. */
  async settle(): Promise<void> {
    if (this.#endRest()) await this.rings.startWaiting();
  }

  /** True while rings rest for a change of regions. */
  get resting(): boolean {
    return this.#settleTimer !== null;
  }

  /** Starts the clock that ends with `noMemoryNotice`. */
  expectMemory(): void {
    if (this.regions.length > 0 || this.#memoryTimer !== null || this.notice !== null) return;
    this.#memoryTimer = setTimeout(() => {
      this.#memoryTimer = null;
      this.#tellMemory('no_memory_table', noMemoryNotice);
    }, this.#options.memoryNoticeMs);
    this.#memoryTimer.unref();
  }

  tellMemoryNotShared(): void {
    this.#tellMemory('memory_not_shared', memoryNotSharedNotice);
  }

  setMtu(value: bigint): void {
    const { mtu, keptMtu } = this.#options;
    const most = Math.max(mtu() ?? maxMtu, keptMtu ?? 0);
    if (value < BigInt(minMtu) || value > BigInt(most)) {
      throw fault('mtu_invalid', `got ${value}, allowed ${minMtu} to ${most}`);
    }
    this.mtuSet = Number(value);
    this.#logMtu();
  }

  /**
   * What to do where guest and port differ in their MTU; null where they do not, or cannot yet.
   *
   * QEMU offers F_MTU to its guest only with `host_mtu`, and tells that by NET_SET_MTU when the
   * driver took the feature.
   */
  get mtuNotice(): string | null {
    const most = this.#options.mtu();
    const driver = (this.features ?? 0n) & ~protocolBit;
    if (most === undefined || driver === 0n) return null;
    const knows = this.mtuSet ?? ((driver & mtuBit) === 0n ? defaultMtu : most);
    if (knows === most) return null;
    const told = this.mtuSet === null ? 'was not told an MTU' : `was told an MTU of ${knows}`;
    return (
      `The guest ${told}, but its port has ${most}: start QEMU with host_mtu=${most}, ` +
      `or give the port mtu=${knows}.`
    );
  }

  /** @param mac  Six bytes. */
  async announce(mac: Uint8Array): Promise<void> {
    if (!isStationMac(mac)) throw fault('mac_invalid', Buffer.from(mac).toString('hex'));
    await this.#commands.run('port.inject', { frame: rarpFrame(mac) });
  }

  /** Back to the state after the connection began; memory and protocol features stay. */
  async reset(): Promise<void> {
    await this.rings.stopAll();
    this.rings.forgetAll();
    this.status = 0;
    if (this.features !== null) await this.#commands.run('vhost.features', { features: 0n });
    this.features = null;
  }

  /** The driver reset the device: its rings are gone. */
  async stopRings(): Promise<void> {
    for (const ring of this.rings.all) {
      await this.rings.stop(ring);
      ring.setKick(null);
    }
  }

  /** Takes everything back from the datapath and closes every descriptor. Never rejects. */
  close(): Promise<void> {
    this.#closed = true;
    this.#clearTimers();
    return this.serial.run(async () => {
      this.#clearTimers();
      for (const ring of this.rings.all) await this.#attempt(() => this.rings.stop(ring));
      this.rings.forgetAll();
      const regions = this.regions;
      this.regions = [];
      closeRegions(this.#options.addon, regions);
      if (regions.length > 0) {
        await this.#attempt(() => this.#commands.run('vhost.memory', { regions: [] }));
      }
      if (this.features !== null) {
        await this.#attempt(() => this.#commands.run('vhost.features', { features: 0n }));
      }
      this.features = null;
      this.protocolFeatures = 0n;
    });
  }

  async #applyMemory(
    next: readonly Region[],
    added: readonly Region[],
    removed: readonly Region[],
  ): Promise<void> {
    const { addon } = this.#options;
    try {
      await this.rings.stopOutside(next);
      await this.#commands.run('vhost.memory', { regions: commandRegions(addon, next) });
    } catch (error) {
      closeRegions(addon, added);
      if (!this.resting) await this.rings.startWaiting();
      throw error;
    }
    this.regions = next;
    closeRegions(addon, removed);
    if (next.length > 0) {
      this.notice = null;
      this.#memoryTimer = cleared(this.#memoryTimer);
    }
    if (!this.resting) await this.rings.startWaiting();
  }

  #tellMemory(kind: string, notice: string): void {
    if (this.#closed || this.notice !== null) return;
    this.notice = notice;
    this.#options.log.peer('warn', kind, notice);
    this.#options.onChange();
  }

  #logMtu(): void {
    const notice = this.mtuNotice;
    if (notice !== null) this.#options.log.peer('warn', 'mtu', notice);
  }

  #settleSoon(): void {
    cleared(this.#settleTimer);
    this.#settleTimer = setTimeout(() => {
      this.serial.run(() => this.settle()).catch(this.#options.onFault);
    }, this.#options.settleMs);
  }

  /** True when rings rested. */
  #endRest(): boolean {
    const rested = this.#settleTimer !== null;
    this.#settleTimer = cleared(this.#settleTimer);
    return rested && !this.#closed;
  }

  #clearTimers(): void {
    this.#memoryTimer = cleared(this.#memoryTimer);
    this.#settleTimer = cleared(this.#settleTimer);
  }

  async #attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const expected = ['closed', 'unknown_port'].includes(codeOf(error) ?? '');
      if (!expected) this.#options.log.error(`closing the device: ${String(error)}`);
    }
  }
}

/** Stops a timer that may be there. */
function cleared(timer: NodeJS.Timeout | null): null {
  if (timer !== null) clearTimeout(timer);
  return null;
}

/** Bits for a message: their names, and the mask when some have none. */
function bitsText(mask: bigint, names: readonly string[]): string {
  return [...names, `0x${mask.toString(16)}`].join(' ');
}
