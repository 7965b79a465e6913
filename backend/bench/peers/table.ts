/** Comparisons as a table for people: one line for each setting of each peer. */

import { probeText } from '../placement.ts';
import type { Spread } from '../spread.ts';
import { withVerdict } from '../verdict.ts';
import { type PeersRow, type RatioText, type SkippedPeersRow, unitOf } from './row.ts';

const columns = [
  ['workload', 16],
  ['peer', 25],
  ['Valenic', 24],
  ['the peer', 24],
  ['ratio', 18],
  ['pairs', 5],
  ['driver busy', 11],
  ['probe ns', 8],
  ['', 0],
] as const;

export function peersHead(): string {
  return aligned(columns.map(([name]) => name));
}

export const peersNames: readonly string[] = columns.map(([name]) => name);

/** @param rows  Of one workload and one peer. */
export function peersLine(rows: readonly (PeersRow | SkippedPeersRow)[]): readonly string[] {
  return rows
    .filter((row) => 'skipped' in row || row.ratio !== undefined)
    .map((row) => {
      const line = aligned(peersCells(row));
      return 'skipped' in row ? line : withVerdict(line, row);
    });
}

export function peersCells(row: PeersRow | SkippedPeersRow): readonly string[] {
  if ('skipped' in row) return [row.workload, row.system, `skipped: ${row.skipped}`];
  return row.ratio === undefined ? [] : comparison(row, row.ratio);
}

function comparison(row: PeersRow, ratio: RatioText): readonly string[] {
  const shape = { frontend: row.driver, roundTrip: ratio.of === 'p99' };
  const { unit, times, digits } = unitOf(shape);
  const spread = ({ median, min, max }: Omit<Spread, 'runs'>, places: number, by = 1) => {
    const [middle, low, high] = [median, min, max].map((value) => (value * by).toFixed(places));
    return `${middle} (${low}..${high})`;
  };
  const setting = ratio.burst === null ? '' : ` burst ${ratio.burst}`;
  return [
    row.workload,
    `${ratio.to}${setting}`,
    `${spread(ratio.own, digits, times)} ${unit}`,
    `${spread(ratio.peer, digits, times)} ${unit}`,
    `${spread(ratio, 2)}${ratio.best ? '' : ' *'}`,
    `${ratio.pairs.length}`,
    row.driverBusy === null ? '-' : row.driverBusy.toFixed(2),
    probeText(row.probeNs),
    [
      row.placement === 'far' ? 'FAR CPUs' : '',
      ratio.best ? '' : 'not its best setting',
      delaysText(row, ratio),
      coresText(ratio),
    ]
      .concat(row.note ?? '')
      .filter(Boolean)
      .join('; '),
  ];
}

/** All percentiles, where delays are compared: the other columns have the p99. */
function delaysText({ ratePps }: PeersRow, { latencyUs }: RatioText): string {
  if (latencyUs === undefined) return '';
  const text = ({ p50, p99, p999 }: typeof latencyUs.own) =>
    [p50, p99, p999].map((us) => us.toFixed(2)).join(' ');
  const pace = ratePps === 0 ? '' : ` at ${(ratePps / 1e6).toFixed(2)} M/s`;
  return `p50 p99 p99.9: ${text(latencyUs.own)} / ${text(latencyUs.peer)} us${pace}`;
}

/** CPU of both sides, where real guests were between them. */
function coresText({ cores }: RatioText): string {
  if (cores === undefined) return '';
  const { own, peer } = cores;
  const both = (key: keyof typeof own) => `${own[key].toFixed(2)} / ${peer[key].toFixed(2)}`;
  return (
    `CPUs for switching ${both('switching')}, ${both('usPerFrame')} us a frame, ` +
    `guests ${both('guests')}`
  );
}

function aligned(cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell.padEnd(columns[index]?.[1] ?? 0))
    .join(' ')
    .trimEnd();
}
