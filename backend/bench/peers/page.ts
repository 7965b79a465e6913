/** The comparison with the peers as one page. */

import { type Bar, barChart, legend } from '../chart.ts';
import { pageText, section, type TableOf } from '../html.ts';
import type { Spread } from '../row.ts';
import { verdictCell, verdictName } from '../verdict.ts';
import { everyPeer } from './options.ts';
import type { PeersRow, SkippedPeersRow } from './row.ts';
import { peersCells, peersNames } from './table.ts';
import { isOfGuests } from './workload.ts';

type AnyRow = PeersRow | SkippedPeersRow;

/** Colours of the systems; ours is the first. */
const systems = ['valenic', ...everyPeer];

const lead =
  'Each pair of bars comes from the same run: the two backends took turns on one CPU, and one ' +
  'stood still while the other worked; the guests had another CPU. (Real guests and the backend ' +
  'share both CPUs.) A bar is the median of the pairs that count, the thin line their range, and ' +
  'the ratio the median of their ratios. A pair counts when the two CPUs were near before and ' +
  'after both runs; with real guests, also when they were far throughout. The best setting of ' +
  'each peer is shown. Results on far CPUs are only in the table, in rows of their own.';

export function peersPage(rows: readonly AnyRow[]): string {
  const measured = rows.filter((row): row is PeersRow => !('skipped' in row));
  const own = measured.filter((row) => row.ratio?.best === true && row.placement !== 'far');
  const [guests, rates] = [true, false].map((real) =>
    own.filter((row) => row.ratio?.of === 'mpps' && isReal(row) === real),
  );
  const delays = own.filter((row) => row.ratio?.of === 'p99');
  const sections = [
    ...plotsOf('Frames delivered per second', 'Mpps', rates ?? []),
    ...plotsOf('Between two QEMU guests', 'thousands of frames a second', guests ?? []),
    ...plotsOf('Round trip, 99th percentile', 'microseconds; less is better', delays),
  ];
  return pageText({
    ...{ title: 'Valenic and its peers', lead, sections, table: tableOf(rows) },
    environment: measured[0]?.environment,
  });
}

function plotsOf(title: string, unit: string, rows: readonly PeersRow[]): string[] {
  if (rows.length === 0) return [];
  const workloads = [...new Set(rows.map((row) => row.workload))];
  const groups = workloads.map((workload) => {
    const some = rows.filter((row) => row.workload === workload);
    return { label: some[0]?.title ?? workload, bars: some.flatMap(barsOf) };
  });
  return [section(title, legend(systems) + barChart(title, unit, groups))];
}

/** Ours and the peer's, next to each other: they come from the same pairs. */
function barsOf(row: PeersRow): readonly Bar[] {
  const { ratio } = row;
  if (ratio === undefined) return [];
  const busy =
    row.driverBusy === null ? '' : `, guests busy ${(row.driverBusy * 100).toFixed(0)} %`;
  const burst = ratio.burst === null ? '' : `, burst ${ratio.burst}`;
  const own = ratio.own;
  const times = isReal(row) ? 1000 : 1;
  const barOf = ({ median, min, max }: Spread) => ({
    ...{ value: median * times, low: min * times, high: max * times },
  });
  return [
    {
      ...{ label: 'Valenic', series: 0, ...barOf(own) },
      remark: `${ratio.median.toFixed(2)} x${busy}`,
    },
    {
      ...{ label: `${ratio.to}${burst}`, series: Math.max(1, systems.indexOf(ratio.to)) },
      ...barOf(ratio.peer),
    },
  ];
}

/** Between real guests, not synthetic ones. */
function isReal({ driver }: PeersRow): boolean {
  return isOfGuests({ frontend: driver });
}

function tableOf(rows: readonly AnyRow[]): TableOf {
  const shown = rows.filter((row) => 'skipped' in row || row.ratio !== undefined);
  const lines = shown.map((row) =>
    'skipped' in row ? peersCells(row) : [...peersCells(row), verdictCell(row)],
  );
  return { head: [...peersNames, verdictName], lines };
}
