/** Rows as a table for people. */

import { driverIsLimit, limitedByDriver, type Row, type SkippedRow } from './row.ts';

const columns = [
  ['scenario', 8],
  ['driver', 12],
  ['frame', 5],
  ['polling', 8],
  ['more', 4],
  ['Mpps', 9],
  ['min..max', 17],
  ['Gbit/s', 8],
  ['p50 us', 8],
  ['p99 us', 8],
  ['CPU', 5],
  ['kicks/fr', 9],
  ['calls/fr', 9],
  ['lost', 24],
] as const;

export function tableHead(): string {
  return columns
    .map(([name, width]) => name.padEnd(width))
    .join(' ')
    .trimEnd();
}

export const tableNames: readonly string[] = columns.map(([name]) => name);

export function tableLine(row: Row | SkippedRow): string {
  return tableCells(row)
    .map((cell, index) => cell.padEnd(columns[index]?.[1] ?? 0))
    .join(' ')
    .trimEnd();
}

export function tableCells(row: Row | SkippedRow): readonly string[] {
  const start = [row.scenario, row.driver, shapeText(row), row.polling, row.more ? 'on' : 'off'];
  return 'skipped' in row ? [...start, row.skipped] : [...start, ...figures(row)];
}

/** On what the rows were measured, in two lines. */
export function environmentText(rows: readonly (Row | SkippedRow)[]): string {
  const row = rows.find((found): found is Row => !('skipped' in found));
  if (row === undefined) return '';
  const { environment: on, ringSize, probeNs } = row;
  const probes = rows.flatMap((found) =>
    'skipped' in found || found.probeNs === null ? [] : [found.probeNs],
  );
  const guests =
    on.qemu === null
      ? ''
      : `, guests Linux ${on.guestKernel} in QEMU ${on.qemu} (${on.accelerator})`;
  const apart =
    probeNs === null ? '' : `; CPUs ${Math.min(...probes)}..${Math.max(...probes)} ns apart`;
  const floors = rows.some((found) => !('skipped' in found) && limitedByDriver(found))
    ? `>= : the driver was busy over ${driverIsLimit * 100} % of the time: the rate is a floor\n`
    : '';
  return (
    `${on.cpuCount} x ${on.cpu}, Linux ${on.kernel}, Valenic ${on.valenic}${guests}${apart}\n` +
    `Rings of ${ringSize}; ${on.features.join(' ')}\n${floors}`
  );
}

/** Frame size, and the batch where it was chosen. */
function shapeText(row: Row | SkippedRow): string {
  const chosen = !('skipped' in row) && row.batch !== undefined && row.batch !== 64;
  return chosen ? `${row.frameBytes} b${row.batch}` : `${row.frameBytes}`;
}

function figures(row: Row): string[] {
  const { mpps, latencyUs } = row;
  const rate = (value: number) => value.toFixed(value < 10 ? 3 : 1);
  return [
    `${limitedByDriver(row) ? '>=' : ''}${rate(mpps.median)}`,
    `${rate(mpps.min)}..${rate(mpps.max)}`,
    row.gbps.toFixed(2),
    latencyUs === null ? '-' : latencyUs.p50.toFixed(1),
    latencyUs === null ? '-' : latencyUs.p99.toFixed(1),
    row.backendCpu.toFixed(2),
    perFrame(row.kicksPerFrame),
    perFrame(row.callsPerFrame),
    lostText(row),
  ];
}

function perFrame(value: number): string {
  return value === 0 ? '0' : value.toPrecision(2);
}

function lostText(row: Row): string {
  const reasons = Object.entries(row.lost).map(([reason, frames]) => `${frames} ${reason}`);
  if (row.corrupt > 0) reasons.push(`${row.corrupt} corrupt`);
  if (!row.exact) reasons.push('books do not balance');
  return reasons.length === 0 ? '0' : reasons.join(', ');
}
