/** Comparisons of TCP, UDP and round trips as a table for people. */

import type { Spread } from '../spread.ts';
import { verdictCell, verdictName, withVerdict } from '../verdict.ts';
import type { AnyTcpRow, TcpRow } from './row.ts';
import type { TcpTest } from './traffic.ts';

type Columns = readonly (readonly [string, number])[];

function columnsFor(test: TcpTest): Columns {
  const rate = test === 'latency' ? '1000 trips/s' : 'Gbit/s';
  const cost = test === 'latency' ? 'us/trip' : 's/GiB';
  return [
    ['scenario', 8],
    ['peer', 16],
    [`Valenic ${rate}`, 22],
    ['the peer', 22],
    ['ratio', 18],
    [`switching ${cost}`, 18],
    ['total', 16],
    ['pairs', 5],
    ['', 0],
  ];
}

export function tcpHead(test: TcpTest): string {
  return aligned(tcpNames(test).slice(0, -1), columnsFor(test));
}

export function tcpNames(test: TcpTest): readonly string[] {
  return [...columnsFor(test).map(([name]) => name), verdictName];
}

/** A comparison is one line: the row of ours, with the peer's beside it. */
export function tcpLines(test: TcpTest, rows: readonly AnyTcpRow[]): readonly string[] {
  return rows.flatMap((row) => {
    const [cells] = cellsOf(row, rows);
    if (cells === undefined) return [];
    const line = aligned(cells, columnsFor(test));
    return ['skipped' in row ? line : withVerdict(line, row)];
  });
}

/** For a page: with the verdict in a column of its own. */
export function tcpCells(rows: readonly AnyTcpRow[]): readonly (readonly string[])[] {
  return rows.flatMap((row) =>
    cellsOf(row, rows).map((cells) => ('skipped' in row ? cells : [...cells, verdictCell(row)])),
  );
}

/** No row for the peer alone: it is shown beside ours. */
function cellsOf(row: AnyTcpRow, all: readonly AnyTcpRow[]): readonly (readonly string[])[] {
  if ('skipped' in row) return [[row.scenario, row.system, `skipped: ${row.skipped}`]];
  const peer = peerOf(all, row);
  return peer === undefined ? [] : [comparison(row, peer)];
}

/** The row that ours is compared with; undefined: this row is a peer's. */
export function peerOf(rows: readonly AnyTcpRow[], own: TcpRow): TcpRow | undefined {
  return rows.find(
    (row): row is TcpRow =>
      !('skipped' in row) && row.scenario === own.scenario && row.system === own.ratio?.to,
  );
}

function comparison(own: TcpRow, peer: TcpRow): readonly string[] {
  const { ratio } = own;
  const both = (part: 'switching' | 'total') =>
    `${digits(own.cost[part].median)} / ${digits(peer.cost[part].median)}`;
  return [
    own.scenario,
    peer.system,
    spread(own.rate),
    spread(peer.rate),
    ratio === undefined ? '-' : spread(ratio),
    both('switching'),
    both('total'),
    `${own.legs.length}`,
    remark(own, peer),
  ];
}

function remark(own: TcpRow, peer: TcpRow): string {
  if (own.latencyUs !== null && peer.latencyUs !== null) {
    const text = ({ p50, p99 }: { p50: number; p99: number }) => `${digits(p50)} ${digits(p99)}`;
    return `p50 p99: ${text(own.latencyUs)} / ${text(peer.latencyUs)} us`;
  }
  if (own.lostShare === null || peer.lostShare === null) return '';
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  return `lost: ${percent(own.lostShare)} / ${percent(peer.lostShare)}`;
}

function spread({ median, min, max }: Omit<Spread, 'runs'>): string {
  return `${digits(median)} (${digits(min)}..${digits(max)})`;
}

/** Three that say something. */
function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : `${Number(value.toPrecision(3))}`;
}

function aligned(cells: readonly string[], columns: Columns): string {
  return cells
    .map((cell, index) => cell.padEnd(columns[index]?.[1] ?? 0))
    .join(' ')
    .trimEnd();
}
