/** A program that a run starts beside itself: it ends with the run, and by its own number only. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { findProgram, shellQuote } from '../../../qemu/index.ts';
import { ValenicError } from '../../errors.ts';

const keptText = 16_384;
const looksEveryMs = 50;

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Lines can be written to it; else its input is empty. */
  readonly input?: boolean;
}

export class Program {
  /** As one would type it. */
  readonly command: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #over = false;
  #paused = false;
  #said = '';
  #answered = '';

  constructor(words: readonly string[], options: ProgramOptions = {}) {
    const env = options.env ?? {};
    const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    this.command = shellQuote([...settings, ...words]);
    const [file, ...args] = endsWithUs(words);
    this.#child = spawn(file ?? '', args, {
      stdio: [options.input === true ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    const hear = (text: Buffer): void => {
      this.#said = (this.#said + text.toString()).slice(-keptText);
    };
    this.#child.stdout?.on('data', (text: Buffer) => {
      this.#answered = (this.#answered + text.toString()).slice(-keptText);
      hear(text);
    });
    this.#child.stderr?.on('data', hear);
    // A program that ended does not read: that is found out by its end.
    this.#child.stdin?.on('error', () => {});
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        this.#over = true;
        resolve();
      };
      this.#child.once('exit', end);
      this.#child.once('error', (error) => {
        this.#said += String(error);
        end();
      });
    });
  }

  get over(): boolean {
    return this.#over;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** The end of what it wrote, both streams. */
  get said(): string {
    return this.#said;
  }

  /** The end of what it wrote to its standard output: there no complaint can split a line. */
  get answered(): string {
    return this.#answered;
  }

  type(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** It and what it started stand still, and cost nothing. */
  pause(): void {
    this.#paused = this.#child.kill('SIGSTOP');
    this.#tellChildren('SIGSTOP');
  }

  resume(): void {
    this.#paused = false;
    this.#tellChildren('SIGCONT');
    this.#child.kill('SIGCONT');
  }

  #tellChildren(signal: NodeJS.Signals): void {
    for (const pid of this.#over ? [] : childrenOf(this.pid)) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  /** @throws {ValenicError} `bench_failed` when it ends before, or the time is over. */
  async until(what: string, done: () => boolean, timeoutMs = 60_000): Promise<void> {
    const late = Date.now() + timeoutMs;
    while (!done()) {
      if (this.#over) throw this.failure(`it ended before ${what}`);
      if (Date.now() > late) throw this.failure(`no ${what} within ${timeoutMs / 1000} s`);
      await delay(looksEveryMs);
    }
  }

  untilFiles(paths: readonly string[]): Promise<void> {
    return this.until(`${paths.join(', ')}`, () => paths.every((path) => existsSync(path)));
  }

  failure(why: string): ValenicError {
    const said = this.#said.trim().split('\n').slice(-5).join(' | ');
    return new ValenicError('bench_failed', `${this.command}: ${why}; it said: ${said}`);
  }

  /** Asks it to end, and insists after a while. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 8000): Promise<void> {
    if (this.#over) return;
    this.#child.kill(signal);
    if (this.#paused) this.resume();
    const late = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    await this.#ended;
    clearTimeout(late);
  }
}

/** proc(5): of its first thread, which is the one that starts programs. */
function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Also when we are killed: a backend that polls would go on for ever. */
function endsWithUs(words: readonly string[]): readonly string[] {
  const setpriv = findProgram('setpriv');
  return setpriv === null ? words : [setpriv, '--pdeathsig', 'KILL', '--', ...words];
}

/**
 * Runs it to its end, which `timeout` milliseconds bring about; what it printed.
 * @throws {ValenicError} `bench_failed`
 */
export function runProgram(
  words: readonly string[],
  env: ProgramOptions['env'] = {},
  timeout = 60_000,
) {
  return new Promise<string>((resolve, reject) => {
    const [file, ...args] = words;
    const child = spawn(file ?? '', args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      timeout,
    });
    let [text, errors] = ['', ''];
    child.stdout.on('data', (part: Buffer) => {
      text += part.toString();
    });
    child.stderr.on('data', (part: Buffer) => {
      errors += part.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) return resolve(text);
      const why = `${shellQuote(words)}: ${errors.trim() || `exit status ${code}`}`;
      reject(new ValenicError('bench_failed', why));
    });
  });
}
