/**
 * A user port: networks elsewhere for guests, by NAT in user space and without privileges.
 *
 * The NAT is a process of its own (`native/user`), since it reads whatever guests and the network
 * send. It speaks QEMU's stream framing over a socket pair, ends with that socket, and is started
 * again when it ends by itself.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatapathEvent } from '../../../native/boundary/index.ts';
import { packageRoot } from '../../datapath/load.ts';
import { ValenicError } from '../../errors.ts';
import type { FaultReport } from '../../fault-report.ts';
import { systemText } from '../../system-error.ts';
import type { CommonState, EndpointContext, PortEndpoint } from '../endpoint.ts';
import type { Forward, UserSpec } from './spec.ts';
import { forwardText } from './values.ts';

const restartMinMs = 100;
const restartMaxMs = 5000;
/** One that lived so long was a good one: the next is started soon. */
const goodAfterMs = 10_000;
/** The descriptor of its end of the socket pair, in the new process. */
const childFd = 3;
const defaultNetwork = '10.0.2.0/24';

export function userProgram(): string {
  return join(packageRoot(), 'build/release/native/user/valenic-user');
}

/** The arguments of valenic-user; see native/user/options.hpp. */
export function userArgs(spec: UserSpec): string[] {
  const { network = defaultNetwork, forwards = [], hostLoopback = false } = spec;
  const first = network.replace(/\d+\/\d+$/, (end) => `${Number.parseInt(end, 10) + 15}`);
  const whole = ({ guestAddress = first, ...one }: Forward) =>
    forwardText({ ...one, guestAddress });
  return [
    ...['--fd', `${childFd}`, '--network', network],
    ...(hostLoopback ? ['--host-loopback'] : []),
    ...forwards.flatMap((one) => ['--forward', whole(one)]),
  ];
}

export class UserEndpoint implements PortEndpoint {
  readonly #spec: UserSpec;
  readonly #context: EndpointContext;
  #child: ChildProcess | null = null;
  #connected = false;
  #fault: FaultReport | null = null;
  #restartMs = restartMinMs;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  /** The change under way; the next one waits for it. */
  #changing: Promise<void> = Promise.resolve();

  constructor(spec: UserSpec, context: EndpointContext) {
    this.#spec = spec;
    this.#context = context;
  }

  start(): Promise<void> {
    return this.#launch();
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#changing;
    await this.#detach();
    await ended(this.#child);
  }

  /** The datapath is done with the socket: without frames the process is of no use. */
  handleEvent(event: DatapathEvent): void {
    if (event.event === 'link_down') this.#child?.kill('SIGKILL');
  }

  state(): CommonState {
    const { network = defaultNetwork } = this.#spec;
    const pid = this.#connected ? this.#child?.pid : undefined;
    return {
      address: network,
      connected: this.#connected,
      ...(pid === undefined ? {} : { peer: { pid, uid: process.geteuid?.() ?? 0 } }),
      fault: this.#fault,
      notice: null,
    };
  }

  async #launch(): Promise<void> {
    const { addon, datapath, port } = this.#context;
    if (!existsSync(userProgram())) {
      throw new ValenicError(
        'user_missing',
        `there is no ${userProgram()}: install libslirp-dev, then run "npm run build" again`,
      );
    }
    const [ours, theirs] = addon.socketPair();
    let child: ChildProcess;
    try {
      child = spawn(userProgram(), userArgs(this.#spec), {
        stdio: ['ignore', 'pipe', 'pipe', theirs],
      });
    } finally {
      addon.closeFd(theirs);
    }
    try {
      await this.#whenReady(child);
    } catch (error) {
      addon.closeFd(ours);
      await ended(child);
      throw error;
    }
    const since = performance.now();
    this.#child = child;
    child.once('exit', (code, signal) => this.#over(child, signal ?? `status ${code}`, since));
    await datapath.command('link.attach', { port, fds: [ours] });
    this.#connected = true;
    this.#fault = null;
    if (over(child)) this.#over(child, 'at once', since);
  }

  /** @throws {ValenicError} `forward_failed`, `user_failed`. */
  #whenReady(child: ChildProcess): Promise<void> {
    let said = '';
    let complaint = '';
    child.stderr?.on('data', (text: Buffer) => {
      complaint = `${complaint}${text}`.slice(0, 500);
    });
    return new Promise((resolve, reject) => {
      child.stdout?.on('data', (text: Buffer) => {
        said = `${said}${text}`.slice(0, 500);
        if (said === 'ready\n') resolve();
      });
      child.once('error', (error) => reject(failed(systemText(error))));
      child.once('close', (code, signal) => {
        const refused = /^refused (\w+) (\d+)\n$/.exec(said);
        const one = this.#spec.forwards?.[Number(refused?.[2])];
        if (refused !== null && one !== undefined) reject(forwardError(one, refused[1] ?? ''));
        else reject(failed(complaint.trim() || `it ended with ${signal ?? `status ${code}`}`));
      });
    });
  }

  /** The process ended, and nobody asked it to. */
  #over(child: ChildProcess, how: string, since: number): void {
    if (this.#closed || this.#child !== child) return;
    this.#child = null;
    if (performance.now() - since >= goodAfterMs) this.#restartMs = restartMinMs;
    const { log, onChange } = this.#context;
    const text = `the NAT of the port ended (${how}) and is started again`;
    this.#fault = { code: 'user_ended', text, at: Date.now() };
    log.peer('warn', 'ended', text);
    this.#changing = this.#changing.then(() => this.#detach());
    this.#startLater();
    onChange();
  }

  #startLater(): void {
    if (this.#closed) return;
    const { log, onChange } = this.#context;
    this.#timer = setTimeout(() => {
      this.#changing = this.#changing
        .then(() => (this.#closed ? undefined : this.#launch()))
        .catch((error: unknown) => {
          const text = systemText(error);
          const code = error instanceof ValenicError ? error.code : 'user_failed';
          this.#fault = { code, text, at: Date.now() };
          log.peer('warn', 'again', text);
          this.#startLater();
        })
        .then(onChange);
    }, this.#restartMs);
    this.#restartMs = Math.min(this.#restartMs * 2, restartMaxMs);
  }

  async #detach(): Promise<void> {
    if (!this.#connected) return;
    this.#connected = false;
    const { datapath, port } = this.#context;
    await datapath.command('link.detach', { port });
  }
}

function over(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Its socket is closed, so it ends on its own. If it hangs, we do not wait for long. */
async function ended(child: ChildProcess | null): Promise<void> {
  if (child === null || child.pid === undefined || over(child)) return;
  const patience = setTimeout(() => child.kill('SIGKILL'), 1000);
  await new Promise((resolve) => child.once('exit', resolve));
  clearTimeout(patience);
}

function failed(why: string): ValenicError {
  return new ValenicError('user_failed', `the NAT of the port cannot run: ${why}`);
}

function forwardError(one: Forward, code: string): ValenicError {
  const place = `${one.protocol} port ${one.hostPort} of ${one.hostAddress}`;
  const sentences: Record<string, string> = {
    EADDRINUSE: 'another program uses it: choose another',
    EADDRNOTAVAIL: 'no interface of this machine has that address',
    EACCES: 'ports below 1024 need CAP_NET_BIND_SERVICE: choose a higher one',
  };
  const why = sentences[code] ?? code;
  return new ValenicError('forward_failed', `${place} cannot be forwarded: ${why}`);
}
