/** One run: a switch of its own, the guests of one process on it, and what each side counted. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Backend, createBackend } from '../../backend.ts';
import { ValenicError } from '../../errors.ts';
import type { PortSpec } from '../../ports/spec.ts';
import { difference, type PortStats } from '../../stats/stats.ts';
import { type LoadReport, LoadWatch } from '../load-watch.ts';
import { runSynthetic, type SyntheticReplay } from '../synthetic-process.ts';
import { workerThreads } from '../worker-threads.ts';
import { type FairnessKind, type Station, stationsOf } from './kinds.ts';
import type { FairnessOptions, RingKind } from './options.ts';

/** Addresses are learned and caches are warm by then. */
const warmupSeconds = 0.2;

export interface RunPoint {
  readonly kind: FairnessKind;
  readonly ring: RingKind;
  readonly attackers: number;
  readonly attacked: boolean;
}

/** What one guest and its port did within the run. */
export interface StationResult {
  readonly station: Station;
  readonly replay: SyntheticReplay;
  readonly stats: PortStats;
  /** Since the port was made: a ring stops before the run begins. */
  readonly faults: number;
}

export interface RunResult {
  /** Of the worker, in the run. */
  readonly workerNs: number;
  readonly stations: readonly StationResult[];
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
      ...(point.kind.chain === undefined ? [] : ['--chain', `${point.kind.chain}`]),
      ...['--cpu', `${guestsCpu}`, '--cpu-of', `${workerThread()}`],
      ...['--warmup', `${warmupSeconds}`, '--seconds', `${seconds}`, '--runs', '1'],
    ];
    const probe = () => probeOf(backend, cpu);
    const before = await probe();
    const measured = await measure(backend, words, signal);
    const results = stations.map((station, index): StationResult => {
      const replay = measured.replays[index] ?? { kind: '', sent: 0, received: 0, honest: 0 };
      const stats = measured.stats[index];
      if (stats === undefined) throw new ValenicError('internal', 'a port has gone');
      const faults = backend.ports()[index]?.stats().counters.queue_faults ?? 0;
      return { station, replay, stats, faults };
    });
    const { workerNs, load } = measured;
    return { workerNs, load, stations: results, probesNs: [before, await probe()] };
  } finally {
    await backend.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Measured {
  readonly workerNs: number;
  readonly replays: readonly SyntheticReplay[];
  /** What each port counted in the run. */
  readonly stats: readonly PortStats[];
  readonly load: LoadReport;
}

async function measure(
  backend: Backend,
  words: readonly string[],
  signal: AbortSignal,
): Promise<Measured> {
  const watch = new LoadWatch();
  const statsNow = () => backend.ports().map((port) => port.stats());
  let before: readonly PortStats[] = [];
  let after: readonly PortStats[] = [];
  let [workerNs, replays]: [number, readonly SyntheticReplay[]] = [0, []];
  await runSynthetic(words, signal, (line) => {
    if (line.begun !== undefined) {
      before = statsNow();
      watch.start();
    } else if (line.run !== undefined) {
      after = statsNow();
      watch.stop();
      workerNs = line.workerNs ?? 0;
      replays = line.replays ?? [];
    }
  });
  const stats = after.map((now, index) => difference(now, before[index] ?? now));
  return { workerNs, replays, stats, load: watch.report() };
}

function portOf({ port, plays }: Station, folder: string): PortSpec {
  const path = pathOf(port, folder);
  const name = { switch: 'vale0', port };
  if (plays === 'stream') {
    return { name, device: { kind: 'stream', address: path, role: 'server' }, settings: {} };
  }
  const device = { kind: 'vhost-user', path, role: 'server', queues: 1 } as const;
  return { name, device, settings: {} };
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
