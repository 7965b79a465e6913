/** Server role: we listen, front-ends come and go, one at a time. */

import type { NativeFdListener, NativeFdSocket } from '../../native/boundary/index.ts';
import type { PeerLog } from '../log.ts';
import { codeOf, systemText } from '../system-error.ts';
import { Reach, type Reachable } from './reach.ts';

/** A listening socket, and what goes with it. */
export interface Listening {
  readonly listener: NativeFdListener;
  close(): Promise<void>;
}

/** A socket with a file can be made again; `listener` is then a new one. */
function isReachable(listening: Listening): listening is Listening & Reachable {
  return 'renew' in listening;
}

export interface ListenerOptions {
  /** Serves one connection; resolves when it is over and nothing of it is left. */
  readonly serve: (socket: NativeFdSocket) => Promise<void>;
  readonly log: PeerLog;
  /** Who comes, for words. */
  readonly guest: 'front-end' | 'peer';
  /** Nobody can reach the socket, for this reason; null: it can be reached again. */
  readonly onReach?: (unreachable: string | null) => void;
  /** How often that is looked at. */
  readonly lookMs?: number;
  /** While it is true nobody is accepted. */
  readonly stuck?: () => boolean;
  /** Why nobody is served for a while after one has left; null: one is connected. */
  readonly resting?: () => string | null;
}

/**
 * How long a newcomer waits for the one before. A VMM that is restarted at once comes back before
 * we saw that its first connection is over, and its rings must be stopped before new ones start.
 */
const graceMs = 500;
/** Pause after accept() failed, e.g. because the process has no descriptor left. */
const retryMs = 200;

export class Listener {
  readonly #file: Listening;
  readonly #options: ListenerOptions;
  readonly #log: PeerLog;
  #current: Promise<void> | null = null;
  #closed = false;
  #wake: (() => void) | null = null;
  /** Called when the connection being served is over, for the one newcomer that waits. */
  #over: (() => void) | null = null;
  readonly #accepting: Promise<void>;
  readonly #reach: Reach | null;

  constructor(file: Listening, options: ListenerOptions) {
    this.#file = file;
    this.#options = options;
    this.#log = options.log;
    this.#accepting = this.#accept();
    const { log, lookMs } = options;
    const onRenewed = () => this.#wake?.();
    const onChange = (unreachable: string | null) => options.onReach?.(unreachable);
    this.#reach = isReachable(file) ? new Reach({ file, log, onRenewed, onChange, lookMs }) : null;
  }

  /** Stops accepting and removes the socket; resolves when the connection being served is over. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    await this.#reach?.close();
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
    if (this.#options.stuck?.() === true) {
      const text =
        'no front-end is accepted: descriptors that earlier ones sent cannot be closed, because ' +
        'what they lead to does not answer; end the process that sent them';
      this.#log.peer('warn', 'stuck', text);
      return 'failed';
    }
    try {
      return this.#file.listener.accept() ?? 'none';
    } catch (error) {
      const code = codeOf(error);
      this.#log.peer('warn', 'accept', `no connection is accepted: ${systemText(error)}`, { code });
      return 'failed';
    }
  }

  async #admit(socket: NativeFdSocket): Promise<void> {
    if (this.#current !== null && !(await this.#endsSoon())) {
      socket.close();
      this.#tellTurnedAway();
      return;
    }
    if (this.#closed) return socket.close();
    const current = this.#options.serve(socket).finally(() => {
      if (this.#current === current) this.#current = null;
      this.#over?.();
    });
    this.#current = current;
  }

  #tellTurnedAway(): void {
    const { guest, resting } = this.#options;
    const rest = resting?.() ?? null;
    if (rest === null) {
      const text =
        `a second ${guest} was turned away, because one is connected; ` +
        'disconnect that one, or add a port for the second';
      this.#log.peer('warn', 'second', text);
    } else this.#log.peer('warn', 'resting', `a ${guest} was turned away: ${rest}`);
  }

  /**
   * True when the connection is over within the grace period. It may last for ever, and newcomers
   * come as often as they like: so nothing is hung on its promise for them.
   */
  #endsSoon(): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (over: boolean): void => {
        clearTimeout(timer);
        this.#over = null;
        resolve(over);
      };
      const timer = setTimeout(() => end(false), graceMs);
      this.#over = () => end(true);
    });
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
