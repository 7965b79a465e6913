/** The rows of `valenic bench tcp`, `udp` and `latency`: pairs in, medians and ratios out. */

import type { Environment } from '../environment.ts';
import type { LoadReport } from '../load-watch.ts';
import type { Scenario } from '../row.ts';
import { type Spread, spreadOf } from '../spread.ts';
import { oftenLoaded, rateDoubt, scatterDoubt, type Verdict, verdictOf } from '../verdict.ts';
import type { CpuTimes } from './cpu-time.ts';
import type { TcpPeerName, TcpSystem } from './network.ts';
import type { Flow, TcpTest } from './traffic.ts';

/** One run over one network. */
export interface TcpLeg extends Flow {
  /** Seconds. */
  readonly cpu: CpuTimes;
  /** Who else used the machine meanwhile; rows of old have none. */
  readonly load?: LoadReport;
}

export interface TcpPair {
  readonly own: TcpLeg;
  readonly peer: TcpLeg;
  /** Ours was measured before the peer. */
  readonly ownFirst: boolean;
}

/**
 * CPU by who spent it: seconds for each GiB of payload, of round trips microseconds for each.
 * `switching` is `backend` and `devices` together; `total` has the guests as well.
 */
export interface Cost {
  readonly backend: Spread;
  readonly devices: Spread;
  readonly switching: Spread;
  readonly guests: Spread;
  readonly total: Spread;
}

interface TcpHead {
  readonly test: TcpTest;
  readonly scenario: Scenario;
  readonly system: TcpSystem;
  readonly driver: 'guest-kernel';
}

export interface TcpRow extends TcpHead, Verdict {
  /** Gbit/s of payload, or thousands of round trips a second. */
  readonly rate: Spread;
  /** The median rate; of round trips 0. */
  readonly gbps: number;
  readonly latencyUs: { readonly p50: number; readonly p99: number; readonly p999: number } | null;
  /** Of UDP: datagrams that did not arrive, 0..1, the median. */
  readonly lostShare: number | null;
  readonly cost: Cost;
  readonly command: string;
  readonly version: string;
  readonly legs: readonly (TcpLeg & { readonly ownFirst: boolean })[];
  /** Of ours only: how many times the peer's rate, and the peer's cost by ours. */
  readonly ratio?: {
    readonly to: TcpPeerName;
    readonly median: number;
    readonly min: number;
    readonly max: number;
    readonly pairs: readonly number[];
    readonly switchingCost: Omit<Spread, 'runs'>;
    readonly totalCost: Omit<Spread, 'runs'>;
  };
  readonly environment: Environment;
}

export interface SkippedTcpRow extends TcpHead {
  readonly skipped: string;
}

export type AnyTcpRow = TcpRow | SkippedTcpRow;

/** What both sides of a comparison are. */
export interface TcpMeasurement {
  readonly test: TcpTest;
  readonly scenario: Scenario;
  readonly peer: TcpPeerName;
  readonly pairs: readonly TcpPair[];
  readonly own: { readonly command: string; readonly version: string };
  readonly theirs: { readonly command: string; readonly version: string };
  readonly environment: Environment;
}

export function skippedRow(
  test: TcpTest,
  scenario: Scenario,
  system: TcpPeerName,
  skipped: string,
): SkippedTcpRow {
  return { test, scenario, system, driver: 'guest-kernel', skipped };
}

/** Gbit/s, or thousands of round trips a second: more is better. */
export function rateOf({ bytes, seconds, roundTrips }: TcpLeg): number {
  if (seconds === 0) return 0;
  return roundTrips === null ? (bytes * 8) / seconds / 1e9 : roundTrips / seconds / 1000;
}

/** How many times `over` is `under`; 0 where that says nothing. */
function times(over: number, under: number): number {
  return under === 0 ? 0 : over / under;
}

type Part = keyof Cost;

function costOf({ cpu, bytes, roundTrips }: TcpLeg, part: Part): number {
  const { backend, devices, guests } = cpu;
  const seconds = {
    ...{ backend, devices, guests, switching: backend + devices },
    total: backend + devices + guests,
  }[part];
  return roundTrips === null ? times(seconds * 2 ** 30, bytes) : times(seconds * 1e6, roundTrips);
}

/** The peer's row, then ours with the ratio. */
export function tcpRowsOf(measured: TcpMeasurement): readonly TcpRow[] {
  const { pairs, peer, own, theirs } = measured;
  const spread = (value: (pair: TcpPair) => number) => spreadOf(pairs.map(value).map(rounded));
  const ratio = spread((pair) => times(rateOf(pair.own), rateOf(pair.peer)));
  const cost = (part: Part) => {
    const { median, min, max } = spread((pair) =>
      times(costOf(pair.peer, part), costOf(pair.own, part)),
    );
    return { median, min, max };
  };
  const ours = sideOf({ measured, ratio }, 'valenic', (pair) => pair.own, own);
  const { median, min, max, runs } = ratio;
  return [
    sideOf({ measured, ratio }, peer, (pair) => pair.peer, theirs),
    {
      ...ours,
      ratio: {
        ...{ to: peer, median, min, max, pairs: runs },
        ...{ switchingCost: cost('switching'), totalCost: cost('total') },
      },
    },
  ];
}

function loadsOf(pairs: readonly TcpPair[]): readonly (LoadReport | undefined)[] {
  return pairs.flatMap(({ own, peer }) => [own.load, peer.load]);
}

/** @param ratio  Of the comparison: its pairs, not the rates, decide whether the runs scatter. */
function sideOf(
  {
    measured: { test, scenario, pairs, environment },
    ratio,
  }: { readonly measured: TcpMeasurement; readonly ratio: Spread },
  system: TcpSystem,
  legOf: (pair: TcpPair) => TcpLeg,
  { command, version }: TcpMeasurement['own'],
): TcpRow {
  const legs = pairs.map(legOf);
  const rate = spreadOf(legs.map(rateOf).map(rounded));
  const cost = (part: Part) => spreadOf(legs.map((leg) => rounded(costOf(leg, part))));
  const lost = legs.flatMap(({ lostShare }) => (lostShare === null ? [] : [lostShare]));
  return {
    ...{ test, scenario, system, driver: 'guest-kernel', rate },
    gbps: test === 'latency' ? 0 : rate.median,
    latencyUs: delaysOf(legs),
    lostShare: lost.length === 0 ? null : rounded(spreadOf(lost).median),
    cost: {
      ...{ backend: cost('backend'), devices: cost('devices'), switching: cost('switching') },
      ...{ guests: cost('guests'), total: cost('total') },
    },
    ...{ command, version, environment },
    ...verdictOf([...oftenLoaded(loadsOf(pairs)), rateDoubt(rate), scatterDoubt(ratio)]),
    legs: pairs.map((pair) => ({ ...legOf(pair), ownFirst: pair.ownFirst })),
  };
}

function delaysOf(legs: readonly TcpLeg[]): TcpRow['latencyUs'] {
  const known = legs.flatMap(({ latencyUs }) => (latencyUs === null ? [] : [latencyUs]));
  if (known.length === 0) return null;
  const median = (key: 'p50' | 'p99' | 'p999') => spreadOf(known.map((at) => at[key])).median;
  return { p50: median('p50'), p99: median('p99'), p999: median('p999') };
}

/**
 * Pairs of earlier runs, and of this one, of the same comparison.
 *
 * @param rows  Of earlier runs: a peer's row comes before ours with the ratio to it.
 */
export function earlierPairs(
  rows: readonly AnyTcpRow[],
  { test, scenario, peer }: Pick<TcpMeasurement, 'test' | 'scenario' | 'peer'>,
): readonly TcpPair[] {
  const same = rows.filter(
    (row): row is TcpRow => !('skipped' in row) && row.test === test && row.scenario === scenario,
  );
  const theirs = same.filter(({ system }) => system === peer).flatMap(({ legs }) => legs);
  const own = same.filter(({ ratio }) => ratio?.to === peer).flatMap(({ legs }) => legs);
  return own.flatMap(({ ownFirst, ...leg }, index) => {
    const other = theirs[index];
    if (other === undefined) return [];
    const { ownFirst: _, ...peerLeg } = other;
    return [{ own: leg, peer: peerLeg, ownFirst }];
  });
}

/** Rows of earlier runs, of comparisons that are not in this run. */
export function untouched(
  rows: readonly AnyTcpRow[],
  measured: readonly AnyTcpRow[],
): readonly AnyTcpRow[] {
  const keyOf = (row: AnyTcpRow): string => {
    const peer = 'ratio' in row ? row.ratio?.to : row.system;
    return `${row.test} ${row.scenario} ${peer}`;
  };
  const done = new Set(measured.filter((row) => !('skipped' in row)).map(keyOf));
  return rows.filter((row) => !('skipped' in row) && !done.has(keyOf(row)));
}

function rounded(value: number): number {
  return Number(value.toPrecision(5));
}
