/**
 * One run: a switch of its own, the guests of one process on it, and what each side counted, in
 * windows of which each is judged by itself. Somebody else who takes the guests' CPU for a moment
 * so spoils one window, and not the run.
 */

import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stormLimit } from '../../../native/boundary/index.ts';
import { type Backend, createBackend } from '../../backend.ts';
import { ValenicError } from '../../errors.ts';
import type { PortSpec } from '../../ports/spec.ts';
import { difference, type PortStats } from '../../stats/stats.ts';
import { type LoadReport, LoadWatch } from '../load-watch.ts';
import { runSynthetic, type SyntheticLine, type SyntheticReplay } from '../synthetic-process.ts';
import { workerThreads } from '../worker-threads.ts';
import { type FairnessKind, type Station, stationsOf } from './kinds.ts';
import type { FairnessOptions, RingKind } from './options.ts';

/** Addresses are learned and caches are warm by then. */
const warmupSeconds = 0.2;
/** Shares are measured: a limit on floods would stop them before they cost anything. */
const unlimited = Number(stormLimit.max);
const settings = { stormBroadcast: unlimited, stormUnknownUnicast: unlimited };
/** Counters are read at its ends, a millisecond late now and then. */
export const windowSeconds = 0.05;

export interface RunPoint {
  readonly kind: FairnessKind;
  readonly ring: RingKind;
  readonly attackers: number;
  readonly attacked: boolean;
}

/** What one guest and its port did within a window. */
export interface StationResult {
  readonly station: Station;
  readonly replay: SyntheticReplay;
  readonly stats: PortStats;
  /** Since the port was made: a ring stops before the run begins. */
  readonly faults: number;
}

export interface WindowResult {
  readonly seconds: number;
  /** CPU time of the worker. A wait counts to the window in which it ends. */
  readonly workerNs: number;
  readonly stations: readonly StationResult[];
}

export interface RunResult {
  readonly windows: readonly WindowResult[];
  readonly probesNs: readonly [number | null, number | null];
  readonly load: LoadReport;
}

/** @throws {ValenicError} `bench_failed` */
export async function fairnessRun(
  point: RunPoint,
  { cpu, seconds }: Pick<FairnessOptions, 'cpu' | 'seconds'>,
  signal: AbortSignal,
): Promise<RunResult> {
  const stations = stationsOf(point.kind, point.attackers, point.attacked);
  const folder = await mkdtemp(join(tmpdir(), 'valenic-fairness-'));
  const [workerCpu, guestsCpu] = cpu;
  const backend = await createBackend({ workers: 1, polling: 'busy', cpus: [workerCpu] });
  try {
    for (const station of stations) await backend.addPort(portOf(station, folder));
    const words = [
      ...stations.flatMap((station) => ['--replay', replayWord(station, folder)]),
      ...(point.ring === 'packed' ? ['--packed'] : []),
      ...(point.kind.chain === undefined ? [] : ['--chain', point.kind.chain]),
      ...['--cpu', `${guestsCpu}`, '--cpu-of', `${workerThread()}`],
      ...['--warmup', `${warmupSeconds}`, '--seconds', `${windowSeconds}`],
      ...['--runs', `${Math.max(1, Math.round(seconds / windowSeconds))}`],
      ...(workerCpu === guestsCpu ? [] : ['--first']),
    ];
    const before = await probeOf(backend, cpu);
    const aside = moveAside(workerCpu);
    const measured = await measure(backend, stations, words, signal).finally(aside);
    return { ...measured, probesNs: [before, await probeOf(backend, cpu)] };
  } finally {
    await backend.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(
  backend: Backend,
  stations: readonly Station[],
  words: readonly string[],
  signal: AbortSignal,
): Promise<Pick<RunResult, 'windows' | 'load'>> {
  const watch = new LoadWatch();
  const statsNow = () => backend.ports().map((port) => port.stats());
  const windows: WindowResult[] = [];
  let before: readonly PortStats[] = [];
  await runSynthetic(words, signal, (line) => {
    if (line.begun === 1) {
      watch.start();
      before = statsNow();
    } else if (line.run !== undefined) {
      const after = statsNow();
      windows.push(windowOf(stations, line, before, after));
      before = after;
    } else if (line.total === true) {
      watch.stop();
    }
  });
  return { windows, load: watch.report() };
}

function windowOf(
  stations: readonly Station[],
  { seconds = 0, workerNs = 0, replays = [] }: SyntheticLine,
  before: readonly PortStats[],
  after: readonly PortStats[],
): WindowResult {
  const results = stations.map((station, index): StationResult => {
    const replay = replays[index] ?? { kind: '', sent: 0, received: 0, honest: 0 };
    const [was, is] = [before[index], after[index]];
    if (was === undefined || is === undefined)
      throw new ValenicError('internal', 'a port has gone');
    return { station, replay, stats: difference(is, was), faults: is.counters.queue_faults };
  });
  return { seconds, workerNs, stations: results };
}

function portOf({ port, plays }: Station, folder: string): PortSpec {
  const path = pathOf(port, folder);
  const name = { switch: 'vale0', port };
  if (plays === 'stream') {
    return { name, device: { kind: 'stream', address: path, role: 'server' }, settings };
  }
  const device = { kind: 'vhost-user', path, role: 'server', queues: 1 } as const;
  return { name, device, settings };
}

function pathOf(port: string, folder: string): string {
  return join(folder, `${port}.sock`);
}

function replayWord({ plays, port, to }: Station, folder: string): string {
  return `${plays}=${pathOf(port, folder)}${to === undefined ? '' : `>${to}`}`;
}

async function probeOf(
  backend: Backend,
  [cpuA, cpuB]: readonly [number, number],
): Promise<number | null> {
  if (cpuA === cpuB) return null;
  const answer = await backend.datapath
    .command('probe.placement', { cpuA, cpuB })
    .catch(() => null);
  return answer === null ? null : Number(answer.ns.toFixed(1));
}

/** The thread that serves the ports; of several back-ends in this process ours is the newest. */
function workerThread(): number {
  const newest = Math.max(...workerThreads(/^valenic-io0$/));
  if (Number.isFinite(newest)) return newest;
  throw new ValenicError('internal', 'the worker of this benchmark has no thread');
}

/**
 * Moves this thread to the worker's CPU: what it takes there is not counted as the worker's, while
 * rings would run empty if it took the guests'. Where that is not possible the windows tell.
 *
 * @returns what moves it back.
 */
function moveAside(cpu: number): () => void {
  const taskset = (...words: readonly string[]) =>
    spawnSync('taskset', [...words, `${process.pid}`], { encoding: 'utf8' });
  const found = /: (\S+)\s*$/.exec(taskset('--cpu-list', '--pid').stdout ?? '')?.[1];
  if (found === undefined) return () => {};
  taskset('--cpu-list', '--pid', `${cpu}`);
  return () => void taskset('--cpu-list', '--pid', found);
}
