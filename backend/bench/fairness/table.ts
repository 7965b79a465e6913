/** The rows as a table for people. */

import { apartText } from '../placement.ts';
import { withVerdict } from '../verdict.ts';
import { type FairnessRow, fairnessLegend } from './row.ts';

const columns = [
  ['attacker', 16],
  ['ring', 6],
  ['n', 2],
  ['alone', 7],
  ['beside', 7],
  ['share', 6],
  ['floor', 6],
  ['waiting', 9],
  ['windows', 7],
  ['hostile', 8],
  ['', 0],
] as const;

export function fairnessHead(): string {
  return (
    'Honest frames in millions for each second of the worker, and of hostile ones likewise;\n' +
    'waiting: % of turns in which the honest source, and the least of the attackers, had work;\n' +
    'windows: those in which it was enough, of all: the figures are of them alone.\n' +
    aligned(columns.map(([name]) => name))
  );
}

export function fairnessLine(row: FairnessRow): string {
  const share = (value: number | null) => (value === null ? '-' : `${Math.round(value * 100)}`);
  const line = aligned([
    row.kind,
    row.ring,
    `${row.attackers}`,
    rate(row.alone.median),
    rate(row.mppsPerCpu.median),
    row.share.median.toFixed(3),
    row.floor.toFixed(3),
    `${share(row.sourceWaiting)} ${share(row.attackersWaiting)}`,
    `${row.windows.counted}/${row.windows.all}`,
    rate(row.hostileMppsPerCpu),
    row.fair ? 'fair' : 'UNFAIR',
  ]);
  return withVerdict(line, row);
}

export function fairnessFoot(rows: readonly FairnessRow[]): string {
  const row = rows[0];
  if (row === undefined) return '';
  const { cpuCount, cpu, kernel, valenic } = row.environment;
  const apart = apartText(rows.map(({ probeNs }) => probeNs));
  return (
    `\n${cpuCount} x ${cpu}, Linux ${kernel}, Valenic ${valenic}${apart && `; ${apart}`}\n` +
    fairnessLegend(rows)
  );
}

function rate(mpps: number): string {
  return mpps >= 10 ? mpps.toFixed(1) : mpps.toPrecision(3);
}

function aligned(cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell.padEnd(columns[index]?.[1] ?? 0))
    .join(' ')
    .trimEnd();
}
