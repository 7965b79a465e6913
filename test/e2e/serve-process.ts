/** `valenic serve` as a process of its own, and other commands of the same program. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { PortState, PortStats } from '../../backend/index.ts';
import { run } from '../../qemu/run.ts';

const root = resolve(import.meta.dirname, '../..');
export const program = join(root, 'bin/valenic.mjs');
/** Kernel: times in /proc are in hundredths of a second (USER_HZ), whatever its own tick is. */
const ticksPerSecond = 100;
const endsWithinMs = 10_000;

/** Words of setpriv(1). */
export function asUser(uid: number): readonly string[] {
  return [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
}

/** What `port show --json` prints, as far as tests look. */
export type ShownPort = PortState & { readonly stats: PortStats };

export class ServeProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #control: string;
  #said: string;

  private constructor(child: ChildProcess, control: string) {
    this.#child = child;
    this.#control = control;
    this.#said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#said += chunk.toString('utf8');
    });
  }

  /** Resolves when it answers. @param dir  For its control socket. */
  static start(dir: string, ...args: readonly string[]): Promise<ServeProcess> {
    return ServeProcess.#start([], dir, args);
  }

  /** As start(), for another user, without root's rights. Needs root. */
  static startAs(uid: number, dir: string, ...args: readonly string[]): Promise<ServeProcess> {
    return ServeProcess.#start(asUser(uid), dir, args);
  }

  static async #start(
    user: readonly string[],
    dir: string,
    args: readonly string[],
  ): Promise<ServeProcess> {
    await builtProgram();
    const control = join(dir, 'control.sock');
    // Ends with us, also when we are killed.
    const line = [
      ...user,
      '--pdeathsig',
      'KILL',
      '--',
      process.execPath,
      program,
      '--json',
      'serve',
    ].concat(['--control', control], args);
    const child = spawn('setpriv', line, { stdio: ['ignore', 'pipe', 'pipe'] });
    const serving = new ServeProcess(child, control);
    const { stdout } = child;
    if (stdout === null) throw new Error('no standard output');
    const ended = once(child, 'exit').then(() => null);
    const ready = once(createInterface({ input: stdout }), 'line').then(([text]) => String(text));
    if ((await Promise.race([ready, ended])) === null) {
      throw new Error(`valenic serve ended: ${serving.said}`);
    }
    return serving;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** Its log. */
  get said(): string {
    return this.#said;
  }

  /** Runs another command against it; what it printed. */
  async command(...args: readonly string[]): Promise<string> {
    const line = [program, '--json', '--control', this.#control, ...args];
    const { code, stdout, stderr } = await run(process.execPath, line, { timeoutMs: 30_000 });
    if (code !== 0) throw new Error(`valenic ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  async port(name: string): Promise<ShownPort> {
    return JSON.parse(await this.command('port', 'show', name)) as ShownPort;
  }

  /** Seconds of processor time of all its threads since it began. */
  async cpuSeconds(): Promise<number> {
    const stat = await readFile(`/proc/${this.pid}/stat`, 'utf8');
    // proc(5): utime and stime are fields 14 and 15; the name, field 2, may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  }

  /** SIGTERM, as an operator ends it; its exit status. */
  async stop(): Promise<number | null> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, 'close'); // Its last words are read then.
    const late = setTimeout(() => child.kill('SIGKILL'), endsWithinMs);
    child.kill('SIGTERM');
    await ended;
    clearTimeout(late);
    return child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** The JavaScript of this checkout: from `npm run build`, built again if it is older. */
export async function builtProgram(): Promise<void> {
  const made = join(root, 'dist/backend/cli/main.js');
  const rooms = ['frontend-spec', 'native', 'backend', 'qemu'].map((room) => join(root, room));
  const sources = rooms.flatMap((room) =>
    readdirSync(room, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
  if (existsSync(made) && statSync(made).mtimeMs > Math.max(...sources)) return;
  const tsc = join(root, 'node_modules/.bin/tsc');
  const { code, stdout } = await run(tsc, ['-p', join(root, 'tsconfig.build.json')], {
    timeoutMs: 120_000,
  });
  if (code !== 0) throw new Error(`tsc: ${stdout}`);
}
