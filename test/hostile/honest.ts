/**
 * The honest pair: two synthetic guests on the switch that is attacked, which send each other
 * numbered, checksummed frames both ways and check every byte that comes.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const program = join(
  resolve(import.meta.dirname, '../..'),
  'build/release/native/synthetic/valenic-synthetic',
);
/** Frames a second each way: enough to meet every attack, few enough for two busy CPUs. */
const ratePps = 2000;
const spanSeconds = 0.1;
/** Until frames come: with a sanitizer, beside two processes that need a CPU. */
const progressWithinMs = 20_000;

/** The last line of valenic-synthetic. */
export interface Sums {
  readonly sent: number;
  readonly received: number;
  readonly gaps: number;
  readonly reordered: number;
  readonly corrupt: number;
  readonly foreign: number;
  readonly flows: readonly { readonly sent: number; readonly received: number }[];
}

export class HonestPair {
  readonly #child: ChildProcess;
  #received = 0;
  #sums: Sums | null = null;
  #complaint = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#complaint += chunk;
    });
    const { stdout } = child;
    if (stdout === null) throw new Error('no standard output');
    createInterface({ input: stdout }).on('line', (line) => this.#take(line));
  }

  /** Resolves when frames go both ways. */
  static async start(paths: readonly [string, string], packed = false): Promise<HonestPair> {
    const words = ['--verify', '--sleep', '--mergeable', '--warmup', '0', '--runs', '10000']
      .concat(['--rate', String(ratePps), '--seconds', String(spanSeconds)])
      .concat(
        ['--flow', '0>1', '--flow', '1>0'],
        paths.flatMap((path) => ['--port', path]),
      )
      .concat(packed ? ['--packed'] : []);
    const line = ['--pdeathsig', 'KILL', '--', program, ...words];
    const pair = new HonestPair(spawn('setpriv', line, { stdio: ['ignore', 'pipe', 'pipe'] }));
    await pair.progress('at the start');
    return pair;
  }

  /** Waits until frames come that were not here yet. @throws with `when`, if none do. */
  async progress(when: string): Promise<void> {
    // The span that is under way may have had its frames before.
    const wanted = this.#received + 2 * ratePps * spanSeconds;
    const end = performance.now() + progressWithinMs;
    while (this.#received < wanted) {
      if (this.#child.exitCode !== null) throw new Error(`the honest pair: ${this.#complaint}`);
      if (performance.now() > end) throw new Error(`the honest pair gets no frames ${when}`);
      await sleep(20);
    }
  }

  /** Ends it after what is under way came in. */
  async stop(): Promise<Sums> {
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      const late = setTimeout(() => child.kill('SIGKILL'), progressWithinMs);
      child.kill('SIGTERM');
      await ended;
      clearTimeout(late);
    }
    if (this.#sums === null) throw new Error(`the honest pair gave no sums: ${this.#complaint}`);
    return this.#sums;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #take(line: string): void {
    const said = JSON.parse(line) as { run?: number; total?: true; received: number };
    if (said.total === true) this.#sums = said as unknown as Sums;
    else if (said.run !== undefined) this.#received += said.received;
  }
}
