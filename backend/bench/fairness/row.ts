/** The rows of `valenic bench fairness`: runs with their reference in, shares and verdicts out. */

import { type Environment, environmentOf, noGuest } from '../environment.ts';
import { type Spread, spreadOf } from '../spread.ts';
import {
  type Doubt,
  doubtTexts,
  loadDoubts,
  placementDoubt,
  scatterDoubt,
  verdictOf,
} from '../verdict.ts';
import { type FairnessKind, floorOf, hostilePorts } from './kinds.ts';
import type { RingKind } from './options.ts';
import type { RunResult, StationResult } from './run.ts';

/** Of its turns, those in which the honest source had frames waiting. */
const sourceWaits = 0.95;
/** The same of each attacker, or of the buffers that a hostile receiver offered. */
const attackerWaits = 0.9;

/** Why a run does not count that has nothing to do with the machine. */
const ownDoubtTexts = {
  uncounted: 'the worker did not count turns',
  'source-idle': `the honest source had work in less than ${percent(sourceWaits)} of its turns`,
  'attacker-idle': `an attacker had work in less than ${percent(attackerWaits)} of its turns`,
  accepted: 'the attacker broke a rule, and its ring did not stop',
  stopped: 'an attacker broke no rule, and its ring stopped',
} as const;
type OwnDoubt = keyof typeof ownDoubtTexts;
export type FairnessDoubt = Doubt | OwnDoubt;

export interface FairnessRow {
  readonly scenario: 'fairness';
  readonly system: 'valenic';
  readonly driver: 'synthetic';
  readonly kind: string;
  readonly ring: RingKind;
  readonly attackers: number;
  /** Ports beside the honest source that want the worker's time. */
  readonly hostilePorts: number;
  readonly frameBytes: 60;
  readonly polling: 'busy';
  readonly more: true;
  /** Honest frames that arrived, in millions, for each second of the worker's CPU. */
  readonly mppsPerCpu: Spread;
  /** The same of the pair alone, measured just before. */
  readonly alone: Spread;
  /** Of each run, by that of the pair alone. */
  readonly share: Spread;
  readonly floor: number;
  readonly fair: boolean;
  /** The least of the runs: of turns, those in which something waited. */
  readonly sourceWaiting: number | null;
  readonly attackersWaiting: number | null;
  /** What the backend took from the attackers, or filled of them, in millions a CPU second. */
  readonly hostileMppsPerCpu: number;
  readonly counts: boolean;
  readonly doubts: readonly FairnessDoubt[];
  readonly probeNs: number | null;
  readonly environment: Environment;
}

export interface FairnessPair {
  readonly alone: RunResult;
  readonly attacked: RunResult;
}

export function fairnessRow(
  kind: FairnessKind,
  ring: RingKind,
  attackers: number,
  pairs: readonly FairnessPair[],
): FairnessRow {
  const alone = spreadOf(pairs.map((pair) => honestRate(pair.alone)));
  const beside = spreadOf(pairs.map((pair) => honestRate(pair.attacked)));
  const share = spreadOf(
    pairs.map(({ alone: without, attacked }) => over(honestRate(attacked), honestRate(without))),
  );
  const floor = floorOf(kind, attackers);
  const runs = pairs.flatMap((pair) => [pair.alone, pair.attacked]);
  const doubts = doubtsOf(kind, pairs, { alone, share });
  return {
    ...{ scenario: 'fairness', system: 'valenic', driver: 'synthetic', kind: kind.name, ring },
    ...{ attackers, hostilePorts: hostilePorts(kind, attackers), frameBytes: 60 },
    ...{ polling: 'busy', more: true, mppsPerCpu: beside, alone, share, floor },
    fair: share.median >= floor,
    sourceWaiting: least(runs.map((run) => waitingOf(partOf(run, 'source')))),
    attackersWaiting: kind.breaks
      ? null
      : least(pairs.map(({ attacked }) => attackersWaiting(kind, attacked))),
    hostileMppsPerCpu: spreadOf(pairs.map(({ attacked }) => hostileRate(attacked))).median,
    ...{ counts: doubts.length === 0, doubts },
    probeNs: runs[0]?.probesNs[0] ?? null,
    environment: environmentOf(noGuest, []),
  };
}

/** Its frames a microsecond of the worker's CPU: what arrived, counted by the sink itself. */
function honestRate(run: RunResult): number {
  const honest = partOf(run, 'sink').reduce((sum, { replay }) => sum + replay.honest, 0);
  return Number(over(honest * 1000, run.workerNs).toFixed(5));
}

function hostileRate(run: RunResult): number {
  const frames = partOf(run, 'attacker').reduce(
    (sum, { replay }) => sum + Math.max(replay.sent, replay.received),
    0,
  );
  return Number(over(frames * 1000, run.workerNs).toFixed(5));
}

function over(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function partOf(run: RunResult, part: StationResult['station']['part']): readonly StationResult[] {
  return run.stations.filter(({ station }) => station.part === part);
}

/** The least share of turns in which something waited; null where none was counted. */
function waitingOf(stations: readonly StationResult[]): number | null {
  return least(
    stations.map(({ stats: { counters } }) =>
      counters.turns === 0 ? null : 1 - counters.turns_empty / counters.turns,
    ),
  );
}

/** Receivers have no turns: those who send to them have, or else their buffers must have lasted. */
function attackersWaiting(kind: FairnessKind, run: RunResult): number | null {
  if (kind.from === undefined) return waitingOf(partOf(run, 'attacker'));
  if (kind.from === 'accomplice') return waitingOf(partOf(run, 'accomplice'));
  return least(
    partOf(run, 'attacker').map(({ stats: { counters, drops } }) => {
      const lost = Object.values(drops).reduce((sum, frames) => sum + frames, 0);
      const offered = counters.rx_frames + lost;
      return offered === 0 ? null : 1 - drops.rx_no_buffer / offered;
    }),
  );
}

/** null: one of them is not known. */
function least(shares: readonly (number | null)[]): number | null {
  const known = shares.filter((share): share is number => share !== null);
  return known.length < shares.length || known.length === 0
    ? null
    : Number(Math.min(...known).toFixed(4));
}

function doubtsOf(
  kind: FairnessKind,
  pairs: readonly FairnessPair[],
  spreads: Record<'alone' | 'share', Spread>,
): readonly FairnessDoubt[] {
  const own = new Set<FairnessDoubt>();
  for (const { alone, attacked } of pairs) {
    for (const run of [alone, attacked]) {
      const waiting = waitingOf(partOf(run, 'source'));
      if (waiting === null) own.add('uncounted');
      else if (waiting < sourceWaits) own.add('source-idle');
    }
    for (const doubt of attackerDoubts(kind, attacked)) own.add(doubt);
  }
  const machine = verdictOf([
    ...pairs.flatMap(({ alone, attacked }) =>
      [alone, attacked].flatMap(({ probesNs, load }) => [
        placementDoubt(probesNs),
        ...loadDoubts(load),
      ]),
    ),
    scatterDoubt(spreads.alone),
    scatterDoubt(spreads.share),
    spreads.share.median > 0 ? null : 'nothing',
  ]).doubts;
  return [...own, ...machine];
}

function attackerDoubts(kind: FairnessKind, run: RunResult): readonly OwnDoubt[] {
  const stopped = partOf(run, 'attacker').map(({ faults }) => faults > 0);
  if (kind.breaks) return stopped.every(Boolean) ? [] : ['accepted'];
  if (stopped.some(Boolean)) return ['stopped'];
  const waiting = attackersWaiting(kind, run);
  if (waiting === null) return ['uncounted'];
  return waiting < attackerWaits ? ['attacker-idle'] : [];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** What the words of these rows mean. */
export function fairnessLegend(rows: readonly FairnessRow[]): string {
  const texts: Readonly<Record<FairnessDoubt, string>> = { ...ownDoubtTexts, ...doubtTexts };
  const found = new Set(rows.flatMap(({ doubts }) => doubts));
  return [...found].map((doubt) => `${doubt}: ${texts[doubt]}\n`).join('');
}
