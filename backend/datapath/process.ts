/** The carrier to a datapath in a process of its own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Carrier,
  decodeEvent,
  decodeHead,
  type NativeAddon,
} from '../../native/boundary/index.ts';
import { ValenicError } from '../errors.ts';
import type { CarrierPlace } from './carried.ts';
import { Channel } from './channel.ts';
import { packageRoot } from './load.ts';

/** Where the build leaves it, from the package's root. */
const builtProgram = 'build/release/native/valenic-datapath';
/** It ends within milliseconds, but for a worker that is stuck. */
const endGraceMs = 10_000;

export interface ProcessOptions {
  readonly maxPorts: number;
  /** The process ended, or what it says is not understood: one sentence. */
  readonly onLost: (sentence: string) => void;
}

/**
 * Starts it. Resolves when it answers.
 *
 * @throws {ValenicError} `datapath_lost`: it did not start.
 */
export async function processCarrier(
  addon: NativeAddon,
  { maxPorts, onLost }: ProcessOptions,
): Promise<CarrierPlace> {
  const closeFd = (fd: number) => addon.closeForeignFd(fd, 0);
  const [ours, theirs] = addon.socketPair();
  const child = spawn(programPath(), ['--socket', '3', '--ports', `${maxPorts}`], {
    stdio: ['ignore', 'ignore', 'inherit', theirs],
  });
  addon.closeFd(theirs);
  const carrier = new ProcessCarrier(addon, { child, socket: ours, closeFd, onLost });
  await carrier.ready;
  return {
    closeFd,
    open: (onMessage) => {
      carrier.onEvent = onMessage;
      return carrier;
    },
  };
}

/** @throws {ValenicError} `datapath_lost` */
function programPath(): string {
  const path = process.env.VALENIC_DATAPATH ?? join(packageRoot(), builtProgram);
  if (existsSync(path)) return path;
  throw new ValenicError('datapath_lost', `${path} is not there: run "npm run build" first`);
}

interface Parts {
  readonly child: ChildProcess;
  readonly socket: number;
  readonly closeFd: (fd: number) => void;
  readonly onLost: (sentence: string) => void;
}

interface Waiting {
  readonly resolve: (message: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

class ProcessCarrier implements Carrier {
  /** Resolves with the stats page's arrival. */
  readonly ready: Promise<void>;
  onEvent: (message: Uint8Array) => void = () => {};

  readonly #addon: NativeAddon;
  readonly #parts: Parts;
  readonly #channel: Channel;
  readonly #ended: Promise<string>;
  /** By the number of the request. */
  readonly #waiting = new Map<number, Waiting>();
  #greeted: (lost?: Error) => void = () => {};
  #stats: BigUint64Array | null = null;
  #lost: string | null = null;
  /** To end. */
  #told = false;
  #closing: Promise<void> | null = null;

  constructor(addon: NativeAddon, parts: Parts) {
    this.#addon = addon;
    this.#parts = parts;
    this.ready = new Promise((resolve, reject) => {
      this.#greeted = (lost) => (lost === undefined ? resolve() : reject(lost));
    });
    this.#ended = endOf(parts.child);
    this.#channel = new Channel(addon.adoptFdSocket(parts.socket), parts.closeFd, {
      onMessage: (message, descriptors) => this.#take(message, descriptors),
      onEnd: (reason) => void this.#over(reason),
    });
  }

  get stats(): BigUint64Array {
    if (this.#stats === null) throw new ValenicError('internal', 'the datapath is not ready');
    return this.#stats;
  }

  send(message: Uint8Array, descriptors: readonly number[]): Promise<Uint8Array> {
    if (this.#lost !== null || this.#told) {
      for (const fd of descriptors) this.#parts.closeFd(fd);
      return Promise.reject(lostError(this.#lost ?? 'the datapath is closed'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.set(decodeHead(message).request, { resolve, reject });
      this.#channel.send(message, descriptors);
    });
  }

  close(): Promise<void> {
    this.#told = true;
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#channel.close();
    const { child } = this.#parts;
    const timer = setTimeout(() => child.kill('SIGKILL'), endGraceMs);
    await this.#ended;
    clearTimeout(timer);
  }

  #take(message: Buffer, descriptors: readonly number[]): void {
    const { form, request } = decodeHead(message);
    if (form === 'event') {
      this.#takeEvent(message, descriptors);
      return;
    }
    for (const fd of descriptors) this.#parts.closeFd(fd);
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    waiting?.resolve(message);
  }

  #takeEvent(message: Buffer, descriptors: readonly number[]): void {
    if (this.#stats !== null) {
      for (const fd of descriptors) this.#parts.closeFd(fd);
      this.onEvent(message);
      return;
    }
    const event = decodeEvent(message);
    const [page] = descriptors;
    if (event?.event !== 'ready' || page === undefined) {
      throw new ValenicError('datapath_lost', 'the datapath does not begin with its stats page');
    }
    this.#stats = this.#addon.mapWords(page, Number(event.statsBytes));
    this.#addon.closeFd(page);
    this.#greeted();
  }

  /** The other side is gone, or cannot be understood: there is nothing to go on with. */
  async #over(reason: string | null): Promise<void> {
    if (this.#told) return this.#forget('the datapath is closed');
    if (reason !== null) this.#parts.child.kill('SIGKILL');
    const how = await this.#ended;
    const sentence = `the datapath process ${reason === null ? how : `was given up: ${reason}`}`;
    this.#forget(sentence);
    this.#greeted(lostError(sentence));
    if (this.#stats !== null) this.#parts.onLost(sentence);
  }

  #forget(sentence: string): void {
    this.#lost = sentence;
    for (const { reject } of this.#waiting.values()) reject(lostError(sentence));
    this.#waiting.clear();
  }
}

function lostError(sentence: string): ValenicError {
  return new ValenicError('datapath_lost', sentence);
}

/** How it ended, as the end of a sentence. Never rejects. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve(`could not be started: ${message}`));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
    );
  });
}
