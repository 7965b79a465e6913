/**
 * A front-end in the test's own hands, a datapath that writes down what it is told, and counters.
 */

import { readdirSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect } from 'vitest';
import { type Logger, PeerLog } from '../../../backend/log.ts';
import { writeMessage } from '../../../backend/vhost-user/connection.ts';
import type { PeerFault } from '../../../backend/vhost-user/faults.ts';
import { foreignFds } from '../../../backend/vhost-user/fds.ts';
import { offerOf } from '../../../backend/vhost-user/offer.ts';
import { type Payload, writePayload } from '../../../backend/vhost-user/payload.ts';
import { Session } from '../../../backend/vhost-user/session.ts';
import {
  featureMask,
  type ProtocolFeatureName,
  protocolFeatureMask,
  type RequestName,
  requests,
  type VirtioFeatureName,
} from '../../../frontend-spec/index.ts';
import type {
  CommandName,
  Commands,
  NativeAddon,
  NativeDatapath,
  NativeFdSocket,
  RingStart,
} from '../../../native/boundary/index.ts';
import { comesWithinMs } from '../support.ts';

export const addon: NativeAddon = createRequire(import.meta.url)(
  '../../../build/release/native/valenic.node',
);

/** One command as it came, its descriptors told by what they are. */
export interface Recorded {
  readonly name: CommandName;
  readonly argument: Readonly<Record<string, unknown>>;
}

/** Takes the place of the datapath: it owns the descriptors it is given, and answers. */
export class RecordingDatapath implements NativeDatapath {
  readonly stats = new BigUint64Array(64);
  readonly log: Recorded[] = [];
  /** The error `code` that the next command of this name is refused with. */
  readonly refuse = new Map<CommandName, string>();
  /** What vhost.ring.stop answers. */
  base = 0;
  /** Where vhost.ring.start answers that the ring begins; where it was told when undefined. */
  used: number | undefined;
  /** Resolves before a command is carried out. */
  before: (name: CommandName) => Promise<void> = async () => {};

  async command<Name extends CommandName>(
    name: Name,
    argument: Commands[Name][0],
  ): Promise<Commands[Name][1]> {
    const values = { ...(argument as object) } as Record<string, unknown>;
    this.log.push({ name, argument: values });
    await this.before(name);
    for (const fd of descriptors(values)) addon.closeFd(fd);
    const code = this.refuse.get(name);
    if (code !== undefined) {
      this.refuse.delete(name);
      throw Object.assign(new Error(`refused: ${code}`), { code });
    }
    return this.#answer(name, values) as Commands[Name][1];
  }

  #answer(name: CommandName, values: Readonly<Record<string, unknown>>): object {
    if (name === 'vhost.ring.stop') return { base: this.base };
    if (name !== 'vhost.ring.start') return {};
    return { base: this.used ?? (values.start as RingStart).base };
  }

  /** Names of the commands so far, in order; with an argument, those of one ring. */
  names(ring?: number): CommandName[] {
    const ofRing = (entry: Recorded) => ring === undefined || entry.argument.ring === ring;
    return this.log.filter(ofRing).map(({ name }) => name);
  }

  last(name: CommandName): Readonly<Record<string, unknown>> | undefined {
    return this.log.findLast((entry) => entry.name === name)?.argument;
  }

  async close(): Promise<void> {}
}

function descriptors(values: Readonly<Record<string, unknown>>): number[] {
  const regions = (values.regions ?? []) as { fd: number }[];
  const fds = [values.kickFd, values.callFd, ...regions.map(({ fd }) => fd)];
  return fds.filter((fd): fd is number => typeof fd === 'number' && fd >= 0);
}

/** Lines of all levels. */
export class RecordingLog implements Logger {
  readonly lines: { level: string; message: string; context: object }[] = [];
  readonly #at = (level: string) => (context: object, message: string) => {
    this.lines.push({ level, message, context });
  };
  debug = this.#at('debug');
  info = this.#at('info');
  warn = this.#at('warn');
  error = this.#at('error');

  messages(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }
}

const kept: (() => Promise<void> | void)[] = [];
/** Runs when the test is over; the last one first. */
export function later(work: () => Promise<void> | void): void {
  kept.push(work);
}
afterEach(async () => {
  for (const work of kept.splice(0).reverse()) await work();
});

/** The front-end's end of a connection. */
export class Frontend {
  readonly socket: NativeFdSocket;
  #closed = false;

  constructor(socket: NativeFdSocket) {
    this.socket = socket;
    later(() => this.close());
  }

  /** Bytes as they are; `fds` are closed here, since the peer has its own then. */
  async bytes(bytes: Uint8Array, fds: readonly number[] = []): Promise<void> {
    let rest = bytes;
    let pending = fds;
    try {
      while (rest.byteLength > 0) {
        const sent = this.socket.send(rest, pending);
        rest = rest.subarray(sent);
        if (sent > 0) pending = [];
        else await new Promise<void>((resolve) => this.socket.onceWritable(resolve));
      }
    } catch (error) {
      // The backend may be gone already; the test notices that in another way.
      if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error;
    } finally {
      for (const fd of fds) addon.closeFd(fd);
    }
  }

  async send<Name extends RequestName>(
    name: Name,
    payload: Payload<(typeof requests)[Name]['payload']> | Buffer,
    options: { fds?: readonly number[]; needReply?: boolean } = {},
  ): Promise<void> {
    const row = requests[name];
    const bytes = Buffer.isBuffer(payload) ? payload : writePayload(row.payload, payload as never);
    await this.bytes(
      writeMessage(row.id, 0x1 | (options.needReply === true ? 0x8 : 0), bytes),
      options.fds ?? [],
    );
  }

  /** The next answer: null when the backend closed the connection. */
  async answer(): Promise<{ request: number; flags: number; payload: Buffer } | null> {
    const header = await this.#read(12);
    if (header === null) return null;
    const payload = await this.#read(header.readUInt32LE(8));
    if (payload === null) return null;
    return { request: header.readUInt32LE(0), flags: header.readUInt32LE(4), payload };
  }

  /** Sends and waits for the answer's payload. */
  async ask<Name extends RequestName>(
    name: Name,
    payload: Payload<(typeof requests)[Name]['payload']> | Buffer,
    options: { fds?: readonly number[]; needReply?: boolean } = {},
  ): Promise<Buffer | null> {
    await this.send(name, payload, options);
    const answer = await this.answer();
    if (answer === null) return null;
    expect(answer).toMatchObject({ request: requests[name].id, flags: 0x5 });
    return answer.payload;
  }

  async askU64(name: RequestName): Promise<bigint> {
    const bytes = await this.ask(name, Buffer.alloc(0));
    expect(bytes?.length).toBe(8);
    return bytes?.readBigUInt64LE() ?? -1n;
  }

  /** Waits until the backend has handled what was sent before. */
  async settled(): Promise<void> {
    await this.askU64('GET_FEATURES');
  }

  /** True when the backend closes without an answer. */
  async refused(): Promise<boolean> {
    return (await this.answer()) === null;
  }

  close(): void {
    if (!this.#closed) this.socket.close();
    this.#closed = true;
  }

  async #read(count: number): Promise<Buffer | null> {
    const pieces: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      const piece = this.#receive(missing);
      if (piece === null) {
        await new Promise<void>((resolve) => this.socket.onceReadable(resolve));
        continue;
      }
      if (piece.length === 0) return null;
      pieces.push(piece);
      missing -= piece.length;
    }
    return Buffer.concat(pieces);
  }

  #receive(count: number): Buffer | null {
    try {
      return this.socket.receive(count)?.bytes ?? null;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ECONNRESET') {
        return Buffer.alloc(0);
      }
      throw error;
    }
  }

  async negotiate(
    features: readonly VirtioFeatureName[] = ['VIRTIO_F_VERSION_1'],
    protocol: readonly ProtocolFeatureName[] = ['REPLY_ACK', 'MQ', 'CONFIGURE_MEM_SLOTS', 'STATUS'],
  ): Promise<void> {
    await this.send('SET_OWNER', {});
    if (protocol.length > 0) {
      await this.send('SET_PROTOCOL_FEATURES', { value: protocolFeatureMask(protocol) });
    }
    const all: VirtioFeatureName[] =
      protocol.length > 0 ? [...features, 'VHOST_USER_F_PROTOCOL_FEATURES'] : [...features];
    await this.send('SET_FEATURES', { value: featureMask(all) });
  }

  /** One region of `bytes` at guest address 0 and user address `userAddress`. */
  async shareMemory(bytes = 1 << 20, userAddress = memoryBase): Promise<void> {
    await this.send(
      'SET_MEM_TABLE',
      { numRegions: 1, padding: 0, rows: [region(0n, BigInt(bytes), userAddress)] },
      { fds: [addon.createMemFd('guest', bytes)] },
    );
  }

  /** All that QEMU says before a ring runs, in its order. */
  async setUpRing(index: number, size = 256): Promise<void> {
    await this.send('SET_VRING_NUM', { index, num: size });
    await this.send('SET_VRING_BASE', { index, num: 0 });
    await this.send('SET_VRING_ADDR', ringAddresses(index));
    await this.send('SET_VRING_KICK', { value: BigInt(index) }, { fds: [addon.createEventFd()] });
    await this.send('SET_VRING_CALL', { value: BigInt(index) }, { fds: [addon.createEventFd()] });
  }
}

export const memoryBase = 0x7f00_0000_0000n;

export function region(guestAddress: bigint, size: bigint, userAddress: bigint) {
  return { guestAddress, size, userAddress, mmapOffset: 0n };
}

/** 64 KiB for each ring, from the start of memory on; room for 1024 descriptors. */
export function ringAddresses(index: number, base = memoryBase): Payload<'vringAddr'> {
  const at = base + BigInt(index) * 0x10000n;
  const [descriptor, available, used] = [at, at + 0x4000n, at + 0x8000n];
  return { index, flags: 0, descriptor, available, used, log: 0n };
}

export interface Rig {
  readonly frontend: Frontend;
  readonly session: Session;
  readonly datapath: RecordingDatapath;
  readonly log: RecordingLog;
  /** Why the backend ended the connection. */
  readonly ended: Promise<PeerFault | null>;
}

/** A session at one end of a socket pair and a front-end at the other. */
export function rig(
  options: {
    queues?: number;
    mtu?: number;
    memoryNoticeMs?: number;
    settleMs?: number;
    offerConfig?: boolean;
    featuresMask?: bigint;
    datapath?: RecordingDatapath;
  } = {},
): Rig {
  const datapath = options.datapath ?? new RecordingDatapath();
  const [session, log, frontend] = sessionOn(datapath, 7, options);
  return { frontend, session, datapath, log, ended: runToEnd(session) };
}

/** Also works with a real datapath, if the port exists. */
export function sessionOn(
  datapath: NativeDatapath,
  port: number,
  options: Parameters<typeof rig>[0] = {},
): [Session, RecordingLog, Frontend] {
  const { queues = 1, memoryNoticeMs = 4000, settleMs = 30, mtu: most } = options;
  const mtu = () => most;
  const [ours, theirs] = addon.socketPair();
  const log = new RecordingLog();
  const session = new Session(
    {
      ...{ addon: foreignFds(addon, port), datapath, port, queues, mtu, memoryNoticeMs, settleMs },
      offer: offerOf({ ...options, queues }),
      log: new PeerLog(log, {}),
      onChange: () => {},
    },
    addon.adoptFdSocket(ours),
  );
  return [session, log, new Frontend(addon.adoptFdSocket(theirs))];
}

export function runToEnd(session: Session): Promise<PeerFault | null> {
  const ended = session.run();
  later(async () => {
    session.end(null);
    await ended;
  });
  return ended;
}

/**
 * Open descriptors of this process, by what they are: eventfd, memfd, sockets and the rest. Those
 * that are being closed elsewhere are waited for; one that never closes hangs the test.
 */
export function openFds(): Readonly<Record<string, number>> {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  while (addon.foreignFdsWaiting() > 0) Atomics.wait(pause, 0, 0, 1);
  const counts: Record<string, number> = {};
  for (const fd of readdirSync('/proc/self/fd')) {
    const link = linkOf(fd);
    if (link === undefined) continue;
    const kind = link.replace(/:\[\d+\]$/, '').replace(/ \(deleted\)$/, '');
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

function linkOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined; // The one that read the directory.
  }
}

/** Makes the addon open what it keeps open for good. */
export async function warmUp(): Promise<void> {
  const [one, other] = addon.socketPair();
  const socket = addon.adoptFdSocket(one);
  const readable = new Promise<void>((resolve) => socket.onceReadable(resolve));
  addon.closeFd(other);
  await readable;
  socket.close();
}

/** After the test and its clean-up, the same descriptors are open as before. */
export function expectNoLeak(): void {
  const before = openFds();
  later(() => eventually(() => expect(openFds()).toEqual(before)));
}

/** Waits until `check` does not throw any more. @throws what it threw last. */
export async function eventually(check: () => void): Promise<void> {
  const end = performance.now() + comesWithinMs;
  for (;;) {
    try {
      return check();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await sleep(5);
  }
}
