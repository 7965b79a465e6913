/** A peer at the other end of a port with a socket, and the switch it talks to. */

import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Backend, Port, PortStats } from '../../../backend/index.ts';
import type { Logger } from '../../../backend/log.ts';
import type { PortSpec } from '../../../backend/ports/spec.ts';
import { testBackend, testFolder, until } from '../support.ts';

export const broadcast = 'ff:ff:ff:ff:ff:ff';

/** An Ethernet frame whose bytes after the header depend on `seed` and their place. */
export function frame(bytes: number, seed = 0, to = 0xff, from = 1): Buffer {
  const made = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at++) made[at] = (at * 7 + seed * 13) & 0xff;
  const addresses = to === 0xff ? Buffer.alloc(6, 0xff) : Buffer.from([2, 0, 0, 0, 0, to]);
  addresses.copy(made, 0, 0, Math.min(6, bytes));
  Buffer.from([2, 0, 0, 0, 0, from]).copy(made, 6);
  if (bytes >= 14) made.writeUInt16BE(0x88b5, 12);
  return made;
}

/** As QEMU writes it: four bytes of length, big-endian, then the frame. */
export function framed(...frames: readonly Buffer[]): Buffer {
  return Buffer.concat(
    frames.flatMap((one) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(one.length);
      return [length, one];
    }),
  );
}

/** Compares byte by byte; a deep comparison of so many takes seconds. */
export function same(got: readonly Buffer[], wanted: readonly Buffer[]): void {
  const differs = wanted.findIndex((one, index) => got[index]?.equals(one) !== true);
  if (differs >= 0 || got.length !== wanted.length) {
    throw new Error(`${got.length} of ${wanted.length} frames came; number ${differs} differs`);
  }
}

/** A peer of a stream port: what it received, cut into frames. */
export class StreamPeer {
  readonly socket: Socket;
  readonly frames: Buffer[] = [];
  #rest = Buffer.alloc(0);
  ended = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes) => this.#take(bytes));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.ended = true;
    });
  }

  static async connect(where: string | { port: number }): Promise<StreamPeer> {
    const socket = typeof where === 'string' ? connect(where) : connect(where.port, '127.0.0.1');
    const peer = new StreamPeer(socket);
    await until(
      () => socket.readyState,
      (state) => state === 'open',
    );
    return peer;
  }

  /** Resolves when the kernel has it. */
  write(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()));
  }

  async received(count: number): Promise<readonly Buffer[]> {
    await until(
      () => this.frames.length,
      (frames) => frames >= count,
    );
    return this.frames;
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 4) {
      const length = this.#rest.readUInt32BE(0);
      if (this.#rest.length < 4 + length) return;
      this.frames.push(this.#rest.subarray(4, 4 + length));
      this.#rest = this.#rest.subarray(4 + length);
    }
  }
}

/** A listening peer, for ports that connect. */
export async function listenAt(path: string): Promise<{ server: Server; peers: StreamPeer[] }> {
  const peers: StreamPeer[] = [];
  const server = createServer((socket) => void peers.push(new StreamPeer(socket)));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { server, peers };
}

export interface LinkRig {
  readonly backend: Backend;
  readonly folder: string;
  /** Adds a port of the switch `v`. */
  add(name: string, device: PortSpec['device'], settings?: PortSpec['settings']): Promise<Port>;
  stream(
    name: string,
    more?: Partial<Extract<PortSpec['device'], { kind: 'stream' }>>,
  ): Promise<Port>;
  path(name: string): string;
}

export async function linkRig(workers = 1, log?: Logger): Promise<LinkRig> {
  const backend = await testBackend({ workers, ...(log !== undefined && { log }) });
  const folder = await testFolder();
  const path = (name: string) => join(folder, `${name}.sock`);
  const add: LinkRig['add'] = (name, device, settings = {}) =>
    backend.addPort({ name: { switch: 'v', port: name }, device, settings });
  return {
    ...{ backend, folder, path, add },
    stream: (name, more = {}) =>
      add(name, { kind: 'stream', address: path(name), role: 'server', ...more }),
  };
}

export async function connected(port: Port): Promise<void> {
  await until(
    () => port.state().endpoint?.connected,
    (is) => is === true,
  );
}

export async function notConnected(port: Port): Promise<void> {
  await until(
    () => port.state().endpoint?.connected,
    (is) => is === false,
  );
}

/** Waits until a counter or drop of a port has at least this value. */
export function counted(
  port: Port,
  read: (stats: ReturnType<Port['stats']>) => number,
  least: number,
): Promise<number> {
  return until(
    () => read(port.stats()),
    (seen) => seen >= least,
  );
}

/**
 * What is counted once every worker is between two batches. A frame is with its peer before it is
 * counted, so that `stats()` of a moment after it came may lack it.
 */
export async function settledStats(port: Port): Promise<PortStats> {
  // As it is; and as any change of who may reach whom it is made while no worker is in a batch.
  await port.set({ isolate: port.settings.isolate });
  return port.stats();
}

/** A switch with a stream port `s` beside, and its peer. */
export async function withPeer(rig: LinkRig): Promise<StreamPeer> {
  await rig.stream('s');
  return StreamPeer.connect(rig.path('s'));
}

/** An interface that vanishes is reported; what is sent there is lost; it is found again. */
export async function goneAndBack(
  rig: LinkRig,
  port: Port,
  remove: () => void,
  restore: () => void,
): Promise<void> {
  remove();
  const gone = await until(
    () => port.state().endpoint,
    (link) => link?.connected === false,
  );
  expect(gone?.fault?.code).toBe('interface_gone');
  const peer = await withPeer(rig);
  await peer.write(framed(frame(60)));
  await counted(port, ({ drops }) => drops.rx_not_connected, 1);
  restore();
  await until(
    () => port.state().endpoint?.connected,
    (is) => is === true,
  );
  expect(port.state().endpoint?.fault).toBeNull();
  await peer.write(framed(frame(60)));
  await counted(port, ({ counters }) => counters.rx_frames, 1);
}
