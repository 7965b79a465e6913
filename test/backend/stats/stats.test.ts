/** The stats page as the datapath lays it out (native/src/stats/page.hpp), written by hand. */

import { describe, expect, it } from 'vitest';
import {
  difference,
  dropped,
  dropsThatHappened,
  isLoss,
  lost,
  StatsReader,
} from '../../../backend/stats/stats.ts';
import {
  dropReasons,
  type PortCounter,
  portCounters,
  statsPage,
  workerCounters,
} from '../../../native/boundary/index.ts';

const words = statsPage.wordsPerBlock;
const workers = 16;
const ports = 3;
const firstPortBlock = 1 + workers;

/** An empty page; `change` tells header words that are other than they should be. */
function makePage(change: Readonly<Record<number, bigint>> = {}): BigUint64Array {
  const page = new BigUint64Array((firstPortBlock + ports * workers) * words);
  const header = [statsPage.magic, BigInt(statsPage.version), BigInt(words)];
  header.push(BigInt(page.length / words), BigInt(workers), BigInt(firstPortBlock));
  for (const [word, value] of header.entries()) page[word] = change[word] ?? value;
  return page;
}

/** Word of a port's counter in the block that one worker writes. */
function wordOf(port: number, worker: number, word: number): number {
  return (firstPortBlock + port * workers + worker) * words + word;
}
const counterWord = (name: PortCounter): number => portCounters.indexOf(name);
const dropWord = (name: keyof typeof dropReasons): number =>
  portCounters.length + Object.keys(dropReasons).indexOf(name);
const blockOf = (port: number): number => firstPortBlock + port * workers;

describe('the stats page', () => {
  it.each([
    ['magic', { 0: 0n }],
    ['version', { 1: 99n }],
    ['block size', { 2: 32n }],
  ])('is refused with another %s: addon and TypeScript do not fit', (_, change) => {
    expect(() => new StatsReader(makePage(change))).toThrow(/run "npm run build"/);
  });

  it('holds every counter and every reason in one block', () => {
    expect(portCounters.length + Object.keys(dropReasons).length).toBeLessThanOrEqual(words);
    expect(workerCounters.length).toBeLessThanOrEqual(words);
  });
});

describe('the counters of a port', () => {
  it('are the sums over all workers, the last one included', () => {
    const page = makePage();
    for (let worker = 0; worker < workers; worker++) {
      page[wordOf(1, worker, counterWord('rx_frames'))] = BigInt(worker + 1);
    }
    expect(new StatsReader(page).port(blockOf(1)).counters.rx_frames).toBe(136);
  });

  it('are not mixed with those of its neighbours', () => {
    const page = makePage();
    page[wordOf(0, workers - 1, counterWord('tx_frames'))] = 7n;
    page[wordOf(2, 0, counterWord('tx_frames'))] = 9n;
    const reader = new StatsReader(page);
    const tx = [0, 1, 2].map((port) => reader.port(blockOf(port)).counters.tx_frames);
    expect(tx).toEqual([7, 0, 9]);
  });

  it('are each read from their own word', () => {
    const page = makePage();
    for (const [word] of portCounters.entries()) page[wordOf(0, 3, word)] = BigInt(word + 100);
    const { counters } = new StatsReader(page).port(blockOf(0));
    expect(Object.keys(counters)).toEqual([...portCounters]);
    expect(Object.values(counters)).toEqual(portCounters.map((_, word) => word + 100));
  });

  it('see what is written after the reader was made', () => {
    const page = makePage();
    const reader = new StatsReader(page);
    page[wordOf(0, 0, counterWord('kicks'))] = 5n;
    expect(reader.port(blockOf(0)).counters.kicks).toBe(5);
  });

  it('stay exact where two workers together pass 2^32', () => {
    const page = makePage();
    page[wordOf(0, 0, counterWord('tx_bytes'))] = 2n ** 52n;
    page[wordOf(0, 1, counterWord('tx_bytes'))] = 3n;
    expect(new StatsReader(page).port(blockOf(0)).counters.tx_bytes).toBe(2 ** 52 + 3);
  });
});

describe('loss', () => {
  it('is what somebody missed: not what nobody was there for', () => {
    const page = makePage();
    page[wordOf(0, 0, dropWord('rx_no_buffer'))] = 2n;
    page[wordOf(0, 1, dropWord('rx_ring_stopped'))] = 1000n;
    page[wordOf(0, 2, dropWord('rx_not_connected'))] = 1000n;
    const stats = new StatsReader(page).port(blockOf(0));
    expect(lost(stats)).toBe(2);
    expect(dropped(stats)).toBe(2002);
  });

  it.each([
    ['rx_no_buffer', true],
    ['rx_backlog_full', true],
    ['rx_ring_broken', true],
    ['tx_vlan_refused', true],
    ['rx_ring_stopped', false],
    ['rx_not_connected', false],
    ['rx_port_down', false],
    ['tx_no_destination', false],
  ] as const)('%s: %s', (reason, loss) => {
    expect(isLoss(reason)).toBe(loss);
  });
});

describe('drops', () => {
  it('follow the counters, by reason', () => {
    const page = makePage();
    page[wordOf(0, 0, dropWord('tx_too_short'))] = 2n;
    page[wordOf(0, 5, dropWord('rx_ring_broken'))] = 3n;
    const stats = new StatsReader(page).port(blockOf(0));
    expect(dropsThatHappened(stats)).toEqual({ tx_too_short: 2, rx_ring_broken: 3 });
    expect(dropped(stats)).toBe(5);
    expect(Object.keys(stats.drops)).toEqual(Object.keys(dropReasons));
  });
});

describe('the counters of a worker', () => {
  it('are in the blocks before the first port', () => {
    const page = makePage();
    page[(1 + 2) * words + workerCounters.indexOf('busy_ns')] = 1234n;
    const reader = new StatsReader(page);
    expect(reader.worker(2).busy_ns).toBe(1234);
    expect(reader.worker(1).busy_ns).toBe(0);
    expect(reader.port(blockOf(0)).counters.tx_frames).toBe(0);
  });
});

describe('the difference of two readings', () => {
  it('is what happened between them', () => {
    const page = makePage();
    const reader = new StatsReader(page);
    page[wordOf(0, 0, counterWord('rx_frames'))] = 10n;
    page[wordOf(0, 0, dropWord('rx_no_buffer'))] = 1n;
    const before = reader.port(blockOf(0));
    page[wordOf(0, 0, counterWord('rx_frames'))] = 25n;
    page[wordOf(0, 1, dropWord('rx_no_buffer'))] = 4n;
    const change = difference(reader.port(blockOf(0)), before);
    expect(change.counters.rx_frames).toBe(15);
    expect(change.counters.tx_frames).toBe(0);
    expect(dropsThatHappened(change)).toEqual({ rx_no_buffer: 4 });
  });
});
