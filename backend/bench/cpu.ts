/**
 * `valenic bench cpu`: what a polling mode costs and what it buys: CPU and delay at paced
 * rates, from no frame at all to a million a second, in each mode and with each spin budget.
 */

import type { PollingMode } from '../../native/boundary/index.ts';
import { CpuMeter } from './cpu-meter.ts';
import { type Environment, environmentOf, noGuest } from './environment.ts';
import type { BenchIo } from './io.ts';
import { type CpuOptions, cpuCommand } from './quiet-options.ts';
import { Rig } from './rig.ts';
import { runSynthetic } from './synthetic-process.ts';
import { parseWords } from './values.ts';
import {
  delayDoubt,
  doubtLegend,
  loadDoubts,
  placementDoubt,
  strictStatus,
  type Verdict,
  verdictOf,
  withVerdict,
} from './verdict.ts';

export interface CpuRow extends Verdict {
  readonly scenario: 'cpu';
  readonly system: 'valenic';
  readonly driver: 'synthetic';
  readonly polling: PollingMode;
  /** Of adaptive mode; null in the others. */
  readonly spinUs: number | 'auto' | null;
  /** Frames per second that were asked for; 0 = none is sent. */
  readonly ratePps: number;
  readonly mpps: number;
  readonly lost: number;
  /** One way, microseconds; null without frames. */
  readonly latencyUs: { readonly p50: number; readonly p99: number; readonly p999: number } | null;
  /** Cores that all threads of the back-end together used. */
  readonly backendCpu: number;
  readonly sleepsPerSecond: number;
  readonly kicksPerFrame: number;
  readonly probeNs: number | null;
  readonly environment: Environment;
}

/** @returns the exit status. @throws {ValenicError} */
export async function runCpuBench(argv: readonly string[], io: BenchIo): Promise<number> {
  const command = cpuCommand().name('valenic bench cpu');
  const options = parseWords<CpuOptions>(command, argv, (text) => io.stdout.write(text));
  if (options === null) return 0;
  const [workerCpu] = options.cpu;
  const rig = await Rig.create({ workers: 1, ...(workerCpu === undefined ? {} : { workerCpu }) });
  try {
    if (!options.json) io.stdout.write(`${head}\n`);
    const rows: CpuRow[] = [];
    for (const point of pointsOf(options)) {
      const runs: CpuRow[] = [];
      for (let run = 0; run < options.repeat; run++)
        runs.push(await measure(rig, point, options, io));
      const row = medianOf(runs);
      rows.push(row);
      const line = options.json ? JSON.stringify(row) : withVerdict(lineOf(row), row);
      io.stdout.write(`${line}\n`);
    }
    if (!options.json) io.stdout.write(doubtLegend(rows));
    return strictStatus(options.strict, rows);
  } finally {
    await rig.close();
  }
}

interface Point {
  readonly polling: PollingMode;
  readonly spinUs: number | 'auto' | null;
  readonly ratePps: number;
}

function pointsOf({ rates, polling, spin }: CpuOptions): readonly Point[] {
  return rates.flatMap((ratePps) =>
    polling.flatMap((mode): readonly Point[] =>
      mode === 'adaptive'
        ? spin.map((spinUs) => ({ polling: mode, spinUs, ratePps }))
        : [{ polling: mode, spinUs: null, ratePps }],
    ),
  );
}

async function measure(rig: Rig, point: Point, options: CpuOptions, io: BenchIo): Promise<CpuRow> {
  const { polling, spinUs, ratePps } = point;
  for (const port of rig.backend.ports()) {
    await port.set({ polling, ...(spinUs === null ? {} : { spinUs }) });
  }
  const probeNs = await probe(rig, options);
  const before = rig.snapshot('g2g');
  const sleeps = () => rig.backend.workerStats().reduce((sum, worker) => sum + worker.sleeps, 0);
  const meter = new CpuMeter();
  let [sent, received, seconds, sleepsBefore, sleepsDuring] = [0, 0, 0, 0, 0];
  let latency: CpuRow['latencyUs'] = null;
  await runSynthetic(wordsOf(rig, point, options), io.signal ?? neverAborted, (line) => {
    if (line.begun !== undefined) {
      sleepsBefore = sleeps();
      meter.start();
    } else if (line.total) {
      [sent, received] = [line.sent ?? 0, line.received ?? 0];
    } else if (line.run !== undefined) {
      meter.stop();
      sleepsDuring = sleeps() - sleepsBefore;
      seconds = line.seconds ?? 0;
      const { p50 = 0, p99 = 0, p999 = 0 } = line.latencyNs ?? {};
      if (ratePps > 0 && p999 > 0)
        latency = { p50: p50 / 1000, p99: p99 / 1000, p999: p999 / 1000 };
    }
  });
  const frames = Math.max(1, received);
  const placed = placementDoubt([probeNs, await probe(rig, options)]);
  const delayed = ratePps > 0 ? delayDoubt(latency) : null;
  return {
    scenario: 'cpu',
    system: 'valenic',
    driver: 'synthetic',
    ...point,
    mpps: seconds === 0 ? 0 : received / (seconds + warmupMs / 1000) / 1e6,
    lost: sent - received,
    latencyUs: latency,
    backendCpu: meter.cores,
    sleepsPerSecond: seconds === 0 ? 0 : sleepsDuring / seconds,
    kicksPerFrame: rig.since('g2g', before).kicks / frames,
    probeNs,
    ...verdictOf([...loadDoubts(meter.load), placed, delayed]),
    environment: environmentOf(noGuest, rig.features()),
  };
}

async function probe(rig: Rig, { cpu }: CpuOptions): Promise<number | null> {
  const [cpuA, cpuB] = cpu;
  if (cpuA === undefined || cpuB === undefined || cpuA === cpuB) return null;
  const answer = await rig.backend.datapath
    .command('probe.placement', { cpuA, cpuB })
    .catch(() => null);
  return answer?.ns ?? null;
}

/** Learning of the spin budget, and of the addresses, is over by then. */
const warmupMs = 200;
const neverAborted = new AbortController().signal;

function wordsOf(rig: Rig, { ratePps }: Point, { seconds, cpu }: CpuOptions): readonly string[] {
  const driverCpu = cpu[1];
  return [
    ...rig.sockets.flatMap((path) => ['--port', path]),
    ...(ratePps === 0 ? ['--sleep'] : ['--flow', '0>1', '--rate', `${ratePps}`, '--latency']),
    ...['--warmup', `${warmupMs / 1000}`, '--seconds', `${seconds}`, '--runs', '1'],
    ...(driverCpu === undefined ? [] : ['--cpu', `${driverCpu}`]),
  ];
}

/** The run whose p99 is in the middle, with the CPU that is in the middle. */
function medianOf(runs: readonly CpuRow[]): CpuRow {
  const middle = Math.floor(runs.length / 2);
  const sortedBy = (value: (row: CpuRow) => number) =>
    [...runs].sort((a, b) => value(a) - value(b));
  const row = sortedBy(({ latencyUs }) => latencyUs?.p99 ?? 0)[middle] as CpuRow;
  const backendCpu = sortedBy((run) => run.backendCpu)[middle]?.backendCpu ?? 0;
  return { ...row, backendCpu, ...verdictOf(runs.flatMap(({ doubts }) => doubts)) };
}

const head =
  'polling   spin us     pps asked   Mpps     p50 us   p99 us p99.9 us   CPU' +
  '   sleeps/s  kicks/fr  lost';

function lineOf(row: CpuRow): string {
  const { latencyUs } = row;
  const us = (value: number | undefined) => (value === undefined ? '-' : value.toFixed(1));
  return [
    row.polling.padEnd(9),
    `${row.spinUs ?? '-'}`.padEnd(7),
    `${row.ratePps}`.padStart(13),
    row.mpps.toFixed(3).padStart(8),
    us(latencyUs?.p50).padStart(9),
    us(latencyUs?.p99).padStart(8),
    us(latencyUs?.p999).padStart(8),
    row.backendCpu.toFixed(2).padStart(6),
    row.sleepsPerSecond.toFixed(0).padStart(10),
    row.kicksPerFrame.toPrecision(2).padStart(9),
    `${row.lost}`.padStart(6),
  ].join(' ');
}
