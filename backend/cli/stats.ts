/** `valenic stats`: counters, or rates for as long as one watches. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { DropReason } from '../../native/boundary/index.ts';
import { integer, parseTarget, readValue } from '../config/index.ts';
import type { StatsAnswer } from '../daemon/index.ts';
import { type PortRates, rates } from '../stats/rates.ts';
import { dropsThatHappened, isLoss, lost, type PortStats } from '../stats/stats.ts';
import { count, short, table } from '../text.ts';
import type { Cli } from './io.ts';

interface StatsOptions {
  readonly watch?: true;
  readonly interval: string;
  readonly count?: string;
}

export function addStatsCommand(program: Command, cli: Cli): void {
  program
    .command('stats')
    .description('counters of ports; with --watch, rates per second')
    .argument('[name]', 'a port or a switch (default: everything)')
    .option('--watch', 'print rates until stopped')
    .option('--interval <seconds>', 'time between two readings', '1')
    .option('--count <n>', 'stop after this many readings (default: at SIGINT)')
    .action((name: string | undefined, options: StatsOptions) => stats(name, options, cli));
}

async function stats(name: string | undefined, options: StatsOptions, cli: Cli): Promise<void> {
  if (name !== undefined) parseTarget(name);
  const intervalMs = 1000 * readValue(seconds, '--interval', options.interval);
  const turns =
    options.count === undefined ? Infinity : readValue(turnCount, '--count', options.count);
  if (options.watch === true) return watch(name, intervalMs, turns, cli);
  const answer = await cli.client().stats(name);
  cli.data(answer, () => statsText(answer));
}

const turnCount = integer(1, 1e9);
const seconds = {
  allowed: 'seconds, 0.05 to 3600',
  read: (text: string): number | undefined => {
    const value = Number(text);
    return /^[\d.]+$/.test(text) && value >= 0.05 && value <= 3600 ? value : undefined;
  },
};

async function watch(
  name: string | undefined,
  intervalMs: number,
  turns: number,
  cli: Cli,
): Promise<void> {
  const client = cli.client();
  let before = await client.stats(name);
  for (let turn = 0; turn < turns; turn++) {
    const waited = await delay(intervalMs, true, { signal: cli.signal }).catch(() => false);
    if (!waited) return;
    const now = await client.stats(name);
    const row = ratesBetween(now, before);
    cli.data(row, () => `${turn === 0 ? '' : '\n'}${ratesText(row)}`);
    before = now;
  }
}

interface RatesRow {
  readonly seconds: number;
  readonly ports: Readonly<Record<string, PortRates>>;
  /** Of each worker: share of the time it had work, and sleeps a second. */
  readonly workers: readonly { readonly busy: number; readonly sleeps: number }[];
}

function ratesBetween(now: StatsAnswer, before: StatsAnswer): RatesRow {
  const passed = (now.atMs - before.atMs) / 1000;
  const ports = Object.entries(now.ports).flatMap(([name, later]) => {
    const earlier = before.ports[name];
    const found = earlier === undefined ? null : rates(later, earlier, passed);
    return found === null ? [] : [[name, found] as const];
  });
  const workers = now.workers.map((later, index) => {
    const earlier = before.workers[index];
    return {
      busy: (later.busy_ns - (earlier?.busy_ns ?? 0)) / 1e9 / passed,
      sleeps: (later.sleeps - (earlier?.sleeps ?? 0)) / passed,
    };
  });
  return { seconds: passed, ports: Object.fromEntries(ports), workers };
}

function ratesText({ ports, workers }: RatesRow): string {
  const rows = Object.entries(ports).map(([name, port]) => [
    name,
    short(port.txFrames),
    short(port.txBits),
    short(port.rxFrames),
    short(port.rxBits),
    short(port.dropped),
    short(port.kicks),
    short(port.calls),
  ]);
  const head = ['PORT', 'TX fps', 'TX bps', 'RX fps', 'RX bps', 'LOST', 'KICKS', 'CALLS'];
  const busy = workers.map(({ busy }) => `${(busy * 100).toFixed(0)} %`).join(', ');
  return `${table(head, rows)}workers busy: ${busy}\n`;
}

function statsText({ ports }: StatsAnswer): string {
  const entries = Object.entries(ports);
  const rows = entries.map(([name, port]) => [
    name,
    ...[port.counters.tx_frames, port.counters.tx_bytes].map(count),
    ...[port.counters.rx_frames, port.counters.rx_bytes].map(count),
    count(lost(port)),
  ]);
  const drops = entries.flatMap(([name, port]) =>
    Object.entries(dropsThatHappened(port)).map(([reason, frames]) => [
      name,
      reason,
      count(frames),
      lossWord(reason as DropReason),
    ]),
  );
  const head = ['PORT', 'TX FRAMES', 'TX BYTES', 'RX FRAMES', 'RX BYTES', 'LOST'];
  const why = drops.length === 0 ? '' : `\n${table(['PORT', 'DROPPED', 'FRAMES', 'LOSS'], drops)}`;
  return `${table(head, rows)}${offloadsText(entries)}${why}`;
}

/** Of a drop reason: whether anybody missed the frames. */
export function lossWord(reason: DropReason): string {
  return isLoss(reason) ? 'yes' : 'no: nobody was there';
}

/** What was done to frames that left something to their receiver; empty when there were none. */
function offloadsText(ports: readonly (readonly [string, PortStats])[]): string {
  const rows = ports
    .map(([name, { counters: c }]) => ({
      name,
      counts: [
        ...[c.rx_big_whole, c.rx_big_full, c.rx_big_cut, c.rx_segments_made],
        ...[c.rx_checksums_made, c.rx_coalesced],
      ],
    }))
    .filter(({ counts }) => counts.some((frames) => frames > 0))
    .map(({ name, counts }) => [name, ...counts.map(count)]);
  const head = [
    ...['PORT', 'RX BIG UNCUT', 'OF 60000+', 'RX BIG CUT', 'INTO SEGMENTS', 'CHECKSUMS MADE'],
    'COALESCED',
  ];
  return rows.length === 0 ? '' : `\n${table(head, rows)}`;
}
