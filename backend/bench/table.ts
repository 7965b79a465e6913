/** Rows as a table for people. */

import { apartText } from './placement.ts';
import { driverIsLimit, limitedByDriver, type Row, type SkippedRow } from './row.ts';
import { doubtLegend, withVerdict } from './verdict.ts';

/** Names of all cells, and the width of those in a line. */
const columns = [
  ['scenario', 8],
  ['driver', null],
  ['frame', 5],
  ['polling', 8],
  ['more', 4],
  ['Mpps', 8],
  ['min..max', 14],
  ['Gbit/s', 6],
  ['p50 us', 6],
  ['p99 us', 6],
  ['CPU', 4],
  ['kicks/fr', 8],
  ['calls/fr', 8],
  ['lost', null],
] as const;
const lostCell = columns.length - 1;

export function tableHead(): string {
  return aligned(columns.map(([name]) => name));
}

export const tableNames: readonly string[] = columns.map(([name]) => name);

/** One line; what was lost, and why the row does not count, below it. */
export function tableLine(row: Row | SkippedRow): string {
  const cells = tableCells(row);
  if ('skipped' in row) return `${aligned(cells.slice(0, -1))} ${row.skipped}`;
  const lost = cells[lostCell] ?? '0';
  return withVerdict(`${aligned(cells)}${lost === '0' ? '' : `\n    lost: ${lost}`}`, row);
}

function aligned(cells: readonly string[]): string {
  return cells
    .flatMap((cell, index) => {
      const width = columns[index]?.[1] ?? null;
      return width === null ? [] : [cell.padEnd(width)];
    })
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
  const { environment: on, ringSize, driver } = row;
  const measured = rows.filter((found): found is Row => !('skipped' in found));
  const guests =
    on.qemu === null
      ? ''
      : `, guests Linux ${on.guestKernel} in QEMU ${on.qemu} (${on.accelerator})`;
  const apart = apartText(measured.flatMap(({ probesNs }) => probesNs));
  const floors = measured.some(limitedByDriver)
    ? `>= : the driver was busy over ${driverIsLimit * 100} % of the time: a lower bound\n`
    : '';
  return (
    `${on.cpuCount} x ${on.cpu}, Linux ${on.kernel}, Valenic ${on.valenic}${guests}` +
    `${apart && `; ${apart}`}\n` +
    `Driver ${driver}, rings of ${ringSize}; ${on.features.join(' ')}\n` +
    `${floors}${doubtLegend(measured)}`
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
    latencyUs === null ? '-' : delay(latencyUs.p50),
    latencyUs === null ? '-' : delay(latencyUs.p99),
    row.backendCpu.toFixed(2),
    perFrame(row.kicksPerFrame),
    perFrame(row.callsPerFrame),
    lostText(row),
  ];
}

function delay(us: number): string {
  return us.toFixed(us < 1000 ? 1 : 0);
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
