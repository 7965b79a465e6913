/**
 * The life of a guest: started, talking, shut down or killed, and what is said when it crashes.
 *
 *   startGuest() -> QMP answers -> agent answers -> Guest … shutdown(), kill() or a crash -> exited
 */

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentClient, type AgentHello } from './agent/index.ts';
import { guestArgv } from './argv.ts';
import { makeGuestDir, QemuChild } from './child.ts';
import { cleanConsole, endReport, endSentence } from './crash-report.ts';
import { within } from './deferred.ts';
import type { GuestDescription, GuestHost, GuestPaths } from './description.ts';
import { QemuError, sentenceOf } from './errors.ts';
import { type Accel, chooseAccel } from './kvm.ts';
import { locateQemu } from './locate.ts';
import { QmpClient } from './qmp/index.ts';
import { qemuVersion } from './version.ts';

export interface StartGuestOptions {
  /** QEMU; looked up in PATH when absent. */
  readonly binary?: string;
  /** KVM where it works, else TCG, when absent. */
  readonly accel?: Accel;
  /** Milliseconds until the agent must have answered, 90 000 when absent (TCG on a busy host). */
  readonly bootTimeoutMs?: number;
  /** `false`: return when QMP answers; for guests without our agent. */
  readonly waitForAgent?: boolean;
  /** Ends the guest, also while it starts. */
  readonly signal?: AbortSignal;
}

/** How a guest ended. */
export interface GuestExit {
  /** QEMU's exit status; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** shutdown() or kill() was called before. */
  readonly expected: boolean;
  readonly sentence: string;
  /** The sentence with the tails of QEMU's stderr and of the serial log. */
  readonly report: string;
}

const keptSerialBytes = 64 << 10;
const defaultBootTimeoutMs = 90_000;
const defaultShutdownMs = 15_000;
/** Sockets close a little before a process is gone. */
const explainMs = 2000;
const crashGraceMs = 300;

/**
 * Starts a guest and waits until its agent answers.
 *
 * @throws {QemuError} `guest_failed` when it does not come up: the message quotes QEMU and the
 * serial log, and nothing is left running. `qemu_missing` when there is no QEMU.
 */
export async function startGuest(
  description: GuestDescription,
  options: StartGuestOptions = {},
): Promise<Guest> {
  options.signal?.throwIfAborted();
  const binary = locateQemu(options.binary);
  const version = await qemuVersion(binary);
  const host: GuestHost = { version, accel: options.accel ?? (await chooseAccel(binary)) };
  const dir = makeGuestDir();
  const paths = { qmp: join(dir, 'qmp'), agent: join(dir, 'agent'), serial: join(dir, 'serial') };
  const argv = guestArgv(description, paths, host);
  const guest = new Guest(description, host, argv, new QemuChild(binary, argv, dir), paths);
  const abort = (): void => void guest.kill();
  options.signal?.addEventListener('abort', abort, { once: true });
  void guest.exited.then(() => options.signal?.removeEventListener('abort', abort));
  try {
    await guest.comeUp(options);
    return guest;
  } catch (error) {
    // A crash closes QEMU's sockets a little before its process is gone.
    const crash = await within(guest.exited, options.signal?.aborted ? 0 : crashGraceMs);
    const { report } = crash ?? (await guest.kill());
    const why =
      crash !== undefined ? report : `guest ${description.name}: ${sentenceOf(error)}\n${report}`;
    throw new QemuError('guest_failed', why, { cause: error });
  }
}

/** A running guest. */
export class Guest implements AsyncDisposable {
  readonly name: string;
  readonly accel: Accel;
  readonly argv: readonly string[];
  /** Resolves when QEMU is gone and its folder is removed. Never rejects. */
  readonly exited: Promise<GuestExit>;
  readonly #child: QemuChild;
  readonly #paths: GuestPaths;
  readonly #description: GuestDescription;
  #qmp: QmpClient | undefined;
  #agent: AgentClient | undefined;
  #hello: AgentHello | undefined;
  #expected = false;
  #shutdownReason: string | null = null;
  #lastSerial = '';

  constructor(
    description: GuestDescription,
    host: GuestHost,
    argv: readonly string[],
    child: QemuChild,
    paths: GuestPaths,
  ) {
    this.name = description.name;
    this.accel = host.accel;
    this.argv = argv;
    this.#description = description;
    this.#child = child;
    this.#paths = paths;
    this.exited = this.#watch();
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** QEMU is gone. */
  get over(): boolean {
    return this.#child.over;
  }

  get qmp(): QmpClient {
    return this.#qmp ?? this.#missing('its QMP monitor has not answered');
  }

  get agent(): AgentClient {
    return this.#agent ?? this.#missing('it was started without waiting for its agent');
  }

  /** What the agent said when it came up. */
  get hello(): AgentHello {
    return this.#hello ?? this.#missing('it was started without waiting for its agent');
  }

  /** The last 64 KiB of the serial console, also after the guest ended. */
  async serialLog(): Promise<string> {
    return cleanConsole(this.#child.over ? this.#lastSerial : await readTail(this.#paths.serial));
  }

  /** @internal startGuest() calls this once. */
  async comeUp(options: StartGuestOptions): Promise<void> {
    const timeoutMs = options.bootTimeoutMs ?? defaultBootTimeoutMs;
    const deadline = Date.now() + timeoutMs;
    const stop = new AbortController();
    const gone = this.exited.then(({ sentence }) => {
      stop.abort();
      throw new Error(sentence);
    });
    const connecting = QmpClient.connect(this.#paths.qmp, { timeoutMs, signal: stop.signal });
    const qmp = await Promise.race([connecting, gone]).catch((error) => {
      throw new Error(`${sentenceOf(error)}${this.#waitingFor()}`);
    });
    this.#qmp = qmp;
    qmp.onEvent((event) => {
      if (event.name !== 'SHUTDOWN') return;
      this.#shutdownReason = (event.data as { readonly reason: string }).reason;
    });
    if (options.waitForAgent === false) return;
    await Promise.race([this.#meetAgent(deadline), gone]);
  }

  async #meetAgent(deadline: number): Promise<void> {
    const rest = (): number => Math.max(1, deadline - Date.now());
    this.#agent = await AgentClient.connect(this.#paths.agent, {
      timeoutMs: rest(),
      explain: () => within(this.#sentence(), explainMs),
    });
    this.#hello = await this.#agent.hello(rest());
  }

  /** QEMU's monitor does not answer before every vhost-user back-end did. */
  #waitingFor(): string {
    const sockets = this.#description.nics.flatMap(({ backend }) =>
      backend.kind === 'vhost-user' ? [backend.path] : [],
    );
    return sockets.length === 0 ? '' : ` (is a back-end serving ${sockets.join(' and ')}?)`;
  }

  /**
   * Ends the guest: the agent powers it off; if it does not, QMP quits QEMU; if that does not,
   * SIGTERM; then SIGKILL. Each has a share of the deadline; resolves when all is gone.
   */
  async shutdown(deadlineMs = defaultShutdownMs): Promise<GuestExit> {
    this.#expect();
    const steps: readonly [number, () => Promise<unknown> | undefined][] = [
      [0.6, () => this.#agent?.shutdown()],
      [0.2, () => this.#qmp?.execute('quit')],
      [0.2, async () => this.#child.signal('SIGTERM')],
    ];
    for (const [share, step] of steps) {
      const asked = step();
      if (asked === undefined) continue;
      // It may end before it answers: only the end counts.
      const refused = asked.then(
        () => this.exited,
        () => undefined,
      );
      const exit = await within(Promise.race([this.exited, refused]), deadlineMs * share);
      if (exit !== undefined) return exit;
    }
    return this.kill();
  }

  /** SIGKILL, now. The exit's report quotes the serial log. */
  kill(): Promise<GuestExit> {
    this.#expect();
    this.#child.signal('SIGKILL');
    return this.exited;
  }

  /**
   * Has the agent reboot the guest, and waits until it answers again. The QEMU process stays, so
   * devices and sockets see a reset driver and then a new one.
   */
  async reboot(deadlineMs = defaultBootTimeoutMs): Promise<AgentHello> {
    const deadline = Date.now() + deadlineMs;
    const { agent, qmp } = this;
    await qmp.execute('set-action', { reboot: 'reset' });
    const reset = qmp.waitForEvent('RESET', { timeoutMs: deadlineMs });
    await agent.reboot();
    await reset;
    await agent.close('the guest was rebooted');
    await this.#meetAgent(deadline);
    // Not before it is up: Linux asks several devices in turn for one reset, and QEMU may do two.
    await qmp.execute('set-action', { reboot: 'shutdown' });
    return this.hello;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown().then(() => {});
  }

  /** What ended already was not ended by us. */
  #expect(): void {
    if (!this.over) this.#expected = true;
  }

  async #watch(): Promise<GuestExit> {
    const { code, signal } = await this.#child.ended;
    this.#lastSerial = await readTail(this.#paths.serial);
    const sentence = await this.#sentence();
    await this.#agent?.close(sentence);
    await this.#qmp?.close();
    await this.#child.removeDir();
    const report = endReport(sentence, this.#child.stderr, this.#lastSerial);
    return { code, signal, expected: this.#expected, sentence, report };
  }

  async #sentence(): Promise<string> {
    const end = await this.#child.ended;
    const { name } = this;
    return endSentence({
      ...end,
      name,
      expected: this.#expected,
      shutdownReason: this.#shutdownReason,
    });
  }

  #missing(why: string): never {
    throw new QemuError('guest_failed', `guest ${this.name}: ${why}`);
  }
}

/** The end of a file that may not exist (yet). */
async function readTail(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return '';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, keptSerialBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
