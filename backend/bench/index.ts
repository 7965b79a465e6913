/** `valenic bench`: the back-end in this process, guests beside it, one row for each point. */

import { writeFile } from 'node:fs/promises';
import { refuseAbsentCpus } from '../datapath/cpus.ts';
import { ValenicError } from '../errors.ts';
import { runCpuBench } from './cpu.ts';
import { runFairness } from './fairness/index.ts';
import { GuestLoad } from './guest-load.ts';
import { runIdleBench } from './idle.ts';
import type { Load, Task } from './load.ts';
import { measureRow, type Point } from './measure.ts';
import { type BenchOptions, parseBenchOptions } from './options.ts';
import { plotPage } from './page.ts';
import { runPeers } from './peers/index.ts';
import { runPortsBench } from './ports.ts';
import { Rig } from './rig.ts';
import type { Row, Scenario, SkippedRow } from './row.ts';
import { SyntheticLoad } from './synthetic-load.ts';
import { environmentText, tableHead, tableLine } from './table.ts';
import { tcpBenches } from './tcp/index.ts';
import { refuseUnwritable } from './values.ts';
import { placementDoubt, strictStatus, verdictOf } from './verdict.ts';

export interface BenchIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly signal?: AbortSignal;
}

/** Commands with a rig of their own. */
const others: Readonly<Record<string, typeof runCpuBench>> = {
  cpu: runCpuBench,
  fairness: runFairness,
  idle: runIdleBench,
  peers: runPeers,
  ports: runPortsBench,
  ...tcpBenches,
};

/** @returns the exit status. @throws {ValenicError} */
export async function runBench(argv: readonly string[], io: BenchIo): Promise<number> {
  const [name = '', ...rest] = argv;
  if (Object.hasOwn(others, name)) return others[name]?.(rest, io) ?? 2;
  const options = parseBenchOptions(argv, (text) => io.stdout.write(text));
  if (options === null) return 0;
  // Before the first point: nobody wants to hear it after an hour of measuring.
  if (options.output !== null) refuseUnwritable(options.output);
  refuseAbsentCpus(options.cpu);
  try {
    const bench = await Bench.start(options, io);
    try {
      const rows = await bench.run();
      if (options.output !== null && rows.length > 0) {
        await writeFile(options.output, plotPage(rows));
        io.stderr.write(`The plots are in ${options.output}\n`);
      }
      bench.throwIfStopped(rows.length);
      const measured = rows.filter((row): row is Row => !('skipped' in row));
      const sound = measured.every((row) => row.exact && row.corrupt === 0);
      return sound ? strictStatus(options.strict, measured) : 1;
    } finally {
      await bench.close();
    }
  } catch (error) {
    throw io.signal?.aborted && !(error instanceof ValenicError) ? stopped(0) : error;
  }
}

function stopped(rows: number): ValenicError {
  return new ValenicError('interrupted', `stopped after ${rows} measured points`);
}

/** A rig and a load, for `runBench` and the demo. */
export class Bench {
  readonly rig: Rig;
  readonly load: Load;
  readonly #options: BenchOptions;
  readonly #io: BenchIo;
  readonly #signal: AbortSignal;

  private constructor(rig: Rig, load: Load, options: BenchOptions, io: BenchIo) {
    this.rig = rig;
    this.load = load;
    this.#options = options;
    this.#io = io;
    this.#signal = io.signal ?? new AbortController().signal;
  }

  static async start(options: BenchOptions, io: BenchIo): Promise<Bench> {
    const { cpu, workers } = options;
    const signal = io.signal ?? new AbortController().signal;
    const rig = await Rig.create({
      workers,
      ...(cpu[0] === undefined ? {} : { workerCpu: cpu[0] }),
    });
    try {
      const say = (sentence: string) => void io.stderr.write(`${sentence}\n`);
      const load = await startLoad(rig, options, say, signal);
      return new Bench(rig, load, options, io);
    } catch (error) {
      await rig.close();
      throw error;
    }
  }

  async run(): Promise<readonly (Row | SkippedRow)[]> {
    const { stdout, stderr } = this.#io;
    const points = pointsOf(this.#options);
    if (!this.#options.json) stdout.write(`${tableHead()}\n`);
    const rows: (Row | SkippedRow)[] = [];
    for (const [index, point] of points.entries()) {
      if (this.#options.json) stderr.write(`${index + 1}/${points.length} ${nameOf(point)}\n`);
      const row = await this.#row(point).catch((error: unknown) => {
        if (this.#signal.aborted) return null;
        throw error;
      });
      if (row === null) break;
      rows.push(row);
      stdout.write(`${this.#options.json ? JSON.stringify(row) : tableLine(row)}\n`);
    }
    if (!this.#options.json) stdout.write(`\n${environmentText(rows)}`);
    return rows;
  }

  /** @throws {ValenicError} `interrupted`: somebody ended it before it was through. */
  throwIfStopped(rows: number): void {
    if (this.#signal.aborted) throw stopped(rows);
  }

  async close(): Promise<void> {
    await this.load.close();
    await this.rig.close();
  }

  async #row(point: WholePoint): Promise<Row | SkippedRow> {
    const { scenario, frameBytes, polling, more } = point;
    for (const port of this.rig.backend.ports()) await port.set({ budget: point.batch });
    if (frameBytes > this.load.frameBytesMax) {
      const skipped = `${this.load.driver} sends at most ${this.load.frameBytesMax} bytes`;
      return {
        scenario,
        system: 'valenic',
        driver: this.load.driver,
        frameBytes,
        polling,
        more,
        skipped,
      };
    }
    const { seconds, warmup, repeat, rate, latencyRate, touch } = this.#options;
    const clockShared = this.load.driver === 'synthetic';
    const base = { scenario, frameBytes, seconds, warmupSeconds: warmup, signal: this.#signal };
    const paced = rate !== 0;
    const task: Task = { ...base, repeat, ratePps: rate, latency: paced && clockShared };
    const measured = await measureRow(this.rig, this.load, point, task, this.#probeCpus());
    const touched = touch ? ({ touch } as const) : {};
    // Real guests go where the scheduler puts them.
    const placed = clockShared ? placementDoubt(measured.probesNs) : null;
    const row: Row = {
      ...{ ...measured, ...touched, batch: point.batch },
      ...verdictOf([...measured.doubts, placed]),
    };
    if (paced || !clockShared || latencyRate === 0) return row;
    // Delays at saturation are those of full queues: they are measured in a paced run of their own.
    const pacedTask: Task = { ...base, repeat: 1, ratePps: latencyRate, latency: true };
    const delays = await measureRow(this.rig, this.load, point, pacedTask, null);
    const { latencyUs } = delays;
    return { ...row, latencyUs, ...verdictOf([...row.doubts, ...delays.doubts]) };
  }

  #probeCpus(): readonly [number, number] | null {
    const [a, b] = this.#options.cpu;
    return a === undefined || b === undefined || a === b ? null : [a, b];
  }
}

type WholePoint = Point & {
  readonly scenario: Scenario;
  readonly frameBytes: number;
  readonly batch: number;
};

function pointsOf(options: BenchOptions): readonly WholePoint[] {
  return options.scenarios.flatMap((scenario) =>
    options.frames.flatMap((frameBytes) =>
      options.polling.flatMap((polling) =>
        options.more.flatMap((more) =>
          options.batch.map((batch) => ({ scenario, frameBytes, polling, more, batch })),
        ),
      ),
    ),
  );
}

function nameOf({ scenario, frameBytes, polling, more, batch }: WholePoint): string {
  return `${scenario} ${frameBytes} B, ${polling}, more ${more ? 'on' : 'off'}, batch ${batch}`;
}

function startLoad(
  rig: Rig,
  options: BenchOptions,
  say: (sentence: string) => void,
  signal: AbortSignal,
): Promise<Load> {
  if (options.driver === 'synthetic') {
    const { ring, mergeable, packed, inOrder, verify, touch, cpu } = options;
    if (!packed && (ring & (ring - 1)) !== 0) {
      throw new ValenicError('value_invalid', `--ring ${ring}: give a power of two`);
    }
    const near = cpu[1] === undefined ? {} : { cpu: cpu[1] };
    return Promise.resolve(
      new SyntheticLoad(rig, {
        ...{ ringSize: ring, mergeable, packed, inOrder, verify, touch },
        ...near,
      }),
    );
  }
  const { guestApp, memory, packed, qemu } = options;
  const binary = qemu === null ? {} : { qemu };
  return GuestLoad.start(rig, { app: guestApp, memoryMiB: memory, packed, say, signal, ...binary });
}
