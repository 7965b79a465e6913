/** Words for the operator. */

/** The part of pino's logger that is used here. */
export interface Logger {
  debug(context: object, message: string): void;
  info(context: object, message: string): void;
  warn(context: object, message: string): void;
  error(context: object, message: string): void;
}

/** Writes nothing. */
export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** How often a guest or a front-end can make us write the same kind of line. */
const repeatAfterMs = 10_000;
/** Kinds remembered; when there are more, all are forgotten. */
const maxKinds = 64;

/**
 * Keeps a peer from filling the log: a kind of line is written once in ten seconds, the rest goes
 * to the debug level.
 */
export class PeerLog {
  readonly #log: Logger;
  readonly #context: object;
  readonly #last = new Map<string, number>();

  constructor(log: Logger, context: object) {
    this.#log = log;
    this.#context = context;
  }

  /** The log behind it, for what names its peer itself. */
  get logger(): Logger {
    return this.#log;
  }

  /** A peer can bring it about as often as it likes. `kind` is what makes two lines the same. */
  peer(level: 'info' | 'warn', kind: string, message: string, context: object = {}): void {
    const now = performance.now();
    const last = this.#last.get(kind);
    const often = last !== undefined && now - last < repeatAfterMs;
    if (!often) {
      if (this.#last.size >= maxKinds) this.#last.clear();
      this.#last.set(kind, now);
    }
    this.#log[often ? 'debug' : level]({ ...this.#context, ...context }, message);
  }

  debug(message: string, context: object = {}): void {
    this.#log.debug({ ...this.#context, ...context }, message);
  }

  info(message: string, context: object = {}): void {
    this.#log.info({ ...this.#context, ...context }, message);
  }

  warn(message: string, context: object = {}): void {
    this.#log.warn({ ...this.#context, ...context }, message);
  }

  error(message: string, context: object = {}): void {
    this.#log.error({ ...this.#context, ...context }, message);
  }
}
