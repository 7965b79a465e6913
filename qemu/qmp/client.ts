/**
 * A QMP client over a UNIX socket: greeting, capabilities, commands with ids, events.
 *
 * @spec QEMU 7.2, "QEMU Machine Protocol Specification".
 */

import { deferred, within } from '../deferred.ts';
import { connectUnix, type JsonLineHandlers, JsonLineSocket } from '../json-lines.ts';
import {
  type QmpAnswer,
  type QmpArguments,
  type QmpCommandName,
  QmpConnectionError,
  QmpError,
  type QmpEvent,
  type QmpEventName,
  type QmpGreeting,
} from './protocol.ts';

const defaultTimeoutMs = 10_000;
/** QEMU itself suspends the monitor at 8 queued commands; more than this is a caller's bug. */
const maxPending = 64;

interface Pending {
  readonly command: string;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export interface QmpConnectOptions {
  /**
   * Milliseconds until the greeting must have come, 10 000 when absent. Waits for the socket too.
   */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** One monitor connection. QEMU serves one client per monitor socket at a time. */
export class QmpClient implements AsyncDisposable {
  readonly greeting: QmpGreeting;
  /** Resolves when the connection ended, with a sentence, or null when we closed it. */
  readonly closed: Promise<string | null>;
  readonly #lines: JsonLineSocket;
  readonly #pending: Map<number, Pending>;
  readonly #listeners: Set<(event: QmpEvent) => void>;
  #nextId = 1;

  private constructor(parts: QmpParts, greeting: QmpGreeting) {
    this.#lines = parts.lines;
    this.#pending = parts.pending;
    this.#listeners = parts.listeners;
    this.closed = parts.closed;
    this.greeting = greeting;
  }

  /**
   * Connects, waits for the greeting and leaves capabilities negotiation mode.
   *
   * @throws {QmpConnectionError} when nobody listens at `path` or what answers is no QMP monitor.
   */
  static async connect(path: string, options: QmpConnectOptions = {}): Promise<QmpClient> {
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    const deadline = Date.now() + timeoutMs;
    const socket = await connectUnix(path, { timeoutMs, signal: options.signal }).catch(
      (error: Error) => {
        throw new QmpConnectionError(`no QMP monitor at ${path}: ${error.message}`);
      },
    );
    const parts = listen((handlers) => new JsonLineSocket(socket, handlers));
    const greeting = await within(parts.greeting, deadline - Date.now()).catch((error: Error) => {
      throw new QmpConnectionError(`no QMP monitor at ${path}: ${error.message}`);
    });
    if (greeting === undefined) {
      parts.lines.close();
      throw new QmpConnectionError(`no QMP monitor at ${path}: no greeting within ${timeoutMs} ms`);
    }
    const client = new QmpClient(parts, greeting);
    await client.execute('qmp_capabilities', {}, { timeoutMs: Math.max(1, deadline - Date.now()) });
    return client;
  }

  /**
   * Runs one command.
   *
   * @throws {QmpError} QEMU refused it. @throws {QmpConnectionError} closed, or no answer in time;
   * an answer that comes later is dropped.
   */
  execute<Name extends QmpCommandName>(
    name: Name,
    ...[argument, options]: QmpArguments<Name>
  ): Promise<QmpAnswer<Name>> {
    return this.executeRaw(name, argument ?? {}, options) as Promise<QmpAnswer<Name>>;
  }

  /** Runs a command that the table of types does not know. Same errors as execute(). */
  executeRaw(
    name: string,
    argument: object = {},
    options: { readonly timeoutMs?: number } = {},
  ): Promise<unknown> {
    if (this.#lines.closed) {
      return Promise.reject(new QmpConnectionError(`${name}: the QMP connection is closed`));
    }
    if (this.#pending.size >= maxPending) {
      return Promise.reject(new QmpConnectionError(`${name}: ${maxPending} commands are waiting`));
    }
    const id = this.#nextId++;
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new QmpConnectionError(`${name}: QEMU did not answer within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#pending.set(id, { command: name, resolve, reject, timer });
      this.#lines.send({ execute: name, arguments: argument, id });
    });
  }

  /** Calls back for every event from now on; returns the function that ends this. */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The next event of that name (that `where` accepts) from now on. */
  waitForEvent<Name extends QmpEventName>(
    name: Name,
    options: { timeoutMs?: number; where?: (event: QmpEvent<Name>) => boolean } = {},
  ): Promise<QmpEvent<Name>> {
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        stop();
        settle();
      };
      const fail = (why: string): void => finish(() => reject(new QmpConnectionError(why)));
      const timer = setTimeout(
        () => fail(`the event ${name} did not come within ${timeoutMs} ms`),
        timeoutMs,
      );
      const stop = this.onEvent((event) => {
        if (event.name !== name) return;
        const typed = event as QmpEvent<Name>;
        if (options.where?.(typed) ?? true) finish(() => resolve(typed));
      });
      void this.closed.then((why) => fail(`${name}: ${why ?? 'the QMP connection is closed'}`));
    });
  }

  /** Closes our side; QEMU runs on. Commands still waiting reject. */
  async close(): Promise<void> {
    this.#lines.close();
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

interface QmpParts {
  readonly lines: JsonLineSocket;
  readonly pending: Map<number, Pending>;
  readonly listeners: Set<(event: QmpEvent) => void>;
  readonly greeting: Promise<QmpGreeting>;
  readonly closed: Promise<string | null>;
}

/** Sorts what comes into greeting, answers and events. */
function listen(open: (handlers: JsonLineHandlers) => JsonLineSocket): QmpParts {
  const pending = new Map<number, Pending>();
  const listeners = new Set<(event: QmpEvent) => void>();
  const greeting = deferred<QmpGreeting>();
  const closed = deferred<string | null>();
  greeting.promise.catch(() => {}); // connect() reports it; nothing else waits.
  const lines = open({
    onObject: (object) => {
      if ('event' in object) announce(listeners, object);
      else if ('QMP' in object) greeting.resolve(object.QMP as QmpGreeting);
      else settle(pending, object);
    },
    onClose: (reason) => {
      const why = reason ?? 'the QMP connection was closed';
      greeting.reject(new QmpConnectionError(why));
      for (const waiting of pending.values()) {
        clearTimeout(waiting.timer);
        waiting.reject(new QmpConnectionError(`${waiting.command}: ${why}`));
      }
      pending.clear();
      closed.resolve(reason);
    },
  });
  return { lines, pending, listeners, greeting: greeting.promise, closed: closed.promise };
}

function announce(
  listeners: ReadonlySet<(event: QmpEvent) => void>,
  object: Record<string, unknown>,
): void {
  const at = object.timestamp as { seconds: number; microseconds: number } | undefined;
  const event: QmpEvent = {
    name: String(object.event),
    data: object.data ?? {},
    timestampUs: at === undefined ? 0 : at.seconds * 1_000_000 + at.microseconds,
  };
  for (const listener of [...listeners]) listener(event);
}

/** Passes an answer to the waiter with its id; an answer after the deadline is dropped. */
function settle(pending: Map<number, Pending>, object: Record<string, unknown>): void {
  const id = object.id;
  const waiting = typeof id === 'number' ? pending.get(id) : undefined;
  if (typeof id !== 'number' || waiting === undefined) return;
  pending.delete(id);
  clearTimeout(waiting.timer);
  const error = object.error as { class?: string; desc?: string } | undefined;
  if (error === undefined) {
    waiting.resolve(object.return);
  } else {
    const errorClass = error.class ?? 'GenericError';
    waiting.reject(new QmpError(waiting.command, errorClass, error.desc ?? 'it gave no reason'));
  }
}
