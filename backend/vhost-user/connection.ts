/**
 * Bytes and descriptors of one socket, made into messages and back.
 *
 * Reads exactly a header and then exactly its payload, so a descriptor belongs to the message whose
 * bytes it came with. Takes a bounded number of messages in one turn of the event loop.
 *
 * @spec vhost-user, "Message Specification": Header.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NativeFdSocket } from '../../native/boundary/index.ts';
import { codeOf } from '../system-error.ts';
import { asPeerFault, fault } from './faults.ts';
import { FdBag, type FdFunctions } from './fds.ts';

/** request, flags, size: three 32-bit words. */
export const headerBytes = 12;
export const flagBits = { version: 0x1, versionMask: 0x3, reply: 0x4, needReply: 0x8 } as const;
/** Most descriptors that one message may carry; the native socket refuses more in one piece. */
export const maxFdsPerMessage = 64;

/** One request as it came. Whoever handles it closes what is left in `fds`. */
export interface Message {
  readonly request: number;
  readonly needReply: boolean;
  readonly payload: Buffer;
  readonly fds: FdBag;
}

export interface ConnectionLimits {
  /** Bytes of the longest payload of any request. */
  readonly maxPayloadBytes: number;
  /** Messages taken in one turn of the event loop, so that one peer cannot starve the rest. */
  readonly messagesPerTurn: number;
}

/** The requests of one front-end, one after the other. */
export class MessageConnection {
  readonly #addon: Pick<FdFunctions, 'closeFd'>;
  readonly #socket: NativeFdSocket;
  readonly #limits: ConnectionLimits;
  #closed = false;
  #takenThisTurn = 0;
  #wake: (() => void) | null = null;

  constructor(
    addon: Pick<FdFunctions, 'closeFd'>,
    socket: NativeFdSocket,
    limits: ConnectionLimits,
  ) {
    this.#addon = addon;
    this.#socket = socket;
    this.#limits = limits;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * The next request, or null when either side closed.
   *
   * @throws {PeerFault} when the header breaks a rule; the descriptors of that message are closed.
   */
  async next(): Promise<Message | null> {
    await this.#pace();
    const fds = new FdBag(this.#addon);
    let whole = false;
    try {
      const header = await this.#read(headerBytes, fds);
      if (header === null) return null;
      const { request, flags, size } = readHeader(header, this.#limits.maxPayloadBytes);
      const payload = await this.#read(size, fds);
      if (payload === null) {
        if (this.#closed) return null;
        throw fault('message_truncated', `request ${request}`);
      }
      whole = true;
      return { request, needReply: (flags & flagBits.needReply) !== 0, payload, fds };
    } finally {
      if (!whole) fds.closeAll();
    }
  }

  /** Answers a request. Waits while the peer does not read; false when the connection ended. */
  async reply(request: number, payload: Uint8Array): Promise<boolean> {
    let rest: Uint8Array = writeMessage(request, flagBits.version | flagBits.reply, payload);
    while (rest.byteLength > 0) {
      if (this.#closed) return false;
      const sent = this.#send(rest);
      if (sent < 0) return false;
      rest = rest.subarray(sent);
      if (sent === 0) await this.#until((callback) => this.#socket.onceWritable(callback));
    }
    return true;
  }

  /** Ends the connection; a pending next() gets null, a pending reply() false. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    this.#wake?.();
  }

  async #pace(): Promise<void> {
    if (++this.#takenThisTurn <= this.#limits.messagesPerTurn) return;
    await nextTurn();
    this.#takenThisTurn = 1;
  }

  /**
   * Exactly `count` bytes; null when the peer or we closed before the first of them (or any, if
   * ours).
   */
  async #read(count: number, fds: FdBag): Promise<Buffer | null> {
    const pieces: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      if (this.#closed) return null;
      const piece = this.#receive(missing);
      if (piece === null) {
        await this.#until((callback) => this.#socket.onceReadable(callback));
        this.#takenThisTurn = 0;
        continue;
      }
      fds.add(piece.fds);
      if (fds.count > maxFdsPerMessage) throw fault('fds_truncated');
      if (piece.bytes.length === 0) {
        if (pieces.length > 0) throw fault('message_truncated');
        return null;
      }
      pieces.push(piece.bytes);
      missing -= piece.bytes.length;
    }
    return pieces.length === 1 ? (pieces[0] ?? null) : Buffer.concat(pieces);
  }

  #receive(count: number): { bytes: Buffer; fds: number[] } | null {
    try {
      return this.#socket.receive(count);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'truncated') throw fault('fds_truncated');
      if (code === 'EMFILE') throw asPeerFault(error);
      if (code === 'ECONNRESET') return { bytes: Buffer.alloc(0), fds: [] };
      throw fault('socket_error', String(error), error);
    }
  }

  /** Bytes taken; -1 when the peer is gone. */
  #send(bytes: Uint8Array): number {
    try {
      return this.#socket.send(bytes, []);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EPIPE' || code === 'ECONNRESET') return -1;
      throw fault('socket_error', String(error), error);
    }
  }

  /** Resolves when the socket calls back, or when close() is called. */
  #until(subscribe: (callback: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null;
        resolve();
      };
      subscribe(this.#wake);
    });
  }
}

function readHeader(
  header: Buffer,
  maxPayloadBytes: number,
): { request: number; flags: number; size: number } {
  const request = header.readUInt32LE(0);
  const flags = header.readUInt32LE(4);
  const size = header.readUInt32LE(8);
  if ((flags & flagBits.versionMask) !== flagBits.version) {
    throw fault('version_unsupported', `request ${request}, flags 0x${flags.toString(16)}`);
  }
  if ((flags & ~(flagBits.versionMask | flagBits.needReply)) !== 0) {
    throw fault('header_flags_invalid', `request ${request}, flags 0x${flags.toString(16)}`);
  }
  if (size > maxPayloadBytes) throw fault('message_too_long', `request ${request}, ${size} bytes`);
  return { request, flags, size };
}

/** A whole message, header and payload. */
export function writeMessage(request: number, flags: number, payload: Uint8Array): Buffer {
  const message = Buffer.alloc(headerBytes + payload.byteLength);
  message.writeUInt32LE(request, 0);
  message.writeUInt32LE(flags, 4);
  message.writeUInt32LE(payload.byteLength, 8);
  message.set(payload, headerBytes);
  return message;
}
