/**
 * Sockets that nobody can reach any more: somebody removed or replaced the file, and the socket
 * listens on. Looked at once a second, told once, and made anew where that is possible.
 */

import type { PeerLog } from '../log.ts';

/** A socket with a file. */
export interface Reachable {
  /** What keeps others from reaching the socket; null when nothing does. */
  unreachable(): Promise<string | null>;
  /** Makes socket and file again. */
  renew(): Promise<void>;
}

export interface ReachOptions {
  readonly file: Reachable;
  readonly log: PeerLog;
  /** The socket is another one. */
  readonly onRenewed: () => Promise<void> | void;
  /** What an operator is to know; null: all is well again. */
  readonly onChange: (unreachable: string | null) => void;
  readonly lookMs?: number | undefined;
}

const defaultLookMs = 1000;

export class Reach {
  readonly #options: ReachOptions;
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> | null = null;
  #why: string | null = null;
  /** There is a new socket that its owner has not taken yet. */
  #renewed = false;
  #closed = false;

  constructor(options: ReachOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#lookSoon(), options.lookMs ?? defaultLookMs);
    this.#timer.unref();
  }

  /** Resolves when no look is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#looking;
  }

  #lookSoon(): void {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
  }

  async #look(): Promise<void> {
    const { file, log, onRenewed, onChange } = this.#options;
    const why = await file.unreachable();
    if (this.#closed || (why === null && this.#why === null)) return;
    if (why !== null && why !== this.#why) log.warn(why);
    // With a new file whose owner could not take it, what was told holds on.
    if (!this.#renewed) this.#why = why;
    try {
      if (why !== null) {
        await file.renew();
        this.#renewed = true;
      }
      if (this.#renewed) {
        await onRenewed();
        this.#renewed = false;
        this.#why = null;
        log.info('the socket and its file were made again');
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      log.peer('warn', `renew ${text}`, `the socket cannot be made again: ${text}`);
    }
    onChange(this.#why);
  }
}
