/** `valenic serve` as a process whose standard streams are the test's. */

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach } from 'vitest';
import { ControlClient } from '../../../backend/daemon/index.ts';
import { until } from '../support.ts';

const root = resolve(import.meta.dirname, '../../..');
export const program = join(root, 'bin/valenic.mjs');

const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const over = once(child, 'exit');
    child.kill('SIGKILL');
    await over;
  }
});

export interface Served {
  readonly child: ChildProcess;
  readonly client: ControlClient;
  readonly control: string;
  readonly pid: number;
  /** Asks it to end; its exit status, or the signal that ended it. */
  stop(): Promise<number | string | null>;
}

export interface ServeOptions {
  readonly folder: string;
  readonly stdio?: StdioOptions;
  readonly words?: readonly string[];
  /** Options of Node. */
  readonly node?: readonly string[];
  /** A program that starts it: prlimit, for instance. */
  readonly by?: readonly string[];
}

/** Resolves when it answers. */
export async function serve(options: ServeOptions): Promise<Served> {
  const { folder, words = [], node = [], by = [], stdio = 'ignore' } = options;
  const control = join(folder, 'control.sock');
  const line = [...by, process.execPath, ...node, program, 'serve', '--control', control, ...words];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...line], { stdio });
  children.push(child);
  const over = once(child, 'exit');
  const client = new ControlClient(control);
  await until(
    () => {
      if (child.exitCode !== null) throw new Error(`valenic serve ended with ${child.exitCode}`);
      return client.ports().catch(() => null);
    },
    (ports) => ports !== null,
    60_000,
  );
  const pid = child.pid ?? -1;
  const stop = async () => {
    child.kill('SIGTERM');
    const [status, signal] = await over;
    return status ?? signal;
  };
  return { ...{ child, client, control, pid, stop } };
}

/** What a process holds, as far as the kernel counts it. */
export function heldBy(pid: number): { fds: number; threads: number; mappings: number } {
  const under = (what: string) => readdirSync(`/proc/${pid}/${what}`).length;
  const mappings = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n').length;
  return { fds: under('fd'), threads: under('task'), mappings };
}
