/** A guest in the attacker's hands: its memory is a file, its rings are bytes in it. */

import { readSync, writeSync } from 'node:fs';
import type { ProtocolFeatureName, VirtioFeatureName } from '../../frontend-spec/index.ts';
import { addon, type Frontend, memoryBase, region } from '../backend/vhost-user/support.ts';

/** virtio 1.2, 2.7.5: flags of a descriptor. */
export const flag = { next: 1, write: 2, indirect: 4, available: 0x80, used: 0x8000 } as const;

export interface Descriptor {
  /** Where in the guest's memory. */
  readonly at: number | bigint;
  readonly bytes: number;
  readonly flags?: number;
  /** Split rings: the next one's index. Packed: the buffer's id. */
  readonly next?: number;
}

export interface GuestOptions {
  readonly features?: readonly VirtioFeatureName[];
  readonly protocol?: readonly ProtocolFeatureName[];
  /** Slots of each ring. */
  readonly size?: number;
  readonly memoryBytes?: number;
  /** Rings that are set up; all of one queue pair otherwise. */
  readonly rings?: readonly number[];
  /** What SET_VRING_BASE says. */
  readonly base?: number;
}

/** Bytes of the net header with VERSION_1. */
export const headerBytes = 12;
/** Multicast, so that it reaches every port, from a station of its own. */
export const hello = (() => {
  const frame = Buffer.alloc(60, 0);
  Buffer.from('ffffffffffff0266000000998899', 'hex').copy(frame);
  return frame;
})();

const pageBytes = 4096;
const round = (bytes: number): number => Math.ceil(bytes / pageBytes) * pageBytes;

export class Guest {
  readonly frontend: Frontend;
  readonly memory: number;
  readonly memoryBytes: number;
  readonly size: number;
  readonly packed: boolean;
  readonly #base: number;
  readonly #kicks = new Map<number, number>();
  readonly #calls = new Map<number, number>();
  readonly #available = new Map<number, number>();

  constructor(frontend: Frontend, options: GuestOptions = {}) {
    this.frontend = frontend;
    this.size = options.size ?? 256;
    this.memoryBytes = options.memoryBytes ?? 4 << 20;
    this.memory = addon.createMemFd('hostile', this.memoryBytes);
    this.packed = options.features?.includes('VIRTIO_F_RING_PACKED') === true;
    this.#base = options.base ?? (this.packed ? 0x8000_8000 : 0);
  }

  /** Negotiates, shares the memory, starts rings 0 and 1. */
  static async start(frontend: Frontend, options: GuestOptions = {}): Promise<Guest> {
    const guest = new Guest(frontend, options);
    await frontend.negotiate(options.features ?? ['VIRTIO_F_VERSION_1'], options.protocol);
    await guest.shareMemory();
    for (const ring of options.rings ?? [0, 1]) await guest.startRing(ring);
    await frontend.settled();
    return guest;
  }

  async shareMemory(): Promise<void> {
    const row = region(0n, BigInt(this.memoryBytes), memoryBase);
    await this.frontend.send(
      'SET_MEM_TABLE',
      { numRegions: 1, padding: 0, rows: [row] },
      { fds: [addon.duplicateFd(this.memory)] },
    );
  }

  async startRing(ring: number): Promise<void> {
    const { frontend } = this;
    await frontend.send('SET_VRING_NUM', { index: ring, num: this.size });
    await frontend.send('SET_VRING_BASE', { index: ring, num: this.#base });
    await frontend.send('SET_VRING_ADDR', this.addresses(ring));
    await this.tellKick(ring);
    await this.tellCall(ring);
    await frontend.send('SET_VRING_ENABLE', { index: ring, num: 1 });
    this.#available.set(ring, 0);
  }

  async tellKick(ring: number, fd = addon.createEventFd()): Promise<void> {
    replace(this.#kicks, ring, fd);
    const fds = [addon.duplicateFd(fd)];
    await this.frontend.send('SET_VRING_KICK', { value: BigInt(ring) }, { fds });
  }

  async tellCall(ring: number, fd = addon.createEventFd()): Promise<void> {
    replace(this.#calls, ring, fd);
    const fds = [addon.duplicateFd(fd)];
    await this.frontend.send('SET_VRING_CALL', { value: BigInt(ring) }, { fds });
  }

  kickFd(ring: number): number {
    return this.#kicks.get(ring) ?? -1;
  }

  callFd(ring: number): number {
    return this.#calls.get(ring) ?? -1;
  }

  /** Where the parts of a ring lie in the memory; its rings come first. */
  parts(ring: number): { descriptors: number; available: number; used: number } {
    const table = round(16 * this.size);
    const available = round(2 * this.size + 6);
    const descriptors = ring * (table + available + round(8 * this.size + 6));
    return { descriptors, available: descriptors + table, used: descriptors + table + available };
  }

  addresses(ring: number) {
    const { descriptors, available, used } = this.parts(ring);
    const at = (offset: number) => memoryBase + BigInt(offset);
    return {
      ...{ index: ring, flags: 0, log: 0n },
      ...{ descriptor: at(descriptors), available: at(available), used: at(used) },
    };
  }

  /** The first byte behind four rings. */
  get free(): number {
    return this.parts(4).descriptors;
  }

  write(at: number, bytes: Uint8Array): void {
    writeSync(this.memory, bytes, 0, bytes.byteLength, at);
  }

  read(at: number, count: number): Buffer {
    const bytes = Buffer.alloc(count);
    readSync(this.memory, bytes, 0, count, at);
    return bytes;
  }

  /** Puts a table of descriptors anywhere: an indirect one, or the beginning of a ring. */
  writeTable(at: number, table: readonly Descriptor[]): void {
    this.write(at, tableBytes(table, this.packed));
  }

  /** Split: descriptors of the ring's own table from index 0 on. */
  describe(ring: number, table: readonly Descriptor[]): void {
    this.writeTable(this.parts(ring).descriptors, table);
  }

  /** Split: offers chains by their heads, and kicks. */
  offer(ring: number, ...heads: readonly number[]): void {
    const { available } = this.parts(ring);
    let next = this.#available.get(ring) ?? 0;
    for (const head of heads) {
      this.write(available + 4 + 2 * (next % this.size), word(head));
      next = (next + 1) & 0xffff;
    }
    this.setAvailable(ring, next);
    this.kick(ring);
  }

  /** Packed: makes the first slots of a fresh ring available, the first one last, and kicks. */
  offerPacked(ring: number, table: readonly Descriptor[]): void {
    const { descriptors } = this.parts(ring);
    const shown = table.map((one) => ({ ...one, flags: (one.flags ?? 0) ^ flag.available }));
    this.writeTable(descriptors + 16, shown.slice(1));
    this.writeTable(descriptors, shown.slice(0, 1));
    this.kick(ring);
  }

  setAvailable(ring: number, index: number): void {
    this.#available.set(ring, index);
    this.write(this.parts(ring).available + 2, word(index));
  }

  /** What the device says it has used of a split ring. */
  used(ring: number): number {
    return this.read(this.parts(ring).used + 2, 2).readUInt16LE();
  }

  kick(ring: number): void {
    const one = Buffer.alloc(8);
    one.writeBigUInt64LE(1n);
    writeSync(this.kickFd(ring), one);
  }

  /** A header of zeros, or one that lies, and a frame, at `at`. Returns their bytes. */
  writeFrame(
    at: number,
    frame: Uint8Array,
    header: Uint8Array = Buffer.alloc(headerBytes),
  ): number {
    this.write(at, Buffer.concat([header, frame]));
    return header.byteLength + frame.byteLength;
  }

  /** Sends one frame by chain 0 of TX ring 1. */
  send(frame: Uint8Array = hello, header?: Uint8Array): void {
    const bytes = this.writeFrame(this.free, frame, header);
    if (this.packed) this.offerPacked(1, [{ at: this.free, bytes }]);
    else {
      this.describe(1, [{ at: this.free, bytes }]);
      this.offer(1, 0);
    }
  }

  close(): void {
    this.frontend.close();
    for (const fd of [this.memory, ...this.#kicks.values(), ...this.#calls.values()]) {
      addon.closeFd(fd);
    }
  }
}

/** A packed descriptor has its id where a split one has its flags: virtio 1.2, 2.8.13. */
function tableBytes(table: readonly Descriptor[], packed: boolean): Buffer {
  const bytes = Buffer.alloc(16 * table.length);
  table.forEach(({ at, bytes: length, flags = 0, next = 0 }, index) => {
    bytes.writeBigUInt64LE(BigInt(at), 16 * index);
    bytes.writeUInt32LE(length, 16 * index + 8);
    bytes.writeUInt16LE(packed ? next : flags, 16 * index + 12);
    bytes.writeUInt16LE(packed ? flags : next, 16 * index + 14);
  });
  return bytes;
}

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

/** The descriptor of a ring from here on; an attack may start its rings thousands of times. */
function replace(fds: Map<number, number>, ring: number, fd: number): void {
  const before = fds.get(ring);
  fds.set(ring, fd);
  if (before !== undefined && before !== fd) addon.closeFd(before);
}
