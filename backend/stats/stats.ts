/**
 * Counters, read from the stats page: no call, no copy, no cost to the datapath.
 *
 * The page is `statsPage.wordsPerBlock`-word blocks; a port has one for each worker there can be.
 * Layout: native/src/stats/page.hpp.
 */

import {
  type DropReason,
  dropReasons,
  type PortCounter,
  portCounters,
  statsPage,
  type WorkerCounter,
  workerCounters,
} from '../../native/boundary/index.ts';
import { ValenicError } from '../errors.ts';

/** Values since the port was made. Numbers: 2^53 frames take years. */
export interface PortStats {
  readonly counters: Readonly<Record<PortCounter, number>>;
  /** Frames that were not delivered, by reason; reasons that never happened are 0. */
  readonly drops: Readonly<Record<DropReason, number>>;
}
export type WorkerStats = Readonly<Record<WorkerCounter, number>>;

const dropNames = Object.keys(dropReasons) as DropReason[];
const words = statsPage.wordsPerBlock;

/** Block 0: magic, version, words per block, blocks, workers, first port block. */
const header = { magic: 0, version: 1, wordsPerBlock: 2, workers: 4 } as const;

export class StatsReader {
  readonly #page: BigUint64Array;
  readonly #workers: number;

  /**
   * @throws {ValenicError} `internal` when addon and TypeScript were built from different sources.
   */
  constructor(page: BigUint64Array) {
    const known =
      page[header.magic] === statsPage.magic &&
      page[header.version] === BigInt(statsPage.version) &&
      page[header.wordsPerBlock] === BigInt(words);
    if (!known) {
      throw new ValenicError(
        'internal',
        'the stats page has a different layout: run "npm run build"',
      );
    }
    this.#page = page;
    this.#workers = Number(page[header.workers]);
  }

  /** @param statsBlock  As `port.create` answered. */
  port(statsBlock: number): PortStats {
    const sum = (word: number) => {
      let total = 0n;
      for (let worker = 0; worker < this.#workers; worker++) {
        total += this.#page[(statsBlock + worker) * words + word] ?? 0n;
      }
      return Number(total);
    };
    return {
      counters: byName(portCounters, (index) => sum(index)),
      drops: byName(dropNames, (index) => sum(portCounters.length + index)),
    };
  }

  worker(index: number): WorkerStats {
    const first = (1 + index) * words;
    return byName(workerCounters, (word) => Number(this.#page[first + word] ?? 0n));
  }
}

function byName<Name extends string>(
  names: readonly Name[],
  value: (index: number) => number,
): Record<Name, number> {
  return Object.fromEntries(names.map((name, index) => [name, value(index)])) as Record<
    Name,
    number
  >;
}

/** What changed from one reading to a later one. */
export function difference(later: PortStats, earlier: PortStats): PortStats {
  const minus = <Key extends string>(a: Record<Key, number>, b: Record<Key, number>) =>
    Object.fromEntries((Object.keys(a) as Key[]).map((key) => [key, a[key] - b[key]])) as Record<
      Key,
      number
    >;
  return {
    counters: minus(later.counters, earlier.counters),
    drops: minus(later.drops, earlier.drops),
  };
}

/** Whether somebody missed the frames: `idle` in native/boundary/drops.ts. */
export function isLoss(reason: DropReason): boolean {
  return !('idle' in dropReasons[reason]);
}

/** Frames that somebody missed. */
export function lost(stats: PortStats): number {
  return dropNames.filter(isLoss).reduce((sum, reason) => sum + stats.drops[reason], 0);
}

/** Frames dropped in all, also those that nobody missed. */
export function dropped(stats: PortStats): number {
  return Object.values(stats.drops).reduce((sum, frames) => sum + frames, 0);
}

/** Only the reasons that happened. */
export function dropsThatHappened(stats: PortStats): Partial<Record<DropReason, number>> {
  return Object.fromEntries(Object.entries(stats.drops).filter(([, frames]) => frames > 0));
}
