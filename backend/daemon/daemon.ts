/**
 * The daemon: the library and the control API in one process.
 *
 *   start: claim the control socket -> workers -> ports -> answer
 *   close: stop answering -> ports -> workers -> the control socket
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FaultCode, faults } from '../../native/boundary/index.ts';
import { Backend } from '../backend.ts';
import type { ServeConfig } from '../config/index.ts';
import { loadAddon, packageRoot } from '../datapath/load.ts';
import { withRemedy } from '../fault-report.ts';
import type { Logger } from '../log.ts';
import { memoryNotSharedNotice } from '../vhost-user/index.ts';
import { type ApiEvent, apiVersion, type VersionAnswer } from './api.ts';
import { ControlSocket } from './control-socket.ts';
import { EventHub } from './events.ts';
import { GuestMacs } from './guest-macs.ts';
import { defaultControlPath, prepareFolder } from './paths.ts';
import { controlApi, portAnswer } from './routes.ts';

export interface DaemonOptions {
  readonly config: ServeConfig;
  readonly log: Logger;
}

export class Daemon {
  readonly backend: Backend;
  readonly #socket: ControlSocket;
  readonly #hub = new EventHub();
  readonly #log: Logger;
  readonly #startedMs = performance.now();
  #closing: Promise<void> | null = null;

  private constructor(backend: Backend, socket: ControlSocket, log: Logger) {
    this.backend = backend;
    this.#socket = socket;
    this.#log = log;
    this.#forwardEvents();
  }

  /**
   * Resolves when every port is there and requests are answered.
   *
   * @throws {ValenicError} What is wrong with the socket, the addon or the first port that failed;
   *   nothing is left behind then.
   */
  static async start({ config, log }: DaemonOptions): Promise<Daemon> {
    const addon = loadAddon();
    const path = config.control ?? defaultControlPath();
    if (config.control === undefined) await prepareFolder(path);
    const socket = await ControlSocket.claim(addon, path);
    const { workers, cpus, polling, macTable, datapath, switches, ports } = config;
    const options = {
      ...(cpus.length === 0 ? {} : { cpus }),
      ...(macTable === undefined ? {} : { macTableSize: macTable }),
      switches: Object.fromEntries(switches.map(({ name, ...rest }) => [name, rest])),
    };
    const backend = await Backend.create({ workers, polling, datapath, log, ...options }).catch(
      async (error: unknown) => {
        await socket.close();
        throw error;
      },
    );
    const daemon = new Daemon(backend, socket, log);
    try {
      for (const port of ports) await backend.addPort(port);
      await daemon.#listen();
      return daemon;
    } catch (error) {
      await daemon.close();
      throw error;
    }
  }

  /**
   * Whatever a thread waits for when this process is told to stop by a signal: after `graceMs` it
   * ends. For the process that is the daemon and nothing else. @param text  Makes a line of JSON
   * what the log is written in.
   */
  endAfterSignal(graceMs: number, text: (json: string) => string): void {
    const msg =
      `told to stop, this process was still waiting after ${graceMs / 1000} seconds: it removed ` +
      'its socket files and ended itself';
    const json = `${JSON.stringify({ level: 50, time: Date.now(), msg })}\n`;
    loadAddon().endAfterSignal(graceMs, text(json));
  }

  get controlPath(): string {
    return this.#socket.path;
  }

  /** Ends everything: sockets removed, workers joined. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#hub.close();
    try {
      await this.backend.close();
    } finally {
      // Last: while the path is ours, no other daemon can be in the way of these ports.
      await this.#socket.close();
    }
  }

  async #listen(): Promise<void> {
    const { backend } = this;
    const context = {
      backend,
      hub: this.#hub,
      log: this.#log,
      guestMacs: new GuestMacs({ control: this.controlPath, log: this.#log }),
      version: (): VersionAnswer => ({
        version: packageVersion(),
        api: apiVersion,
        pid: process.pid,
        workers: backend.workerThreads.length,
        uptimeMs: Math.round(performance.now() - this.#startedMs),
      }),
    };
    const app = controlApi(context);
    await app.ready();
    await this.#socket.listen(app.server, this.#log);
  }

  #forwardEvents(): void {
    const hub = this.#hub;
    this.backend.on('changed', (port) => hub.changed(port.name, () => portAnswer(port)));
    this.backend.on('fault', ({ name }, event) => {
      const ring = 'ring' in event ? { ring: event.ring } : {};
      const fault: ApiEvent =
        event.event === 'memory_not_shared'
          ? { event: 'fault', name, ...ring, code: event.event, text: memoryNotSharedNotice }
          : { event: 'fault', name, ...ring, code: event.fault, text: faultLine(event.fault) };
      hub.publish(fault);
    });
  }
}

function faultLine(code: FaultCode): string {
  const row: { readonly text: string; readonly remedy?: string } = faults[code];
  return withRemedy(row.text, row.remedy);
}

/** Of this package. */
export function packageVersion(): string {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  return String((JSON.parse(text) as { version: unknown }).version);
}
