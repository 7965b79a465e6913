/** What the front-end said about one ring, and the state of that ring. */

import type { RingStart } from '../../native/boundary/index.ts';
import type { FaultReport } from '../fault-report.ts';
import type { FdFunctions } from './fds.ts';
import type { Payload } from './payload.ts';

/** The largest ring: virtio 1.2, 2.7 "Split Virtqueues" and 2.8 "Packed Virtqueues". */
const maxRingSize = 32768;

/** Why a ring cannot have this size, or null. A packed ring's need not be a power of two. */
export function ringSizeFault(size: number, packed: boolean): 'ring_size_invalid' | null {
  const powerOfTwo = (size & (size - 1)) === 0;
  return size > 0 && size <= maxRingSize && (packed || powerOfTwo) ? null : 'ring_size_invalid';
}

/** Where a packed ring begins: index 0, and a wrap counter of 1 in bit 15. virtio 1.2, 2.8.1. */
const firstPackedBase = 0x8000;

/**
 * The base that a message brings, as the datapath takes it, or null when it is none.
 *
 * A packed ring's has the available side in its lower half and the used side in its upper half.
 * What a device before us took and did not hand back is lost to us, so both begin at the first of
 * them; DPDK leaves the upper half at 0.
 *
 * @spec vhost-user, "Vring state description".
 */
export function baseFromMessage(num: number, packed: boolean): number | null {
  if (packed) return num & 0xffff;
  return num <= 0xffff ? num : null;
}

/** The base for a message. A ring that rests has handed back all it took. */
export function baseForMessage(base: number, packed: boolean): number {
  return packed ? (base | (base << 16)) >>> 0 : base;
}

/** No descriptor: for kicks "poll the ring", for calls "do not notify". */
export const noFd = -1;

/**
 * One ring. Its descriptors are kept here and the datapath gets duplicates, so that a ring can be
 * stopped and started again while the front-end changes the memory under it.
 *
 * @spec vhost-user, "Ring states".
 */
export class Ring {
  readonly index: number;
  readonly #addon: FdFunctions;
  #kickFd: number | null = null;
  #callFd = noFd;
  /** Null until SET_VRING_NUM brought a valid size. */
  size: number | null = null;
  /** Where it begins; of a running ring the datapath knows better. Null: nobody said. */
  base: number | null = null;
  /** Where the datapath last stopped it. */
  #stoppedAt: number | null = null;
  addresses: Payload<'vringAddr'> | null = null;
  /** What SET_VRING_ENABLE last said; null before the first. */
  enableAsked: boolean | null = null;
  /** The datapath has it. */
  running = false;
  fault: FaultReport | null = null;
  /** What differs from what the front-end said, and does no harm. */
  notice: string | null = null;

  constructor(addon: FdFunctions, index: number) {
    this.#addon = addon;
    this.index = index;
  }

  /** The descriptor, `noFd`, or null when no kick message came since the ring was last stopped. */
  get kickFd(): number | null {
    return this.#kickFd;
  }

  get callFd(): number {
    return this.#callFd;
  }

  setKick(fd: number | null): void {
    const before = this.#kickFd;
    this.#kickFd = fd;
    if (before !== null && before !== noFd) this.#addon.closeFd(before);
  }

  setCall(fd: number): void {
    const before = this.#callFd;
    this.#callFd = fd;
    if (before !== noFd) this.#addon.closeFd(before);
  }

  /** What the datapath needs, or null while the front-end has not said all of it. */
  startArgument(packed: boolean): RingStart | null {
    if (this.size === null || this.addresses === null || this.#kickFd === null) return null;
    return {
      size: this.size,
      base: this.baseOr(packed),
      resumed: this.base !== null && this.base === this.#stoppedAt,
      descAddr: this.addresses.descriptor,
      availAddr: this.addresses.available,
      usedAddr: this.addresses.used,
    };
  }

  baseOr(packed: boolean): number {
    return this.base ?? (packed ? firstPackedBase : 0);
  }

  /** The datapath let go of it there, and wrote all that a device writes up to there. */
  stopAt(base: number): void {
    this.base = base;
    this.#stoppedAt = base;
  }

  /** Forgets everything but its number: the state of a new connection. */
  forget(): void {
    this.setKick(null);
    this.setCall(noFd);
    this.size = null;
    this.base = null;
    this.#stoppedAt = null;
    this.notice = null;
    this.addresses = null;
    this.enableAsked = null;
  }
}
