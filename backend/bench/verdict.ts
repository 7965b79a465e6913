/**
 * Whether figures count: each bench judges its runs by what was measured beside them, says so in
 * the row in a word, and ends with 1 when it was told to be strict.
 */

import { Option } from 'commander';
import type { LoadReport } from './load-watch.ts';
import { disturbedNs, nearNs } from './placement.ts';
import type { Spread } from './spread.ts';

/** Of CPU seconds a second: above it a hypervisor took what the run needed. */
const stolenLimit = 0.02;
/** Of a CPU: above it a p99 says how long somebody else ran, and not how long a frame takes. */
const waitedLimit = 0.01;
/** Of all CPUs: above it other programs had a part in the figures. */
const othersLimit = 0.05;
const loadedShare = 1 / 3;
/** Highest less lowest run, of the median. */
const scatterLimit = 0.25;
/** Delays on a machine that is free are microseconds: a median above it is of a queue. */
const lateUs = 1000;

/** Why figures do not count, in a word each, and what it means. */
export const doubtTexts = {
  unplaced:
    'the worker and its load did not have a CPU each, or the distance of the CPUs is unknown',
  disturbed: 'another program used one of the CPUs while their distance was probed',
  far: `the CPUs are more than ${nearNs} ns apart, so they do not share a cache`,
  moved: 'the CPUs were near at one end of the run and far at the other',
  busy: 'other programs used the CPUs',
  stolen: 'the hypervisor took CPU time',
  waited: 'workers were ready to run but had no CPU',
  scattered: `the runs differ by more than ${scatterLimit * 100} % of their median`,
  late: `half of the paced frames took more than ${lateUs} us, so they waited in a queue`,
  nothing: 'no frame arrived, or no delay could be measured',
  incomplete: 'there were fewer runs than asked for',
} as const;
export type Doubt = keyof typeof doubtTexts;

/** A row's verdict on itself; every benchmark has it. */
export interface Verdict {
  readonly counts: boolean;
  /** Why not; none: it counts. */
  readonly doubts: readonly Doubt[];
}

export function verdictOf(doubts: readonly (Doubt | null)[]): Verdict {
  const found = (Object.keys(doubtTexts) as Doubt[]).filter((doubt) => doubts.includes(doubt));
  return { counts: found.length === 0, doubts: found };
}

/** @param probesNs  Before and after; null: it could not be probed, or there was nothing to. */
export function placementDoubt(probesNs: readonly (number | null)[]): Doubt | null {
  const known = probesNs.filter((ns): ns is number => ns !== null);
  if (known.length < probesNs.length || known.length === 0) return 'unplaced';
  if (known.some((ns) => ns >= disturbedNs)) return 'disturbed';
  const far = known.filter((ns) => ns >= nearNs).length;
  if (far === 0) return null;
  return far === known.length ? 'far' : 'moved';
}

export function loadDoubts({ others, stolen, waited, cpus }: LoadReport): readonly Doubt[] {
  return [
    ...(others > othersLimit * cpus ? (['busy'] as const) : []),
    ...(stolen > stolenLimit * cpus ? (['stolen'] as const) : []),
    ...(waited > waitedLimit ? (['waited'] as const) : []),
  ];
}

/**
 * Of many runs, what more than a third of them, and more than one, met with: medians forgive the
 * rest. Runs without a report say nothing.
 */
export function oftenLoaded(loads: readonly (LoadReport | undefined)[]): readonly Doubt[] {
  const doubts = loads.map((load) => (load === undefined ? [] : loadDoubts(load)));
  const limit = Math.max(1, loads.length * loadedShare);
  return (['busy', 'stolen', 'waited'] as const).filter(
    (doubt) => doubts.filter((of) => of.includes(doubt)).length > limit,
  );
}

/** Of as many figures as there are runs; of fewer than three it says nothing. */
export function scatterDoubt({ median, min, max, runs }: Spread): Doubt | null {
  return runs.length >= 3 && max - min > scatterLimit * median ? 'scattered' : null;
}

export function rateDoubt({ median }: Pick<Spread, 'median'>): Doubt | null {
  return median > 0 ? null : 'nothing';
}

/** @param latencyUs  Of paced frames; null: none was measured although it was wanted. */
export function delayDoubt(latencyUs: { readonly p50: number } | null): Doubt | null {
  if (latencyUs === null || !(latencyUs.p50 > 0)) return 'nothing';
  return latencyUs.p50 > lateUs ? 'late' : null;
}

/** A row's line in a table, and below it why the row does not count. */
export function withVerdict(
  line: string,
  { counts, doubts }: { readonly counts: boolean; readonly doubts: readonly string[] },
): string {
  return counts ? line : `${line}\n    does not count: ${doubts.join(', ')}`;
}

/** The same as a column of a page; rows of old have no verdict. */
export const verdictName = 'does not count';
export function verdictCell({ doubts }: Partial<Verdict>): string {
  return doubts?.join(', ') ?? '';
}

/** Below a table: what its words mean. */
export function doubtLegend(rows: readonly Verdict[]): string {
  const found = verdictOf(rows.flatMap(({ doubts }) => doubts)).doubts;
  return found.map((doubt) => `${doubt}: ${doubtTexts[doubt]}\n`).join('');
}

/** The one option of all benches. */
export function strictOption(): Option {
  return new Option('--strict', 'exit with status 1 when a figure does not count');
}

/**
 * The exit status of a comparison whose rows may have been skipped: with `strict`, what could not
 * be measured does not count either.
 */
export function comparedStatus(
  strict: boolean | undefined,
  rows: readonly (Verdict | { readonly skipped: string })[],
): 0 | 1 {
  const measured = measuredOf(rows);
  const whole = strict !== true || measured.length === rows.length;
  return measured.length > 0 && whole ? strictStatus(strict, measured) : 1;
}

/** The rows that were not skipped. */
export function measuredOf<Row extends object>(
  rows: readonly Row[],
): readonly Exclude<Row, { readonly skipped: string }>[] {
  return rows.filter(
    (row): row is Exclude<Row, { readonly skipped: string }> => !('skipped' in row),
  );
}

/** @returns an exit status. */
export function strictStatus(strict: boolean | undefined, rows: readonly Verdict[]): 0 | 1 {
  return strict === true && rows.some(({ counts }) => !counts) ? 1 : 0;
}
