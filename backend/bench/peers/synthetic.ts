/** The synthetic front-end for any backend: two guests of one process, on sockets given to it. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { featureNames } from '../../../frontend-spec/index.ts';
import { packageRoot } from '../../datapath/load.ts';
import { ValenicError } from '../../errors.ts';
import { type Spread, spreadOf } from '../spread.ts';
import type { Leg } from './pairs.ts';
import { runProgram } from './program.ts';
import type { Workload } from './workload.ts';

/** Longer than any leg: warm-up, run and the wait for late frames. */
const graceSeconds = 30;

/** Round trips in flight, to find out how many a backend can do; no ring becomes full. */
const saturatingWindow = 64;

export interface LegTimes {
  /** Frames a second that are sent; 0: as many as go. */
  readonly ratePps: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
}

/** What a front-end measured in one leg. */
export type Measured = Omit<Leg, 'probesNs'>;

export interface Frontend {
  /** Why it cannot play this workload, or null. */
  missing(workload: Workload): string | null;
  commandFor(workload: Workload, sockets: readonly [string, string], times: LegTimes): string[];
  measure(
    workload: Workload,
    sockets: readonly [string, string],
    times: LegTimes,
  ): Promise<Measured>;
}

interface ReadyLine {
  readonly ready: true;
  /** A mask, as a hexadecimal number. */
  readonly features?: string;
}
interface RunLine {
  readonly run: number;
  readonly seconds: number;
  readonly sent: number;
  readonly received: number;
  readonly idleShare: number;
  /** Newer front-ends say it in time, not in rounds. */
  readonly busyShare?: number;
  readonly latencyNs: { readonly p50: number; readonly p99: number; readonly p999: number };
}

export class SyntheticFrontend implements Frontend {
  readonly #program: string;
  readonly #cpu: number;
  /** What it knows; options that it lacks are workloads that are skipped. */
  readonly #help: string;

  private constructor(program: string, cpu: number, help: string) {
    this.#program = program;
    this.#cpu = cpu;
    this.#help = help;
  }

  static async create(cpu: number): Promise<SyntheticFrontend> {
    const program = join(packageRoot(), 'build/release/native/synthetic/valenic-synthetic');
    if (!existsSync(program)) {
      throw new ValenicError('bench_failed', `there is no ${program}: run "npm run build"`);
    }
    return new SyntheticFrontend(program, cpu, await runProgram([program, '--help']));
  }

  missing(workload: Workload): string | null {
    const wanted = shapeWords(workload).filter((word) => word.startsWith('--'));
    const unknown = wanted.filter((word) => !this.#help.includes(word));
    return unknown.length === 0
      ? null
      : `valenic-synthetic does not support ${unknown.join(', ')} yet`;
  }

  commandFor(workload: Workload, sockets: readonly [string, string], times: LegTimes): string[] {
    return [
      this.#program,
      ...sockets.flatMap((path) => ['--port', path]),
      ...shapeWords(workload, times.ratePps),
      ...['--warmup', `${times.warmupSeconds}`, '--seconds', `${times.seconds}`],
      ...['--cpu', `${this.#cpu}`],
    ];
  }

  async measure(
    workload: Workload,
    sockets: readonly [string, string],
    times: LegTimes,
  ): Promise<Measured> {
    const words = this.commandFor(workload, sockets, times);
    const timeout = (times.warmupSeconds + times.seconds + graceSeconds) * 1000;
    const found = measuredOf(await runProgram(words, {}, timeout), workload);
    if (found !== null) return found;
    throw new ValenicError('bench_failed', 'the front-end ended before it reported figures');
  }
}

/** Frames a guest offers at a time: more than any backend here takes, so that it is never short. */
const frontendBurst = 128;

/** The options of a workload, without those of a run. */
export function shapeWords(workload: Workload, ratePps = 0): readonly string[] {
  const { frameBytes, ringSize, bothWays, ring, mergeable, indirect, touch } = workload;
  const flows = bothWays ? ['0>1', '1>0'] : ['0>1'];
  return [
    ...flows.flatMap((flow) => ['--flow', flow]),
    ...['--frame', `${frameBytes}`, '--ring', `${ringSize}`, '--burst', `${frontendBurst}`],
    ...(ring === 'packed' ? ['--packed'] : []),
    ...(mergeable ? ['--mergeable'] : []),
    ...(indirect ? ['--indirect'] : []),
    ...(touch ? ['--touch'] : []),
    ...(workload.roundTrip ? ['--echo'] : []),
    ...paceWords(workload, ratePps),
  ];
}

function paceWords({ roundTrip, load }: Workload, ratePps: number): readonly string[] {
  if (ratePps > 0) return ['--rate', `${ratePps}`];
  return roundTrip ? ['--window', `${load === null ? 1 : saturatingWindow}`] : [];
}

/** Its lines: runs, then the total. */
export function measuredOf(text: string, workload: Workload): Measured | null {
  const lines = text.trim().split('\n').filter(Boolean);
  const runs = lines.map((line) => JSON.parse(line) as Partial<RunLine & ReadyLine>);
  const features = BigInt(runs.find((found) => found.ready === true)?.features ?? 0);
  const run = runs.find((found): found is RunLine => found.run !== undefined);
  if (run === undefined) return null;
  const { seconds, received, sent, latencyNs, idleShare, busyShare } = run;
  return {
    mpps: received / seconds / 1e6,
    latencyNs: workload.roundTrip ? latencyNs : null,
    driverBusy: busyShare ?? Number((1 - idleShare).toFixed(3)),
    sent,
    received,
    features: featureNames(features),
  };
}

/** Of what legs say in common; null where none says it. */
export function spreadOfKnown(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : spreadOf(known);
}
