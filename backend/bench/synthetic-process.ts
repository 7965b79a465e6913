/** One run of `valenic-synthetic`: started with plain words, its lines read as they come. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../datapath/load.ts';
import { ValenicError } from '../errors.ts';

/** What a replayed guest did in a run; see `valenic-synthetic --help`. */
export interface SyntheticReplay {
  readonly kind: string;
  readonly sent: number;
  readonly received: number;
  readonly honest: number;
}

export interface SyntheticLine {
  readonly ready?: true;
  readonly total?: true;
  /** A run begins. */
  readonly begun?: number;
  readonly run?: number;
  readonly workerNs?: number;
  readonly replays?: readonly SyntheticReplay[];
  readonly seconds?: number;
  readonly sent?: number;
  readonly received?: number;
  readonly corrupt?: number;
  readonly idleShare?: number;
  readonly busyShare?: number;
  readonly latencyNs?: { readonly p50: number; readonly p99: number; readonly p999: number };
}

/**
 * @param onLine  Waited for before the next line is looked at.
 * @throws {ValenicError} `bench_failed`: it was not built, or it ended with an error.
 */
export async function runSynthetic(
  words: readonly string[],
  signal: AbortSignal,
  onLine: (line: SyntheticLine) => void | Promise<void>,
): Promise<void> {
  const program = join(packageRoot(), 'build/release/native/synthetic/valenic-synthetic');
  if (!existsSync(program)) {
    throw new ValenicError('bench_failed', `there is no ${program}: run "npm run build"`);
  }
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], signal });
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString();
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  ended.catch(() => {});
  for await (const text of createInterface({ input: child.stdout })) {
    await onLine(JSON.parse(text) as SyntheticLine);
  }
  const [status] = await ended;
  if (status !== 0) {
    throw new ValenicError('bench_failed', said.trim() || 'the synthetic driver ended early');
  }
}
