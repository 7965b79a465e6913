/** The rows of `valenic bench ports`, as lines for people and as a page. */

import { type Line, lineChart } from './chart.ts';
import type { Environment } from './environment.ts';
import { pageText, section } from './html.ts';
import type { LoadReport } from './load-watch.ts';
import { probeText } from './placement.ts';
import type { PortsOptions, Traffic } from './ports-options.ts';
import { driverIsLimit, gbpsOf, type Spread, spreadOf } from './row.ts';
import type { SyntheticLine } from './synthetic-process.ts';
import {
  loadDoubts,
  placementDoubt,
  rateDoubt,
  scatterDoubt,
  type Verdict,
  verdictCell,
  verdictName,
  verdictOf,
  withVerdict,
} from './verdict.ts';

export interface PortsRow extends Verdict {
  readonly scenario: 'ports';
  readonly system: 'valenic';
  readonly driver: 'synthetic';
  readonly traffic: Traffic;
  readonly ports: number;
  readonly frameBytes: number;
  readonly polling: 'busy';
  readonly ratePps: number;
  /** Copies that arrived, of a flooded frame one for each receiver. */
  readonly mpps: Spread;
  readonly gbps: number;
  /** Time of the worker's rounds with work, for each copy that arrived. */
  readonly nsPerCopy: number;
  readonly sent: number;
  readonly received: number;
  /** Copies, by reason. */
  readonly lost: Readonly<Record<string, number>>;
  /** Copies that were due = received + lost. */
  readonly exact: boolean;
  readonly driverBusy: number;
  readonly probeNs: number | null;
  readonly environment: Environment;
}

export interface PortsMeasurement {
  readonly traffic: Traffic;
  readonly ports: number;
  readonly options: Pick<PortsOptions, 'frame' | 'rate'>;
  readonly lines: readonly SyntheticLine[];
  readonly lost: Readonly<Record<string, number>>;
  /** Of the worker, since the driver was ready. */
  readonly busyNs: number;
  /** Before and after. */
  readonly probesNs: readonly [number | null, number | null];
  readonly load: LoadReport;
  readonly environment: Environment;
}

export function portsRow(measured: PortsMeasurement): PortsRow {
  const { traffic, ports, options, lines, lost, busyNs, probesNs, load, environment } = measured;
  const runs = lines.filter((line) => line.run !== undefined);
  const { sent = 0, received = 0 } = lines.find((line) => line.total === true) ?? {};
  const rates = runs.map((run) => (run.received ?? 0) / (run.seconds ?? 1) / 1e6);
  const mpps = spreadOf(rates.map((rate) => Number(rate.toFixed(4))));
  const due = sent * (traffic === 'flood' ? ports - 1 : 1);
  const lostSum = Object.values(lost).reduce((sum, frames) => sum + frames, 0);
  return {
    ...{ scenario: 'ports', system: 'valenic', driver: 'synthetic', traffic, ports },
    ...{ frameBytes: options.frame, polling: 'busy', ratePps: options.rate, mpps },
    gbps: Number(gbpsOf(mpps.median, options.frame).toFixed(3)),
    nsPerCopy: Number((busyNs / Math.max(1, received)).toFixed(2)),
    ...{ sent, received, lost, exact: due === received + lostSum },
    driverBusy: spreadOf(runs.map((run) => run.busyShare ?? 0)).median,
    probeNs: probesNs[0],
    ...verdictOf([
      ...loadDoubts(load),
      ...[placementDoubt(probesNs), rateDoubt(mpps), scatterDoubt(mpps)],
    ]),
    environment,
  };
}

const columns = [
  ['traffic', 7],
  ['ports', 5],
  ['frame', 5],
  ['Mpps', 8],
  ['range', 12],
  ['ns a copy', 9],
  ['driver busy', 11],
  ['probe ns', 8],
  ['lost', 0],
] as const;

export function portsHead(): string {
  return aligned(columns.map(([name]) => name));
}

export function portsLine(row: PortsRow): string {
  return withVerdict(aligned(cellsOf(row)), row);
}

function cellsOf(row: PortsRow): readonly string[] {
  const { mpps, received, lost } = row;
  const reasons = Object.entries(lost).map(([reason, frames]) => {
    const share = (100 * frames) / Math.max(1, frames + received);
    return `${share.toFixed(1)} % ${reason}`;
  });
  const limited = row.ratePps === 0 && row.driverBusy > driverIsLimit;
  return [
    row.traffic,
    `${row.ports}`,
    `${row.frameBytes}`,
    `${limited ? '>=' : ''}${mpps.median.toFixed(1)}`,
    `${mpps.min.toFixed(1)}..${mpps.max.toFixed(1)}`,
    row.nsPerCopy.toFixed(1),
    row.driverBusy.toFixed(2),
    probeText(row.probeNs),
    [...reasons, ...(row.exact ? [] : ['books do not balance'])].join(', ') || '0',
  ];
}

function aligned(cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell.padEnd(columns[index]?.[1] ?? 0))
    .join(' ')
    .trimEnd();
}

const names: Readonly<Record<Traffic, string>> = {
  pairs: 'pairs that send to each other',
  flood: 'one guest, flooded to all others',
};

export function portsPage(rows: readonly PortsRow[]): string {
  const axes = { xName: 'ports', logarithmic: true } as const;
  const rates = linesOf(rows, ({ mpps }) => [mpps.median, mpps.min, mpps.max]);
  const costs = linesOf(rows, ({ nsPerCopy }) => [nsPerCopy, nsPerCopy, nsPerCopy]);
  const title = 'Rate by ports';
  return pageText({
    title,
    lead:
      'Copies that arrived per second, in millions, and the time the one worker spent on each. ' +
      'A dot is the median of the runs, the stroke their range. A driver that is busy all the ' +
      'time is itself the limit; frames that it does not take in time are lost.',
    sections: [
      section(title, lineChart({ ...axes, title, yName: 'Mpps', lines: rates })),
      section(
        'Cost of a copy',
        lineChart({ ...axes, title: 'Cost of a copy', yName: 'nanoseconds', lines: costs }),
      ),
    ],
    table: {
      head: [...columns.map(([name]) => name), verdictName],
      lines: rows.map((row) => [...cellsOf(row), verdictCell(row)]),
    },
    environment: rows[0]?.environment,
  });
}

function linesOf(
  rows: readonly PortsRow[],
  marks: (row: PortsRow) => readonly [number, number, number],
): readonly Line[] {
  return [...new Set(rows.map((row) => row.traffic))].map((traffic) => ({
    name: names[traffic],
    points: rows
      .filter((row) => row.traffic === traffic)
      .map((row) => {
        const [value, low, high] = marks(row);
        return { x: row.ports, value, low, high };
      }),
  }));
}
