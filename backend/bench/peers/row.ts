/** The rows of `valenic bench peers`: those of DESIGN.md with what a comparison adds. */

import type { PollingMode } from '../../../native/boundary/index.ts';
import { packageRoot } from '../../datapath/load.ts';
import type { Environment } from '../environment.ts';
import { probeText } from '../placement.ts';
import { gbpsOf } from '../row.ts';
import { type Spread, spreadOf } from '../spread.ts';
import { oftenLoaded, scatterDoubt, type Verdict, verdictOf } from '../verdict.ts';
import type { Backend, PeerName, SystemName } from './backend.ts';
import {
  advantage,
  byDelay,
  byRate,
  type Comparison,
  type Cores,
  compare,
  counts,
  countsFar,
  type Leg,
  type Pair,
} from './pairs.ts';
import { spreadOfKnown } from './synthetic.ts';
import { isOfGuests, type Workload } from './workload.ts';

/** Microseconds: medians over the legs that count. */
interface Delays {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** The pairs of a measurement that make one comparison. */
interface RowPart {
  readonly measured: Measurement;
  readonly which: Which;
  readonly placement: RowPlacement;
  readonly verdict: Verdict;
}

interface SideCores {
  readonly switching: number;
  readonly usPerFrame: number;
  readonly guests: number;
}

export interface RatioText {
  /** The peer, and how often it is exceeded: more is better for us, of delays too. */
  readonly to: PeerName;
  readonly median: number;
  readonly pairs: readonly number[];
  readonly of: 'mpps' | 'p99';
  readonly min: number;
  readonly max: number;
  /** The peer's setting. */
  readonly burst: number | null;
  /** It is the peer's best setting: this ratio counts. */
  readonly best: boolean;
  /** Of round trips, both sides'. */
  readonly latencyUs?: { readonly own: Delays; readonly peer: Delays };
  /** Of real guests, both sides': CPUs that were used. */
  readonly cores?: { readonly own: SideCores; readonly peer: SideCores };
  /** What the ratio compares, of both sides. */
  readonly own: Spread;
  readonly peer: Spread;
}

interface RowHead {
  readonly scenario: 'g2g';
  readonly system: SystemName;
  readonly driver: Workload['frontend'];
  readonly frameBytes: number;
  /** Ours; the peers' worker, where there is one, polls. */
  readonly polling: PollingMode;
  readonly more: true;
  readonly workload: string;
  readonly title: string;
}

/** Where the CPUs were in all pairs of a row; `alike`: of real guests, in each pair the same. */
export type RowPlacement = 'near' | 'far' | 'alike';

/** A row of far CPUs has a verdict that says so: do not compare its figures with others. */
export interface PeersRow extends RowHead, Verdict {
  readonly placement: RowPlacement;
  readonly ring: 'split' | 'packed';
  readonly ringSize: number;
  /** Frames a second that were sent; 0 = as many as went. */
  readonly ratePps: number;
  readonly mpps: Spread;
  readonly gbps: number;
  readonly latencyUs: Delays | null;
  readonly sent: number;
  readonly received: number;
  /** Sent and not received by the time the run was over: dropped, or still on the way. */
  readonly lost: Readonly<Record<string, number>>;
  readonly bothWays: boolean;
  readonly mergeable: boolean;
  readonly indirect: boolean;
  readonly touch: boolean;
  readonly burst: number | null;
  readonly command: string;
  /** The system's, as it says itself. */
  readonly version: string;
  /** Settings that the peer's build did not take, with its answers; none: left out. */
  readonly refused?: readonly string[];
  readonly hugePages: string;
  /**
   * Share of the front-end's time in which it had work, of real guests the busier one's; near 1 it
   * is what limits the rate.
   */
  readonly driverBusy: number | null;
  /** Of real guests: CPUs that were used, medians; `switching` is `backend` and `devices`. */
  readonly cores?: Cores & { readonly switching: number };
  /** What switching cost, CPU by frames that arrived. */
  readonly switchingUsPerFrame?: number;
  /** Of ours only. */
  readonly ratio?: RatioText;
  /** Every leg that was measured, counted or not, in pairs. */
  readonly legs: readonly {
    readonly counts: boolean;
    readonly ownFirst: boolean;
    readonly mpps: number;
    readonly probesNs: readonly [number | null, number | null];
  }[];
  /** Median of the probes of the legs that are in the figures. */
  readonly probeNs: number | null;
  /** What a reader must know. */
  readonly note?: string;
  readonly environment: Environment;
}

export interface SkippedPeersRow extends RowHead {
  readonly skipped: string;
  /** What came out on far CPUs: no result, but better than silence. */
  readonly legs?: PeersRow['legs'];
}

/** What a backend reports about itself. */
export type Side = Pick<Backend, 'command' | 'version' | 'refused'>;

/** All that was measured of one setting of a peer. */
export interface Measurement {
  readonly workload: Workload;
  readonly ratePps: number;
  readonly peer: PeerName;
  readonly burst: number | null;
  readonly pairs: readonly Pair[];
  readonly own: Side;
  readonly theirs: Side;
  readonly hugePages: string;
  readonly polling: PollingMode;
  /** Why there are fewer pairs than wanted. */
  readonly incomplete: string | null;
  readonly environment: Environment;
}

export function headOf(
  workload: Workload,
  system: SystemName,
  polling: PollingMode = 'busy',
): RowHead {
  const { name, title, frameBytes, frontend } = workload;
  return {
    scenario: 'g2g',
    system,
    driver: frontend,
    frameBytes,
    polling,
    more: true,
    workload: name,
    title,
  };
}

type Which = (pair: Pair) => boolean;

/** The comparison of a measurement, and which of several settings serves the peer best. */
function comparisonOf({ workload, pairs }: Measurement, which: Which): Comparison {
  return compare(pairs, workload.roundTrip ? byDelay : byRate, which);
}

export function bestOf(
  settings: readonly Measurement[],
  which: Which = counts,
): Measurement | undefined {
  const better = (a: Measurement, b: Measurement): number => {
    const [left, right] = [comparisonOf(a, which).peer.median, comparisonOf(b, which).peer.median];
    return a.workload.roundTrip ? left - right : right - left;
  };
  return settings.filter(({ pairs }) => pairs.some(which)).toSorted(better)[0];
}

/**
 * The peer's row, then ours with the ratio, of the pairs that count; then the same of those on far
 * CPUs, never mixed with them. Without either, there is no figure.
 *
 * @param best     Of the peer's settings, by the pairs that count.
 * @param bestFar  The same by those on far CPUs.
 */
export function rowsOf(
  measured: Measurement,
  best: boolean,
  bestFar = best,
): readonly (PeersRow | SkippedPeersRow)[] {
  const placement = measured.pairs[0]?.placement ?? 'near';
  const rows = [
    ...(measured.pairs.some(counts) ? comparedRows(measured, counts, best, placement) : []),
    ...(measured.pairs.some(countsFar) ? comparedRows(measured, countsFar, bestFar, 'far') : []),
  ];
  return rows.length === 0 ? [mixedRow(measured)] : rows;
}

function comparedRows(
  measured: Measurement,
  which: Which,
  best: boolean,
  placement: RowPlacement,
): readonly PeersRow[] {
  const { peer, burst, own, theirs, workload } = measured;
  const stick = workload.roundTrip ? byDelay : byRate;
  const { ratio, own: ownSpread, peer: peerSpread } = comparisonOf(measured, which);
  const part = { measured, which, placement, verdict: verdictFor(measured, which, ratio) };
  const ratioText: RatioText = {
    ...{ to: peer, median: ratio.median, pairs: ratio.runs, of: stick.of },
    ...{ min: ratio.min, max: ratio.max, burst, best, own: ownSpread, peer: peerSpread },
  };
  const ours = sideOf(part, 'valenic', (pair) => pair.own, own, null);
  const peers = sideOf(part, peer, (pair) => pair.peer, theirs, burst);
  const both = ours.latencyUs !== null && peers.latencyUs !== null;
  const delays = both ? { latencyUs: { own: ours.latencyUs, peer: peers.latencyUs } } : {};
  const [ownCores, peerCores] = [ours, peers].map(sideCoresOf);
  const known = ownCores !== undefined && peerCores !== undefined;
  const cores = known ? { cores: { own: ownCores, peer: peerCores } } : {};
  return [peers, { ...ours, ratio: { ...ratioText, ...delays, ...cores } }];
}

function sideCoresOf({ cores, switchingUsPerFrame }: PeersRow): SideCores | undefined {
  if (cores === undefined) return undefined;
  const { switching, guests } = cores;
  return { switching, usPerFrame: switchingUsPerFrame ?? 0, guests };
}

function verdictFor({ pairs, incomplete }: Measurement, which: Which, ratio: Spread): Verdict {
  const legs = pairs.filter(which).flatMap(({ own, peer }) => [own, peer]);
  const far = which === countsFar;
  return verdictOf([
    ...oftenLoaded(legs.map(({ load }) => load)),
    scatterDoubt(ratio),
    ...([far ? 'far' : null, incomplete === null || far ? null : 'incomplete'] as const),
  ]);
}

/** Near at one end and far at the other, or disturbed. */
function mixedRow({
  workload,
  peer,
  pairs,
  burst,
  incomplete,
  polling,
}: Measurement): SkippedPeersRow {
  const stick = workload.roundTrip ? byDelay : byRate;
  const ratios = spreadOf(pairs.map((pair) => advantage(pair, stick)));
  const setting = burst === null ? '' : `burst ${burst}: `;
  return {
    ...headOf(workload, peer, polling),
    skipped: `${setting}${incomplete}; ratio of the others ${ratios.median.toFixed(2)}`,
    legs: legsOf(pairs, (pair) => pair.peer),
  };
}

function legsOf(pairs: readonly Pair[], legOf: (pair: Pair) => Leg): PeersRow['legs'] {
  return pairs.map((pair) => {
    const { mpps, probesNs } = legOf(pair);
    return { counts: counts(pair), ownFirst: pair.ownFirst, mpps: rounded(mpps), probesNs };
  });
}

function sideOf(
  { measured, which, placement, verdict }: RowPart,
  system: SystemName,
  legOf: (pair: Pair) => Leg,
  { command, version, refused }: Side,
  burst: number | null,
): PeersRow {
  const { workload, ratePps, pairs, hugePages, environment, incomplete } = measured;
  const { ring, ringSize, bothWays, mergeable, indirect, touch } = workload;
  const legs = pairs.filter(which).map(legOf);
  const mpps = spreadOf(legs.map((leg) => rounded(leg.mpps)));
  const sum = (key: 'sent' | 'received') => legs.reduce((total, leg) => total + leg[key], 0);
  const [sent, received] = [sum('sent'), sum('received')];
  const lacks = refused.length === 0 ? null : `its build refused: ${refused.join('; ')}`;
  const notes = [incomplete, workload.note, lacks].filter((note) => (note ?? '') !== '');
  return {
    ...{ ...headOf(workload, system, measured.polling), placement, ...verdict },
    ...{
      ring,
      ringSize,
      ratePps,
      mpps,
      gbps: Number(gbpsOf(mpps.median, workload.frameBytes).toFixed(3)),
    },
    latencyUs: delaysOf(legs),
    ...{ sent, received, lost: sent > received ? { not_received: sent - received } : {} },
    ...{ bothWays, mergeable, indirect, touch, burst, command, version, hugePages },
    ...(refused.length === 0 ? {} : { refused }),
    driverBusy: spreadOfKnown(legs.map((leg) => leg.driverBusy))?.median ?? null,
    ...coresOf(legs),
    legs: legsOf(pairs, legOf),
    probeNs: spreadOfKnown(legs.flatMap((leg) => leg.probesNs))?.median ?? null,
    ...(notes.length === 0 ? {} : { note: notes.join('; ') }),
    environment: { ...environment, features: legs.at(-1)?.features ?? [] },
  };
}

/** CPU of real guests and of what is between them. */
function coresOf(legs: readonly Leg[]): Pick<PeersRow, 'cores' | 'switchingUsPerFrame'> {
  const known = legs.flatMap(({ cores, mpps }) => (cores === undefined ? [] : [{ cores, mpps }]));
  if (known.length === 0) return {};
  const median = (value: (at: (typeof known)[number]) => number) =>
    Number(spreadOf(known.map(value)).median.toPrecision(4));
  const switching = ({ cores }: { readonly cores: Cores }) => cores.backend + cores.devices;
  return {
    cores: {
      backend: median(({ cores }) => cores.backend),
      devices: median(({ cores }) => cores.devices),
      switching: median(switching),
      guests: median(({ cores }) => cores.guests),
    },
    switchingUsPerFrame: median((at) => (at.mpps === 0 ? 0 : switching(at) / at.mpps)),
  };
}

function rounded(mpps: number): number {
  return Number(mpps.toFixed(6));
}

function delaysOf(legs: readonly Leg[]): Delays | null {
  const median = (key: 'p50' | 'p99' | 'p999') =>
    spreadOfKnown(legs.map((leg) => leg.latencyNs?.[key] ?? null))?.median;
  const [p50, p99, p999] = [median('p50'), median('p99'), median('p999')];
  if (p50 === undefined || p99 === undefined || p999 === undefined) return null;
  return { p50: p50 / 1000, p99: p99 / 1000, p999: p999 / 1000 };
}

/**
 * Those that were measured, but for far CPUs: what was skipped has no place in a history, nor where
 * the program lies on the machine.
 */
export function historyText(
  rows: readonly (PeersRow | SkippedPeersRow)[],
  root = packageRoot(),
): string {
  return rows
    .filter((row): row is PeersRow => !('skipped' in row) && row.placement !== 'far')
    .map((row) => ({ ...row, command: row.command.replaceAll(`${root}/`, '') }))
    .map((row) => `${JSON.stringify(row)}\n`)
    .join('');
}

/** How people read what is compared: `times` is what a figure is multiplied with. */
export function unitOf(workload: Pick<Workload, 'frontend' | 'roundTrip'>): {
  readonly unit: string;
  readonly times: number;
  readonly digits: number;
} {
  if (workload.roundTrip) return { unit: 'us p99', times: 1, digits: 2 };
  const slow = isOfGuests(workload);
  return slow ? { unit: 'kpps', times: 1000, digits: 1 } : { unit: 'Mpps', times: 1, digits: 1 };
}

/** One pair, as progress. */
export function pairText(pair: Pair, workload: Workload): string {
  const stick = workload.roundTrip ? byDelay : byRate;
  const { unit, times } = unitOf(workload);
  const figure = (leg: Leg) => (stick.valueOf(leg) * times).toFixed(2);
  const probes = [...pair.own.probesNs, ...pair.peer.probesNs];
  const apart = probes.map(probeText).join(' ');
  return (
    `${figure(pair.own)} / ${figure(pair.peer)} ${unit}: ${advantage(pair, stick).toFixed(2)};` +
    ` probes ${apart} ns${counts(pair) ? '' : countsFar(pair) ? ': far' : ': does not count'}`
  );
}
