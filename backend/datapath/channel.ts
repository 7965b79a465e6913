/**
 * A UNIX stream socket that carries messages and the descriptors beside them: the other side of
 * native/process/channel.hpp, which says what a frame is.
 */

import { messageLimits, type NativeFdSocket } from '../../native/boundary/index.ts';
import { ValenicError } from '../errors.ts';

const headBytes = 8;
/** Descriptors that one sendmsg() of NativeFdSocket takes. */
const descriptorsACall = 64;
const receiveBytes = 65_536;

interface Outgoing {
  readonly bytes: Uint8Array;
  readonly descriptors: readonly number[];
}

export interface ChannelHandlers {
  /** The descriptors are the handler's. */
  readonly onMessage: (message: Buffer, descriptors: readonly number[]) => void;
  /** Once, and nothing comes after it. Null: the other side just closed it. */
  readonly onEnd: (reason: string | null) => void;
}

/** For one owner, who closes it. */
export class Channel {
  readonly #socket: NativeFdSocket;
  readonly #handlers: ChannelHandlers;
  /** Closes what was sent, or could not be. */
  readonly #closeFd: (fd: number) => void;
  readonly #outgoing: Outgoing[] = [];
  #incoming: Buffer = Buffer.alloc(0);
  readonly #descriptors: number[] = [];
  #ended = false;

  constructor(socket: NativeFdSocket, closeFd: (fd: number) => void, handlers: ChannelHandlers) {
    this.#socket = socket;
    this.#closeFd = closeFd;
    this.#handlers = handlers;
    this.#listen();
  }

  /** The descriptors are the channel's from here on, also when it has ended. */
  send(message: Uint8Array, descriptors: readonly number[]): void {
    if (this.#ended) {
      this.#closeAll(descriptors);
      return;
    }
    this.#outgoing.push(...partsOf(message, descriptors));
    if (this.#outgoing[0] !== undefined) this.#flush();
  }

  close(): void {
    this.#end(null);
  }

  #listen(): void {
    this.#socket.onceReadable(() => {
      if (this.#ended) return;
      this.#receive();
      if (!this.#ended) this.#listen();
    });
  }

  #receive(): void {
    try {
      const got = this.#socket.receive(receiveBytes);
      if (got === null) return;
      this.#descriptors.push(...got.fds);
      this.#incoming = Buffer.concat([this.#incoming, got.bytes]);
      if (got.bytes.length === 0) this.#end(this.#cut());
      else this.#takeFrames();
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error));
    }
  }

  #cut(): string | null {
    return this.#incoming.length === 0 ? null : 'it was cut off in the middle of a message';
  }

  #takeFrames(): void {
    while (!this.#ended && this.#incoming.length >= headBytes) {
      const bytes = this.#incoming.readUInt32LE(0);
      const count = this.#incoming.readUInt32LE(4);
      if (bytes > messageLimits.bytes || count > messageLimits.descriptors) {
        this.#end('what came is not a message: too long, or with too many descriptors');
        return;
      }
      const end = headBytes + bytes;
      if (this.#incoming.length < end) return;
      if (this.#descriptors.length < count) {
        this.#end('a message came without its descriptors');
        return;
      }
      const message = this.#incoming.subarray(headBytes, end);
      this.#incoming = this.#incoming.subarray(end);
      this.#handlers.onMessage(message, this.#descriptors.splice(0, count));
    }
  }

  #flush(): void {
    try {
      for (let next = this.#outgoing[0]; next !== undefined; next = this.#outgoing[0]) {
        const taken = this.#socket.send(next.bytes, next.descriptors);
        if (taken === 0) {
          this.#socket.onceWritable(() => !this.#ended && this.#flush());
          return;
        }
        this.#closeAll(next.descriptors);
        const bytes = next.bytes.subarray(taken);
        if (bytes.length === 0) this.#outgoing.shift();
        else this.#outgoing[0] = { bytes, descriptors: [] };
      }
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error));
    }
  }

  #end(reason: string | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#closeAll(this.#descriptors.splice(0));
    for (const { descriptors } of this.#outgoing.splice(0)) this.#closeAll(descriptors);
    this.#socket.close();
    this.#handlers.onEnd(reason);
  }

  #closeAll(descriptors: readonly number[]): void {
    for (const fd of descriptors) this.#closeFd(fd);
  }
}

/** A frame in as many parts as its descriptors need: each comes with a byte at least. */
function partsOf(message: Uint8Array, descriptors: readonly number[]): Outgoing[] {
  if (message.length > messageLimits.bytes || descriptors.length > messageLimits.descriptors) {
    throw new ValenicError('internal', 'the message is too long for the datapath');
  }
  const frame = Buffer.alloc(headBytes + message.length);
  frame.writeUInt32LE(message.length, 0);
  frame.writeUInt32LE(descriptors.length, 4);
  frame.set(message, headBytes);
  const calls = Math.max(1, Math.ceil(descriptors.length / descriptorsACall));
  return Array.from({ length: calls }, (_, call) => ({
    bytes: frame.subarray(call, call === calls - 1 ? undefined : call + 1),
    descriptors: descriptors.slice(call * descriptorsACall, (call + 1) * descriptorsACall),
  }));
}
