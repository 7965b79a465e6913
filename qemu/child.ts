/**
 * A QEMU process and its temporary folder: both are gone when it ends, and when we end.
 *
 * Three nets: the caller's own clean-up; our `exit` hook; and, for when we are killed ourselves,
 * the kernel's parent-death signal (prctl(2), PR_SET_PDEATHSIG), which setpriv(1) of util-linux
 * sets.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProcessEnd } from './crash-report.ts';
import { deferred } from './deferred.ts';
import { findProgram } from './locate.ts';

const keptStderrBytes = 16 << 10;
const running = new Set<QemuChild>();
let hooked = false;

/** A folder for the sockets of one guest; short, since socket paths are. */
export function makeGuestDir(): string {
  return mkdtempSync(join(tmpdir(), 'valenic-guest-'));
}

export class QemuChild {
  readonly dir: string;
  /** Resolves when the process ended and its output was read. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  readonly #process: ChildProcess;
  #stderr = '';
  #over = false;

  /** @param dir  From makeGuestDir(); removed by removeDir() or when we exit. */
  constructor(binary: string, args: readonly string[], dir: string) {
    this.dir = dir;
    const setpriv = findProgram('setpriv');
    const [file, argv] =
      setpriv === null ? [binary, args] : [setpriv, ['--pdeathsig', 'KILL', '--', binary, ...args]];
    const ended = deferred<ProcessEnd>();
    this.ended = ended.promise;
    this.#process = spawn(file, argv, { stdio: ['ignore', 'pipe', 'pipe'], cwd: dir });
    this.#process.stdout?.on('data', (chunk: Buffer) => this.#keep(chunk));
    this.#process.stderr?.on('data', (chunk: Buffer) => this.#keep(chunk));
    this.#process.once('error', (error) => {
      this.#stderr += error.message;
      this.#finish();
      ended.resolve({ code: null, signal: null });
    });
    this.#process.once('close', (code, signal) => {
      this.#finish();
      ended.resolve({ code, signal });
    });
    running.add(this);
    installExitHook();
  }

  /** Undefined when it could not be started at all. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  get over(): boolean {
    return this.#over;
  }

  /** The last of what QEMU printed. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Sends a signal to this process, by its pid; nothing when it ended. */
  signal(name: 'SIGTERM' | 'SIGKILL'): void {
    if (!this.#over) this.#process.kill(name);
  }

  async removeDir(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
    running.delete(this);
  }

  /** For the exit hook: no promise is kept any more. */
  endNow(): void {
    this.signal('SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }

  #keep(chunk: Buffer): void {
    this.#stderr = (this.#stderr + chunk.toString('utf8')).slice(-keptStderrBytes);
  }

  #finish(): void {
    this.#over = true;
  }
}

function installExitHook(): void {
  if (hooked) return;
  hooked = true;
  process.on('exit', () => {
    for (const child of running) child.endNow();
  });
}
