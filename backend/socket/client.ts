/** Client role: the VMM listens, we connect, and connect again for ever. */

import type { NativeAddon, NativeFdSocket } from '../../native/boundary/index.ts';
import type { PeerLog } from '../log.ts';
import { codeOf, systemText } from '../system-error.ts';

/** Serves one connection; resolves when it is over, with the number of requests it brought. */
export type ServeClient = (socket: NativeFdSocket) => Promise<number>;

export interface ClientOptions {
  readonly addon: Pick<NativeAddon, 'connectFdSocket'>;
  readonly path: string;
  /** How to get a connection; absent: to the UNIX socket at `path`. */
  readonly connect?: () => Promise<NativeFdSocket>;
  readonly serve: ServeClient;
  readonly log: PeerLog;
  /** Who is there, in words. */
  readonly guest: 'front-end' | 'peer';
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
}

export class Client {
  readonly #options: ClientOptions;
  #closed = false;
  #wake: (() => void) | null = null;
  /** What kept us from connecting last; told once. */
  #obstacle: string | null = null;
  readonly #running: Promise<void>;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Resolves when the connection being served is over; the caller ends it. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { serve, reconnectMinMs, reconnectMaxMs } = this.#options;
    let delayMs = reconnectMinMs;
    while (!this.#closed) {
      const socket = await this.#connect();
      // A peer that takes the connection and says nothing is met again as slowly as one that is
      // away.
      const messages = socket === null ? 0 : await serve(socket);
      if (messages > 0) delayMs = reconnectMinMs;
      await this.#pause(delayMs);
      delayMs = Math.min(delayMs * 2, reconnectMaxMs);
    }
  }

  async #connect(): Promise<NativeFdSocket | null> {
    const { addon, path, log, connect, guest } = this.#options;
    try {
      const socket = connect === undefined ? addon.connectFdSocket(path) : await connect();
      this.#obstacle = null;
      return socket;
    } catch (error) {
      const code = codeOf(error) ?? 'unknown';
      if (this.#closed) return null;
      const text = `${path}: waiting for the ${guest} (${obstacleText(code, error)})`;
      if (this.#obstacle !== code) log.info(text, { code });
      this.#obstacle = code;
      return null;
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed) return resolve();
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function obstacleText(code: string, error: unknown): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such socket yet';
    case 'ECONNREFUSED':
      return 'nobody listens there';
    case 'EACCES':
      return 'this process may not connect there';
    case 'EAGAIN':
      return 'too many are waiting to connect';
    case 'ETIMEDOUT':
      return 'nobody answers there';
    default:
      return systemText(error);
  }
}
