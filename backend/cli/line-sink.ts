/**
 * Lines to a descriptor that may fail or stand still, for a daemon that must do neither.
 *
 * A pipe that nobody reads, a reader that ended, a full file system: a line that cannot be written
 * waits in a bounded memory or is counted as lost, and the count is told when lines pass again.
 */

import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { codeOf } from '../vhost-user/faults.ts';

/** What may wait for a reader that hesitates. */
const waitingBytesMax = 1 << 20;
/** A pipe with a slow reader is tried again after this; one that refuses, after the second. */
const againMs = 50;
const refusedAgainMs = 1000;

/** A line that says how many were lost, and why by the name of the last error. */
export type LostNotice = (lines: number, code: string) => string;

/** Writes as much as is taken now. @throws what the system says; EAGAIN: nothing now. */
type Write = (bytes: Uint8Array) => number;

export interface LineSinkOptions {
  readonly notice: LostNotice;
  readonly waitingBytesMax?: number;
}

export class LineSink {
  readonly #write: Write;
  readonly #close: () => void;
  readonly #notice: LostNotice;
  readonly #bytesMax: number;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** Of the first that waits: its start is out already. */
  #begun = false;
  #lost = 0;
  #why = '';
  #timer: NodeJS.Timeout | null = null;

  constructor(fd: number, { notice, waitingBytesMax: bytesMax = waitingBytesMax }: LineSinkOptions) {
    const { write, close } = openForLines(fd);
    this.#write = write;
    this.#close = close;
    this.#notice = notice;
    this.#bytesMax = bytesMax;
  }

  /** Lines that were given and are gone, as far as nobody was told. */
  get lost(): number {
    return this.#lost;
  }

  /** Takes a line with its end. Neither waits nor throws. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#waitingBytes + bytes.length > this.#bytesMax) this.#count(1, 'EAGAIN');
    else this.#put(bytes);
    this.#drain();
  }

  /** Gives what waits a last chance, and lets go of the descriptor. */
  async close(patienceMs: number): Promise<void> {
    const deadline = performance.now() + patienceMs;
    this.#drain();
    while (this.#waiting.length > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, againMs));
      this.#drain();
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#close();
  }

  #put(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #count(lines: number, code: string): void {
    this.#lost += lines;
    this.#why = code;
  }

  #drain(): void {
    if (!this.#writeAll()) return this.#tryLater(againMs);
    if (this.#lost === 0) return;
    // It passes again, as far as we know: the notice is what finds out.
    const [lines, code] = [this.#lost, this.#why];
    this.#put(Buffer.from(this.#notice(lines, code)));
    this.#lost = 0;
    if (!this.#writeAll()) this.#tryLater(againMs);
    // The notice itself is no line of the log.
    else if (this.#lost > 0) this.#lost = lines;
    if (this.#lost > 0) this.#tryLater(refusedAgainMs);
  }

  /** False: something waits, and more may be taken later. What is refused is lost. */
  #writeAll(): boolean {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      try {
        const written = this.#write(first);
        this.#waitingBytes -= written;
        this.#begun = written < first.length;
        if (this.#begun) this.#waiting[0] = first.subarray(written);
        else this.#waiting.shift();
      } catch (error) {
        const code = codeOf(error) ?? 'EIO';
        if (code === 'EAGAIN' || code === 'EINTR') return false;
        this.#giveUp(code);
        return true;
      }
    }
    return true;
  }

  /** What was refused is refused for all that wait. */
  #giveUp(code: string): void {
    this.#count(this.#waiting.length, code);
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    // A line without its end must not run into the next one.
    if (this.#begun) this.#put(Buffer.from('\n'));
    this.#begun = false;
  }

  #tryLater(ms: number): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#drain();
    }, ms).unref();
  }
}

/**
 * A way to write there that never waits. O_NONBLOCK belongs to the open file, which others share
 * (a shell's terminal), so pipes and terminals are opened once more.
 */
function openForLines(fd: number): { write: Write; close: () => void } {
  const nothing = () => {};
  try {
    const facts = fstatSync(fd);
    if (facts.isSocket()) return socketWriter(fd);
    if (!facts.isFIFO() && !facts.isCharacterDevice()) {
      return { write: (bytes) => writeSync(fd, bytes), close: nothing };
    }
  } catch {
    return { write: (bytes) => writeSync(fd, bytes), close: nothing };
  }
  let own: number | null = null;
  const open = (): number => {
    own ??= openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | noTerminal);
    return own;
  };
  try {
    open();
  } catch (error) {
    // ENXIO: a pipe without a reader, which may come. Else it may not be opened by us: a pipe of
    // another user.
    if (codeOf(error) !== 'ENXIO') return socketWriter(fd);
  }
  return { write: (bytes) => writeSync(open(), bytes), close: () => own !== null && closeSync(own) };
}

const noTerminal = constants.O_NOCTTY;

/** libuv writes without waiting; what it holds counts as not written yet. */
function socketWriter(fd: number): { write: Write; close: () => void } {
  const socket = new Socket({ fd, readable: false, writable: true });
  socket.unref();
  let failed: Error | null = null;
  socket.on('error', (error) => {
    failed = error;
  });
  const write = (bytes: Uint8Array): number => {
    if (failed !== null) throw failed;
    if (socket.writableLength > 0) throw Object.assign(new Error('busy'), { code: 'EAGAIN' });
    socket.write(bytes);
    return bytes.length;
  };
  return { write, close: () => {} };
}
