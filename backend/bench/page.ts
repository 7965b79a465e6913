/**
 * The rows of a measurement as one page: plots drawn in SVG, no script, nothing loaded from
 * elsewhere. Which plots there are follows from what the rows differ in.
 */

import { type BarGroup, barChart, type Line, legend, lineChart } from './chart.ts';
import { pageText, section } from './html.ts';
import type { Row, SkippedRow } from './row.ts';
import { tableCells, tableNames } from './table.ts';
import { verdictCell, verdictName } from './verdict.ts';

const lead =
  'Frames received per second, in millions. A bar or dot is the median of the runs, the thin ' +
  'line their range. <b>more on</b>: the frames of a burst are published together; ' +
  '<b>more off</b>: each frame is published alone.';

const names = { g2g: 'Guest to guest', g2h: 'Guest to host', h2g: 'Host to guest' } as const;

export function plotPage(all: readonly (Row | SkippedRow)[]): string {
  const rows = all.filter((row): row is Row => !('skipped' in row));
  const byBatch = new Set(rows.map((row) => row.batch)).size > 1;
  return pageText({
    title: byBatch ? 'Rate by batch' : 'Polling mode, more and frame size',
    lead,
    sections: byBatch ? batchPlots(rows) : [...framePlots(rows), ...modes(rows)],
    table: {
      head: [...tableNames, verdictName],
      lines: all.map((row) =>
        'skipped' in row ? tableCells(row) : [...tableCells(row), verdictCell(row)],
      ),
    },
    environment: rows[0]?.environment,
  });
}

function batchPlots(rows: readonly Row[]): string[] {
  return [...groupBy(rows, titleOf)].map(([title, some]) => {
    const name = (row: Row) =>
      `${row.frameBytes} B, ${row.polling}, more ${row.more ? 'on' : 'off'}`;
    const lines = linesBy(some, name, (row) => row.batch ?? 64);
    const axes = { xName: 'most frames in a batch', yName: 'Mpps', logarithmic: true } as const;
    return section(title, lineChart({ ...axes, title, lines }));
  });
}

function titleOf(row: Row): string {
  return `${names[row.scenario]} (${row.driver})`;
}

/** From three sizes on a curve says more than bars. */
function framePlots(rows: readonly Row[]): string[] {
  return [...groupBy(rows, titleOf)].flatMap(([title, some]) => {
    if (new Set(some.map((row) => row.frameBytes)).size < 3) return [];
    const name = (row: Row) => `${row.polling}, more ${row.more ? 'on' : 'off'}`;
    const lines = linesBy(some, name, (row) => row.frameBytes);
    const axes = { xName: 'frame size, bytes', logarithmic: true, lines } as const;
    const bits = linesBy(
      some,
      name,
      (row) => row.frameBytes,
      (row) => row.frameBytes * 0.008,
    );
    return [
      section(
        `Rate by frame size: ${title}`,
        lineChart({ ...axes, title, yName: 'Mpps' }) +
          lineChart({ ...axes, lines: bits, title, yName: 'Gbit/s' }),
      ),
    ];
  });
}

function modes(rows: readonly Row[]): string[] {
  const titled = groupBy(rows, (row) => `${titleOf(row)}, frames of ${row.frameBytes} bytes`);
  return [...titled].map(([title, some]) => {
    const groups = [...groupBy(some, (row) => row.polling)].map(
      ([label, group]): BarGroup => ({ label, bars: group.map(barOf) }),
    );
    const plot = legend(['more on', 'more off']) + barChart(title, 'Mpps', groups);
    return section(title, plot);
  });
}

function barOf(row: Row) {
  const { median, min, max } = row.mpps;
  const delay = row.latencyUs === null ? {} : { remark: `p99 ${row.latencyUs.p99.toFixed(1)} us` };
  const label = `more ${row.more ? 'on' : 'off'}`;
  return { label, series: row.more ? 0 : 1, value: median, low: min, high: max, ...delay };
}

function linesBy(
  rows: readonly Row[],
  name: (row: Row) => string,
  x: (row: Row) => number,
  factor: (row: Row) => number = () => 1,
): readonly Line[] {
  return [...groupBy(rows, name)].map(([line, some]) => ({
    name: line,
    points: some.map((row) => {
      const { median, min, max } = row.mpps;
      const by = factor(row);
      return { x: x(row), value: median * by, low: min * by, high: max * by };
    }),
  }));
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    groups.set(name, [...(groups.get(name) ?? []), item]);
  }
  return groups;
}
