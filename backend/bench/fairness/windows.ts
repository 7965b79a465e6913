/** Which windows of a run count: those in which all who are to want the worker did want it. */

import type { FairnessKind, Part } from './kinds.ts';
import type { RunResult, StationResult, WindowResult } from './run.ts';

/** Of its turns, those in which the honest source had frames waiting. */
const sourceWaits = 0.95;
/** The same of each attacker, or of the buffers that a hostile receiver offered. */
const attackerWaits = 0.9;
/** Of a window, what the worker has of its CPU: else its waits were longer than what it did. */
const workerRuns = 0.5;
/** Of a run's windows, those that count at least: what spoiled the rest had no part in the run. */
const windowsCount = 0.5;

/** Why a run does not count that has nothing to do with the machine. */
export const ownDoubtTexts = {
  uncounted: 'the worker did not count turns',
  'source-idle': `the honest source had work in less than ${percent(sourceWaits)} of its turns`,
  'attacker-idle': `an attacker had work in less than ${percent(attackerWaits)} of its turns`,
  starved: `the worker had its CPU for less than ${percent(workerRuns)} of the time`,
  accepted: 'the attacker broke a rule, and its ring did not stop',
  stopped: 'an attacker broke no rule, and its ring stopped',
} as const;
export type OwnDoubt = keyof typeof ownDoubtTexts;

export interface JudgedRun {
  /** Those of which the figures are: all, where too few count. */
  readonly windows: readonly WindowResult[];
  readonly all: number;
  readonly doubts: readonly OwnDoubt[];
}

/** @param kind  Of the attackers; null: there are none. */
export function judged(kind: FairnessKind | null, { windows }: RunResult): JudgedRun {
  const found = windows.map((window) => ({ window, doubts: idleDoubts(kind, window) }));
  const good = found.filter(({ doubts }) => doubts.length === 0).map(({ window }) => window);
  const enough = good.length > 0 && good.length >= windows.length * windowsCount;
  const idle = enough ? [] : found.flatMap(({ doubts }) => doubts);
  return {
    windows: enough ? good : windows,
    all: windows.length,
    doubts: [...new Set([...idle, ...windows.flatMap((window) => ruleDoubts(kind, window))])],
  };
}

export function partOf({ stations }: WindowResult, part: Part): readonly StationResult[] {
  return stations.filter(({ station }) => station.part === part);
}

/** Of its turns, those in which the honest source had frames waiting; null: none was counted. */
export function sourceWaiting(window: WindowResult): number | null {
  return waitingOf(partOf(window, 'source'));
}

/** Receivers have no turns: those who send to them have, or else their buffers must have lasted. */
export function attackersWaiting(kind: FairnessKind, window: WindowResult): number | null {
  if (kind.from === undefined) return waitingOf(partOf(window, 'attacker'));
  if (kind.from === 'accomplice') return waitingOf(partOf(window, 'accomplice'));
  return least(
    partOf(window, 'attacker').map(({ stats: { counters, drops } }) => {
      const lost = Object.values(drops).reduce((sum, frames) => sum + frames, 0);
      const offered = counters.rx_frames + lost;
      return offered === 0 ? null : 1 - drops.rx_no_buffer / offered;
    }),
  );
}

/** null: one of them is not known. */
export function least(shares: readonly (number | null)[]): number | null {
  const known = shares.filter((share): share is number => share !== null);
  return known.length < shares.length || known.length === 0
    ? null
    : Number(Math.min(...known).toFixed(4));
}

function waitingOf(stations: readonly StationResult[]): number | null {
  return least(
    stations.map(({ stats: { counters } }) =>
      counters.turns === 0 ? null : 1 - counters.turns_empty / counters.turns,
    ),
  );
}

function idleDoubts(kind: FairnessKind | null, window: WindowResult): readonly OwnDoubt[] {
  const doubtOf = (waiting: number | null, wanted: number, word: OwnDoubt): OwnDoubt | null =>
    waiting === null ? 'uncounted' : waiting < wanted ? word : null;
  return [
    window.workerNs < window.seconds * 1e9 * workerRuns ? ('starved' as const) : null,
    doubtOf(sourceWaiting(window), sourceWaits, 'source-idle'),
    kind === null || kind.breaks
      ? null
      : doubtOf(attackersWaiting(kind, window), attackerWaits, 'attacker-idle'),
  ].filter((doubt) => doubt !== null);
}

function ruleDoubts(kind: FairnessKind | null, window: WindowResult): readonly OwnDoubt[] {
  if (kind === null) return [];
  const stopped = partOf(window, 'attacker').map(({ faults }) => faults > 0);
  if (kind.breaks) return stopped.every(Boolean) ? [] : ['accepted'];
  return stopped.some(Boolean) ? ['stopped'] : [];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
