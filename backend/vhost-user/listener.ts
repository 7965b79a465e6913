/** Server role: we listen, front-ends come and go, one at a time. */

import type { NativeFdListener, NativeFdSocket } from '../../native/boundary.ts';
import { codeOf } from './faults.ts';
import type { PeerLog } from './log.ts';

/** A listening socket, and what goes with it. */
export interface Listening {
  readonly listener: NativeFdListener;
  close(): Promise<void>;
}

/** Serves one connection; resolves when it is over and nothing of it is left. */
export type Serve = (socket: NativeFdSocket) => Promise<void>;

/**
 * How long a newcomer waits for the one before. A VMM that is restarted at once comes back before
 * we saw that its first connection is over, and its rings must be stopped before new ones start.
 */
const graceMs = 500;
/** Pause after accept() failed, e.g. because the process has no descriptor left. */
const retryMs = 200;

export class Listener {
  readonly #file: Listening;
  readonly #serve: Serve;
  readonly #log: PeerLog;
  readonly #stuck: () => boolean;
  #current: Promise<void> | null = null;
  #closed = false;
  #wake: (() => void) | null = null;
  readonly #accepting: Promise<void>;

  /** @param stuck  While it is true nobody is accepted. */
  constructor(file: Listening, serve: Serve, log: PeerLog, stuck: () => boolean = () => false) {
    this.#stuck = stuck;
    this.#file = file;
    this.#serve = serve;
    this.#log = log;
    this.#accepting = this.#accept();
  }

  /** Stops accepting and removes the socket; resolves when the connection being served is over. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    await this.#file.close();
    await this.#accepting;
    await this.#current;
  }

  async #accept(): Promise<void> {
    while (!this.#closed) {
      const socket = this.#next();
      if (socket === 'none') await this.#pause((wake) => this.#file.listener.onceReadable(wake));
      else if (socket === 'failed') await this.#pause((wake) => setTimeout(wake, retryMs));
      else await this.#admit(socket);
    }
  }

  #next(): NativeFdSocket | 'none' | 'failed' {
    if (this.#stuck()) {
      const text =
        'no front-end is accepted: descriptors that the last ones sent do not get closed, since ' +
        'what is behind them does not answer; end the process that sent them';
      this.#log.peer('warn', 'stuck', text);
      return 'failed';
    }
    try {
      return this.#file.listener.accept() ?? 'none';
    } catch (error) {
      this.#log.peer('warn', 'accept', `no connection can be accepted: ${String(error)}`, {
        code: codeOf(error),
      });
      return 'failed';
    }
  }

  async #admit(socket: NativeFdSocket): Promise<void> {
    if (this.#current !== null && !(await this.#endsSoon(this.#current))) {
      socket.close();
      this.#log.peer('warn', 'second', 'a second front-end was turned away: one is connected');
      return;
    }
    if (this.#closed) return socket.close();
    const current = this.#serve(socket).finally(() => {
      if (this.#current === current) this.#current = null;
    });
    this.#current = current;
  }

  /** True when the connection is over within the grace period. */
  async #endsSoon(current: Promise<void>): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), graceMs);
    });
    const over = current.then(
      () => true,
      () => true,
    );
    const result = await Promise.race([over, patience]);
    clearTimeout(timer);
    return result;
  }

  /** Waits for what `subscribe` waits for, or for close(). */
  #pause(subscribe: (wake: () => void) => unknown): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#closed) resolve();
      else subscribe(resolve);
    });
  }
}
