/** The comparison of TCP, UDP or round trips as one page. */

import { type Bar, type BarGroup, barChart, legend } from '../chart.ts';
import { pageText, section } from '../html.ts';
import type { Scenario, Spread } from '../row.ts';
import { tcpPeerNames } from './network.ts';
import type { AnyTcpRow, TcpRow } from './row.ts';
import { peerOf, tcpCells, tcpNames } from './table.ts';
import type { TcpTest } from './traffic.ts';

const titles: Readonly<Record<TcpTest, string>> = {
  tcp: 'TCP over Valenic and its peers',
  udp: 'UDP over Valenic and its peers',
  latency: 'Round trips over Valenic and its peers',
};

const lead =
  'Each pair of bars comes from the same two guests, which have a NIC on every network: ours and ' +
  "the peer's were measured in turn. A bar is the median, the thin line the range, and the ratio " +
  "the median of the pairs' ratios. <b>Switching</b> is the CPU time of the process that moves " +
  "the frames, of the kernel's softirq threads, and of QEMU's threads except its virtual CPUs. " +
  '<b>Total</b> includes the virtual CPUs; under TCG they mostly emulate the work of the guests.';

const names: Readonly<Record<Scenario, string>> = {
  g2g: 'Guest to guest',
  g2h: 'Guest to host',
  h2g: 'Host to guest',
};

export function tcpPage(test: TcpTest, rows: readonly AnyTcpRow[]): string {
  const measured = rows.filter((row): row is TcpRow => !('skipped' in row));
  const [rate, cost] =
    test === 'latency'
      ? [
          'thousands of round trips a second',
          'microseconds of CPU for a round trip; less is better',
        ]
      : ['Gbit/s', 'seconds of CPU for a GiB; less is better'];
  const plot = (title: string, unit: string, value: (row: TcpRow) => Spread) =>
    section(title, legend(['valenic', ...tcpPeerNames]) + bars(title, unit, measured, value));
  return pageText({
    ...{ title: titles[test], lead },
    sections: [
      plot('Rate', rate, (row) => row.rate),
      plot('Cost of switching', cost, (row) => row.cost.switching),
      plot('Cost in all', cost, (row) => row.cost.total),
    ],
    table: { head: tcpNames(test), lines: tcpCells(rows) },
    environment: measured[0]?.environment,
  });
}

function bars(
  title: string,
  unit: string,
  rows: readonly TcpRow[],
  value: (row: TcpRow) => Spread,
): string {
  const groups = [...new Set(rows.map((row) => row.scenario))].map(
    (scenario): BarGroup => ({
      label: names[scenario],
      bars: rows
        .filter((row) => row.scenario === scenario)
        .flatMap((own) => {
          const peer = peerOf(rows, own);
          return peer === undefined ? [] : [barOf(own, value), barOf(peer, value)];
        }),
    }),
  );
  return barChart(title, unit, groups);
}

function barOf(row: TcpRow, value: (row: TcpRow) => Spread): Bar {
  const { median, min, max } = value(row);
  const series = row.system === 'valenic' ? 0 : 1 + tcpPeerNames.indexOf(row.system);
  const bar = { label: row.system, series, value: median, low: min, high: max };
  return row.ratio === undefined
    ? bar
    : { ...bar, remark: `${row.ratio.median.toFixed(2)} x rate` };
}
