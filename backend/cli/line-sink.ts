/**
 * Writes lines to a descriptor that may fail or block, for a daemon that must do neither.
 *
 * A pipe that nobody reads, a reader that ended, a full file system: a line that cannot be written
 * waits in a bounded buffer or is counted as lost; the count is reported when lines pass again.
 */

import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { codeOf } from '../system-error.ts';

const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
/** What may wait for a reader that hesitates. */
const waitingBytesMax = 1 << 20;
/** A pipe with a slow reader is tried again after this; one that refuses, after the second. */
const againMs = 50;
const refusedAgainMs = 1000;

/** A line that says how many were lost, and why by the name of the last error. */
export type LostNotice = (lines: number, code: string) => string;

interface Output {
  /** Writes as much as is taken now. @throws what the system says; EAGAIN: nothing now. */
  write(bytes: Uint8Array): number;
  close(): void;
}

export interface LineSinkOptions {
  readonly notice: LostNotice;
  readonly waitingBytesMax?: number;
}

/** What waits; `lines`: how many lines of the log are lost with it. */
interface Piece {
  bytes: Uint8Array;
  readonly lines: number;
}

export class LineSink {
  readonly #out: Output;
  readonly #notice: LostNotice;
  readonly #bytesMax: number;
  readonly #waiting: Piece[] = [];
  #waitingBytes = 0;
  /** The first of those that wait is out in part. */
  #begun = false;
  #lost = 0;
  #why = '';
  #timer: NodeJS.Timeout | null = null;

  constructor(
    fd: number,
    { notice, waitingBytesMax: bytesMax = waitingBytesMax }: LineSinkOptions,
  ) {
    this.#out = openForLines(fd);
    this.#notice = notice;
    this.#bytesMax = bytesMax;
  }

  /** Lines that are gone, as far as nobody was told. */
  get lost(): number {
    return this.#lost;
  }

  /** Takes a line with its end. Neither waits nor throws. */
  write(line: string): void {
    this.#tell();
    // After a lost line the next ones are lost too, until the notice is written.
    if (this.#lost > 0 || !this.#put(Buffer.from(line), 1)) this.#lose(1, 'EAGAIN');
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
    this.#tell();
    this.#drain();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#out.close();
  }

  /** The notice goes before the next line: it finds out whether lines pass again. */
  #tell(): void {
    if (this.#lost === 0 || this.#waiting.length > 0) return;
    if (this.#put(Buffer.from(this.#notice(this.#lost, this.#why)), this.#lost)) this.#lost = 0;
  }

  /** False: there is no room. */
  #put(bytes: Uint8Array, lines: number): boolean {
    if (this.#waitingBytes + bytes.length > this.#bytesMax) return false;
    this.#waiting.push({ bytes, lines });
    this.#waitingBytes += bytes.length;
    return true;
  }

  #lose(lines: number, code: string): void {
    this.#lost += lines;
    this.#why = code;
  }

  #drain(): void {
    if (!this.#writeAll()) this.#tryLater(againMs);
    else if (this.#lost > 0) this.#tryLater(this.#why === 'EAGAIN' ? againMs : refusedAgainMs);
  }

  /** False: something waits until the descriptor takes more. What is refused is lost. */
  #writeAll(): boolean {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      try {
        const written = this.#out.write(first.bytes);
        this.#waitingBytes -= written;
        this.#begun = written < first.bytes.length;
        if (this.#begun) first.bytes = first.bytes.subarray(written);
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

  /** What is refused for the first is refused for all that wait. */
  #giveUp(code: string): void {
    this.#lose(
      this.#waiting.reduce((sum, { lines }) => sum + lines, 0),
      code,
    );
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    // A line without its end must not run into the next one.
    if (this.#begun) this.#put(Buffer.from('\n'), 0);
    this.#begun = false;
  }

  #tryLater(ms: number): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#tell();
      this.#drain();
    }, ms).unref();
  }
}

/**
 * A way to write there that never waits. O_NONBLOCK belongs to the open file, which others share
 * (a shell's terminal), so pipes and terminals are opened once more.
 */
function openForLines(fd: number): Output {
  const asItIs: Output = { write: (bytes) => writeSync(fd, bytes), close: () => {} };
  try {
    const facts = fstatSync(fd);
    if (facts.isSocket()) return socketWriter(fd);
    if (!facts.isFIFO() && !facts.isCharacterDevice()) return asItIs;
  } catch {
    return asItIs; // It is closed: each line will hear of that.
  }
  let own: number | null = null;
  const open = (): number => {
    own ??= openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    return own;
  };
  try {
    open();
  } catch (error) {
    // ENXIO: a pipe without a reader, which may come. Else it may not be opened by us: a pipe of
    // another user.
    if (codeOf(error) !== 'ENXIO') return socketWriter(fd);
  }
  return {
    write: (bytes) => writeSync(open(), bytes),
    close: () => own !== null && closeSync(own),
  };
}

/** libuv writes without waiting; what it holds counts as not written yet. */
function socketWriter(fd: number): Output {
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
