/** The rows of `valenic bench fairness`: runs with their reference in, shares and verdicts out. */

import { type Environment, environmentOf, noGuest } from '../environment.ts';
import { type Spread, spreadOf } from '../spread.ts';
import type { SyntheticReplay } from '../synthetic-process.ts';
import {
  type Doubt,
  doubtTexts,
  loadDoubts,
  placementDoubt,
  scatterDoubt,
  verdictOf,
} from '../verdict.ts';
import { type FairnessKind, floorOf, hostilePorts, type Part } from './kinds.ts';
import type { RingKind } from './options.ts';
import type { RunResult } from './run.ts';
import {
  attackersWaiting,
  type JudgedRun,
  judged,
  least,
  type OwnDoubt,
  ownDoubtTexts,
  partOf,
  sourceWaiting,
} from './windows.ts';

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
  /** Windows of the runs, and those of which the figures are. */
  readonly windows: { readonly all: number; readonly counted: number };
  /** The least of the windows that count: of turns, those in which something waited. */
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
  const judgedPairs = pairs.map(({ alone, attacked }) => ({
    alone: judged(null, alone),
    attacked: judged(kind, attacked),
  }));
  const runs = judgedPairs.flatMap((pair) => [pair.alone, pair.attacked]);
  const attackedWindows = judgedPairs.flatMap(({ attacked }) => attacked.windows);
  const alone = spreadOf(judgedPairs.map((pair) => honestRate(pair.alone)));
  const beside = spreadOf(judgedPairs.map((pair) => honestRate(pair.attacked)));
  const share = spreadOf(
    judgedPairs.map((pair) => over(honestRate(pair.attacked), honestRate(pair.alone))),
  );
  const floor = floorOf(kind, attackers);
  const doubts = [
    ...new Set(pairs.flatMap((pair) => pairDoubts(kind, pair))),
    ...verdictOf([scatterDoubt(share), share.median > 0 ? null : 'nothing']).doubts,
  ];
  return {
    ...{ scenario: 'fairness', system: 'valenic', driver: 'synthetic', kind: kind.name, ring },
    ...{ attackers, hostilePorts: hostilePorts(kind, attackers), frameBytes: 60 },
    ...{ polling: 'busy', more: true, mppsPerCpu: beside, alone, share, floor },
    fair: share.median >= floor,
    windows: {
      all: runs.reduce((sum, run) => sum + run.all, 0),
      counted: runs.reduce((sum, { windows }) => sum + windows.length, 0),
    },
    sourceWaiting: least(runs.flatMap(({ windows }) => windows.map(sourceWaiting))),
    attackersWaiting: kind.breaks
      ? null
      : least(attackedWindows.map((window) => attackersWaiting(kind, window))),
    hostileMppsPerCpu: spreadOf(judgedPairs.map(({ attacked }) => hostileRate(attacked))).median,
    ...{ counts: doubts.length === 0, doubts },
    probeNs: pairs[0]?.alone.probesNs[0] ?? null,
    environment: environmentOf(noGuest, []),
  };
}

/** Its frames a microsecond of the worker's CPU: what arrived, counted by the sink itself. */
function honestRate(run: JudgedRun): number {
  return rateOf(run, 'sink', ({ honest }) => honest);
}

function hostileRate(run: JudgedRun): number {
  return rateOf(run, 'attacker', ({ sent, received }) => Math.max(sent, received));
}

function rateOf(
  { windows }: JudgedRun,
  part: Part,
  framesOf: (replay: SyntheticReplay) => number,
): number {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const frames = sum(
    windows.flatMap((window) => partOf(window, part).map(({ replay }) => framesOf(replay))),
  );
  return Number(over(frames * 1000, sum(windows.map(({ workerNs }) => workerNs))).toFixed(5));
}

function over(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** Why a pair of runs does not count, whatever others say. */
export function pairDoubts(
  kind: FairnessKind,
  { alone, attacked }: FairnessPair,
): readonly FairnessDoubt[] {
  const own = [...judged(null, alone).doubts, ...judged(kind, attacked).doubts];
  const machine = [
    placementDoubt([...alone.probesNs, ...attacked.probesNs]),
    ...[alone, attacked].flatMap(({ load }) => loadDoubts(load)),
  ];
  return [
    ...new Set(own),
    ...verdictOf(machine.filter((doubt) => !forgiven.includes(doubt))).doubts,
  ];
}

/**
 * What a share forgives the machine: CPUs that are far apart make all frames dearer, and that a
 * worker waited for its CPU is neither in its time nor unknown to its windows.
 */
const forgiven: readonly (Doubt | null)[] = ['far', 'waited'];

/** What the words of these rows mean. */
export function fairnessLegend(rows: readonly FairnessRow[]): string {
  const texts: Readonly<Record<FairnessDoubt, string>> = { ...ownDoubtTexts, ...doubtTexts };
  const found = new Set(rows.flatMap(({ doubts }) => doubts));
  return [...found].map((doubt) => `${doubt}: ${texts[doubt]}\n`).join('');
}
