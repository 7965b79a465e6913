/** The daemon under attack: a process of its own, and what can be counted of it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { ControlClient } from '../../backend/daemon/index.ts';
import { readySlower } from './form.ts';

const root = resolve(import.meta.dirname, '../..');
const program = join(root, 'bin/valenic.mjs');
/** Until it answers, and until it ended: with a sanitizer, beside two processes that need a CPU. */
const startsWithinMs = 60_000;
/** "TERM always ends the process within seconds." */
export const endsWithinMs = 10_000;

/** What must be as it was when an attacker has left. */
export interface Base {
  /** Open descriptors by what they are. */
  readonly fds: Readonly<Record<string, number>>;
  /** Threads by name. */
  readonly threads: Readonly<Record<string, number>>;
  /** Mappings of something that has a name: what an allocator maps has none. */
  readonly mappings: Readonly<Record<string, number>>;
  /** Bytes mapped of memory that is shared with others. */
  readonly sharedBytes: number;
  /** What keeps Node's event loop. */
  readonly resources: Readonly<Record<string, number>>;
}

/** What may rise a little, and not with each message. */
export interface Weight {
  readonly promises: number;
  /** Private memory in RAM. */
  readonly ownBytes: number;
}

/** What witness.cjs says. */
interface Witnessed {
  readonly promises: number;
  readonly resources: readonly string[];
  readonly descriptors: readonly string[];
  readonly threads: readonly string[];
  readonly maps: readonly string[];
}

export interface DaemonOptions {
  /** For its sockets. */
  readonly folder: string;
  /** `name,keys` of the switch `vale0`. */
  readonly ports: readonly string[];
  /** Other words of `valenic serve`. */
  readonly words?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export class Daemon {
  readonly control: ControlClient;
  readonly folder: string;
  readonly #child: ChildProcess;
  readonly #witness: string;
  #said = '';

  private constructor(child: ChildProcess, folder: string, witness: string) {
    this.#child = child;
    this.#witness = witness;
    this.folder = folder;
    this.control = new ControlClient(join(folder, 'control.sock'), 15_000);
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#said += chunk;
    });
  }

  /** Resolves when it answers. */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const { folder, ports, words = [], env = {} } = options;
    const witness = `${folder}.witness`;
    // Ends with us, also when we are killed.
    const line = ['--pdeathsig', 'KILL', '--', process.execPath, program, '--json', 'serve']
      .concat(['--control', join(folder, 'control.sock')], words)
      .concat(ports.flatMap((port) => ['--port', `vale0:${port}`]));
    const child = spawn('setpriv', line, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...env,
        VALENIC_WITNESS: witness,
        NODE_OPTIONS: `--require=${join(import.meta.dirname, 'witness.cjs')}`,
      },
    });
    const daemon = new Daemon(child, folder, witness);
    if (child.stdout === null) throw new Error('no standard output');
    const ready = once(createInterface({ input: child.stdout }), 'line');
    const ended = once(child, 'exit').then(() => null);
    if ((await Promise.race([ready, ended, readySlower(startsWithinMs)])) === null) {
      child.kill('SIGKILL');
      throw new Error(`valenic serve did not start: ${daemon.said}`);
    }
    return daemon;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Its log. */
  get said(): string {
    return this.#said;
  }

  path(port: string): string {
    return join(this.folder, `${port}.sock`);
  }

  /** Counted in the process itself, while nothing is asked of it but that. */
  async facts(): Promise<{ base: Base; weight: Weight }> {
    const seen = await this.#witnessed();
    const maps = seen.maps.map(mapping);
    return {
      base: {
        fds: counts(seen.descriptors.map(kindOfFd)),
        threads: counts(seen.threads),
        mappings: counts(maps.filter(({ name }) => name !== '').map(({ name }) => name)),
        sharedBytes: sum(maps.filter(({ shared }) => shared).map(({ bytes }) => bytes)),
        resources: counts(seen.resources.filter((name) => !passing.includes(name))),
      },
      weight: { promises: seen.promises, ownBytes: this.ownBytes() },
    };
  }

  /** Private memory in RAM; costs the daemon nothing to tell. */
  ownBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  }

  /** SIGTERM: its exit status, and how long it took. Null: it had to be killed. */
  async terminate(): Promise<{ status: number | null; ms: number }> {
    const begun = performance.now();
    if (!this.running) return { status: this.#child.exitCode, ms: 0 };
    const ended = once(this.#child, 'exit');
    const heard = once(this.#child, 'close');
    const late = setTimeout(() => this.kill(), endsWithinMs);
    this.#child.kill('SIGTERM');
    await ended;
    clearTimeout(late);
    const ms = Math.round(performance.now() - begun);
    await heard; // Its last words may come after its end is known.
    return { status: this.#child.exitCode, ms };
  }

  kill(): void {
    if (this.running) this.#child.kill('SIGKILL');
  }

  async #witnessed(): Promise<Witnessed> {
    const socket = connect(this.#witness);
    socket.setTimeout(15_000, () => socket.destroy(new Error('the daemon says nothing for 15 s')));
    return JSON.parse(await text(socket)) as Witnessed;
  }
}

/** What comes and goes by itself: a pause, a notice, the witness's own connection. */
const passing = ['Timeout', 'Immediate', 'PipeWrap', 'FSReqPromise', 'FSReqCallback'];

/** proc(5): from-to permissions offset device inode name. */
function mapping(line: string): { name: string; bytes: number; shared: boolean } {
  const [range = '', permissions = '', , , , ...rest] = line.split(/ +/);
  const [from = '0', to = '0'] = range.split('-');
  const name = rest.join(' ').replace(/ \(deleted\)$/, '');
  return {
    name: name.startsWith('[') ? '' : name,
    bytes: Number(BigInt(`0x${to}`) - BigInt(`0x${from}`)),
    shared: permissions.endsWith('s'),
  };
}

function counts(names: readonly string[]): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const name of [...names].sort()) found[name] = (found[name] ?? 0) + 1;
  return found;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** What a descriptor leads to, without what tells one of them from the next. */
function kindOfFd(name: string): string {
  // libuv keeps one in reserve for when there are no more: of this file first, of that one later.
  if (name === '/') return '/dev/null';
  return name.replace(/:\[\d+\]$| \(deleted\)$/g, '');
}
