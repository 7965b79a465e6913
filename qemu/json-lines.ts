/**
 * One JSON object per line over a UNIX socket: what QMP and the guest agent both speak.
 *
 * Bounded: a peer that never ends its line is disconnected. Numbers above 2^53 lose precision, as
 * JSON.parse does; none of the commands used here depends on them.
 */

import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** sun_path holds 108 bytes with its final zero (unix(7)). */
export const maxSocketPathBytes = 107;
/** Longer than any answer of QEMU 7.2 or 11 by a factor of ten (query-qmp-schema: 0.2 MB). */
const maxLineBytes = 4 << 20;

export interface JsonLineHandlers {
  readonly onObject: (object: Record<string, unknown>) => void;
  /** Called once. `reason` is a sentence; null when we closed it ourselves. */
  readonly onClose: (reason: string | null) => void;
}

/** A connected socket that sends and receives JSON objects. */
export class JsonLineSocket {
  readonly #socket: Socket;
  readonly #handlers: JsonLineHandlers;
  #chunks: Buffer[] = [];
  #bufferedBytes = 0;
  #reason: string | null = 'the other side closed the connection';
  #closed = false;

  constructor(socket: Socket, handlers: JsonLineHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A process that ends with unread bytes in its socket resets the connection: also a close.
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return;
      if (this.#reason !== null) this.#reason = error.message;
    });
    socket.on('close', () => {
      this.#closed = true;
      this.#handlers.onClose(this.#reason);
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(object: unknown): void {
    this.#socket.write(`${JSON.stringify(object)}\n`);
  }

  /** Closes without waiting for the peer. Idempotent. */
  close(reason: string | null = null): void {
    if (this.#closed) return;
    this.#reason = reason;
    this.#closed = true;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      this.#chunks.push(chunk.subarray(start, end));
      start = end + 1;
      const line = Buffer.concat(this.#chunks).toString('utf8').trim();
      this.#chunks = [];
      this.#bufferedBytes = 0;
      if (line !== '') this.#parse(line);
      if (this.#closed) return;
    }
    if (start === chunk.length) return;
    this.#chunks.push(chunk.subarray(start));
    this.#bufferedBytes += chunk.length - start;
    if (this.#bufferedBytes > maxLineBytes) {
      this.close(`a line is longer than ${maxLineBytes} bytes`);
    }
  }

  #parse(line: string): void {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      this.close(`a line is not JSON: ${line.slice(0, 80)}`);
      return;
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.close(`a line is not a JSON object: ${line.slice(0, 80)}`);
      return;
    }
    this.#handlers.onObject(value as Record<string, unknown>);
  }
}

/** Refuses a path that bind() or connect() would cut short. */
export function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > maxSocketPathBytes) {
    throw new RangeError(
      `the socket path ${path} is ${bytes} bytes long; UNIX sockets allow ${maxSocketPathBytes}`,
    );
  }
}

/** Connects; keeps trying while the socket does not exist yet or nobody listens. */
export async function connectUnix(
  path: string,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<Socket> {
  checkSocketPath(path);
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      return await connectOnce(path);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const mayCome = code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'EAGAIN';
      if (!mayCome || Date.now() >= deadline) throw error;
    }
    await delay(10);
  }
}

function connectOnce(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
