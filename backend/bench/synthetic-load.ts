/**
 * Guests without VMs: `valenic-synthetic` plays both over vhost-user, from a process of its own.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { packageRoot } from '../datapath/load.ts';
import { ValenicError } from '../errors.ts';
import type { HostReport } from '../ports/index.ts';
import type { CpuMeter } from './cpu-meter.ts';
import { noGuest } from './environment.ts';
import type { Load, Sample, Task } from './load.ts';
import { hostMac, type Rig } from './rig.ts';
import { spreadOf } from './spread.ts';

/** MAC of the synthetic driver's first guest; see native/synthetic/traffic.cpp. */
const firstGuestMac = '52:54:00:00:01:01';
const hostStream = 100;

interface RunLine {
  readonly run: number;
  readonly seconds: number;
  readonly received: number;
  readonly busyShare: number;
  readonly latencyNs: { readonly p50: number; readonly p99: number; readonly p999: number };
}
interface TotalLine {
  readonly total: true;
  readonly sent: number;
  readonly received: number;
  readonly corrupt: number;
}
type Line = RunLine | TotalLine | { readonly ready: true } | { readonly begun: number };

export interface SyntheticOptions {
  readonly ringSize: number;
  readonly cpu?: number;
  readonly mergeable: boolean;
  readonly packed: boolean;
  readonly inOrder: boolean;
  readonly verify: boolean;
  readonly touch: boolean;
}

export class SyntheticLoad implements Load {
  readonly driver = 'synthetic';
  readonly environment = noGuest;
  readonly frameBytesMax = 9014;
  readonly ringSize: number;
  readonly ring: 'split' | 'packed';
  readonly #rig: Rig;
  readonly #options: SyntheticOptions;
  readonly #program: string;

  /** @throws {ValenicError} `bench_failed` when the program was not built. */
  constructor(rig: Rig, options: SyntheticOptions) {
    this.#rig = rig;
    this.#options = options;
    this.ringSize = options.ringSize;
    this.ring = options.packed ? 'packed' : 'split';
    this.#program = join(packageRoot(), 'build/release/native/synthetic/valenic-synthetic');
    if (!existsSync(this.#program)) {
      throw new ValenicError('bench_failed', `there is no ${this.#program}: run "npm run build"`);
    }
  }

  async measure(task: Task, meter: CpuMeter): Promise<Sample> {
    const toHost = task.scenario === 'g2h';
    const fromHost = task.scenario === 'h2g';
    const child = this.#start(task);
    const runs: RunLine[] = [];
    let total: TotalLine | null = null;
    const marks: { received: number; time: number }[] = [];
    let sentByHost = 0;
    let early: HostReport | null = null;
    for await (const line of linesOf(child)) {
      if ('ready' in line) {
        if (fromHost) await this.#startHost(task);
        meter.start();
      } else if ('total' in line) {
        total = line;
      } else if ('run' in line) {
        runs.push(line);
        marks.push({ received: this.#hostFrames(), time: performance.now() });
        // What its sink saw so far includes the warm-up, whose delays are nobody's.
        if (toHost && line.run === 1) early = await this.#rig.host.report({ reset: true });
        if (line.run < runsFor(task)) continue;
        meter.stop();
        if (fromHost) sentByHost = Number(await this.#rig.host.stopSource());
      }
    }
    if (total === null) throw await failureOf(child);
    const driverBusy = spreadOf(runs.map(({ busyShare }) => busyShare)).median;
    if (!toHost) {
      const mpps = runs.map(({ received, seconds }) => received / seconds / 1e6);
      const sent = fromHost ? sentByHost : total.sent;
      const latencyNs = task.latency ? (runs.at(-1)?.latencyNs ?? null) : null;
      const { received, corrupt } = total;
      return { mpps, sent, received, corrupt, driverBusy, latencyNs };
    }
    const reports = [...(early === null ? [] : [early]), await this.#lastReport()];
    return { ...hostSample(task, total.sent, marks, reports), driverBusy };
  }

  async close(): Promise<void> {}

  #start(task: Task): ChildProcess {
    const { ringSize, cpu, mergeable, packed, inOrder, verify, touch } = this.#options;
    const pairs = task.scenario === 'g2g' ? this.#rig.sockets : this.#rig.sockets.slice(0, 1);
    const flows = { g2g: ['0>1'], g2h: [`0>${hostMac}`], h2g: [] }[task.scenario];
    const args = [
      ...pairs.flatMap((path) => ['--port', path]),
      ...flows.flatMap((flow) => ['--flow', flow]),
      ...['--frame', `${task.frameBytes}`, '--rate', `${task.ratePps}`, '--ring', `${ringSize}`],
      ...['--warmup', `${task.warmupSeconds}`, '--seconds', `${task.seconds}`],
      ...['--runs', `${runsFor(task)}`],
      ...(cpu === undefined ? [] : ['--cpu', `${cpu}`]),
      ...(mergeable ? ['--mergeable'] : []),
      ...(packed ? ['--packed'] : []),
      ...(inOrder ? ['--in-order'] : []),
      // What host ports send and check is whole probes.
      ...(verify || task.scenario !== 'g2g' ? ['--verify'] : []),
      ...(touch ? ['--touch'] : []),
      ...(task.latency ? ['--latency'] : []),
    ];
    return spawn(this.#program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: task.signal,
      killSignal: 'SIGTERM',
    });
  }

  #startHost(task: Task): Promise<void> {
    const { frameBytes, ratePps } = task;
    const destination = firstGuestMac;
    return this.#rig.runSource({ stream: hostStream, frameBytes, ratePps, count: 0n, destination });
  }

  /** Frames the host port received so far: from the stats page, which costs it nothing. */
  #hostFrames(): number {
    return this.#rig.host.stats().counters.rx_frames;
  }

  async #lastReport(): Promise<HostReport> {
    await delay(50);
    return this.#rig.host.report({ reset: true });
  }
}

/** @param reports  Of all frames; delays are those of the last one, after the warm-up. */
function hostSample(
  task: Task,
  sent: number,
  marks: readonly { received: number; time: number }[],
  reports: readonly HostReport[],
): Omit<Sample, 'driverBusy'> {
  const streams = reports.map(({ streams }) => streams.find(({ stream }) => stream === 1));
  const mpps = marks.slice(1).map((mark, index) => {
    const before = marks[index] ?? mark;
    return (mark.received - before.received) / (mark.time - before.time) / 1000;
  });
  const sum = (key: 'frames' | 'corrupt') =>
    streams.reduce((total, stream) => total + Number(stream?.[key] ?? 0n), 0);
  const latencyNs = task.latency ? (streams.at(-1)?.latencyNs ?? null) : null;
  return { mpps, sent, received: sum('frames'), corrupt: sum('corrupt'), latencyNs };
}

/** G-H needs one run more: its rates are differences between the ends of two runs. */
function runsFor(task: Task): number {
  return task.scenario === 'g2h' ? task.repeat + 1 : task.repeat;
}

async function* linesOf(child: ChildProcess): AsyncGenerator<Line> {
  if (child.stdout === null) return;
  let stderr = '';
  child.stderr?.on('data', (text: Buffer) => {
    stderr += text.toString();
  });
  const spawned = new Promise<never>((_, reject) => child.once('error', reject));
  spawned.catch(() => {});
  for await (const text of createInterface({ input: child.stdout })) yield JSON.parse(text) as Line;
  Object.assign(child, { said: stderr });
}

async function failureOf(child: ChildProcess): Promise<ValenicError> {
  await delay(50);
  const said = (child as { said?: string }).said?.trim() ?? '';
  return new ValenicError('bench_failed', said === '' ? 'the synthetic driver ended early' : said);
}
