/** Server-sent events: what happens, to everyone who listens. */

import type { ServerResponse } from 'node:http';
import { ValenicError } from '../errors.ts';
import type { ApiEvent, PortAnswer } from './api.ts';

/** Most listeners at a time. */
const maxListeners = 64;
/** A listener that is this far behind is let go: it would only eat memory. */
const maxBehindBytes = 1 << 20;
/** A comment now and then, so that both ends notice when the other is gone. */
const heartbeatMs = 15_000;
/**
 * A guest can change its port's state very often; only its last state in this time is sent.
 */
const settleMs = 50;

export class EventHub {
  readonly #listeners = new Set<ServerResponse>();
  readonly #changed = new Map<string, () => PortAnswer>();
  readonly #heartbeat: NodeJS.Timeout;
  #settling: NodeJS.Timeout | null = null;

  constructor() {
    this.#heartbeat = setInterval(() => this.#write(':\n\n'), heartbeatMs);
    this.#heartbeat.unref();
  }

  /** Sends events to `response` until it is closed. @throws {ValenicError} `limit_reached`. */
  subscribe(response: ServerResponse): void {
    if (this.#listeners.size >= maxListeners) {
      throw new ValenicError(
        'limit_reached',
        `there are already ${maxListeners} listeners to events`,
      );
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(':\n\n');
    this.#listeners.add(response);
    response.once('close', () => this.#listeners.delete(response));
    response.on('error', () => response.destroy());
  }

  publish(event: ApiEvent): void {
    this.#flush();
    this.#send(event);
  }

  /** @param read  Reads the port's state when it has settled. */
  changed(name: string, read: () => PortAnswer): void {
    if (this.#listeners.size === 0) return;
    this.#changed.set(name, read);
    this.#settling ??= setTimeout(() => this.#flush(), settleMs);
  }

  /** A port that is gone changes no more. */
  forget(name: string): void {
    this.#changed.delete(name);
  }

  close(): void {
    this.#flush();
    clearInterval(this.#heartbeat);
    for (const response of this.#listeners) response.end();
    this.#listeners.clear();
  }

  #flush(): void {
    if (this.#settling !== null) clearTimeout(this.#settling);
    this.#settling = null;
    const reads = [...this.#changed.values()];
    this.#changed.clear();
    for (const read of reads) this.#send({ event: 'port_changed', port: read() });
  }

  #send(event: ApiEvent): void {
    this.#write(`event: ${event.event}\ndata: ${JSON.stringify(event)}\n\n`);
  }

  #write(text: string): void {
    for (const response of this.#listeners) {
      if (response.writableLength > maxBehindBytes) response.destroy();
      else response.write(text);
    }
  }
}
