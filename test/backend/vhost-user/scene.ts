/** A session on the real datapath, and a guest in the test's own hands. */

import { readSync, writeSync } from 'node:fs';
import { expect } from 'vitest';
import { addonCarrier, CarriedDatapath } from '../../../backend/datapath/carried.ts';
import type { Session } from '../../../backend/vhost-user/session.ts';
import type { NativeDatapath } from '../../../native/boundary/index.ts';
import {
  addon,
  type Frontend,
  later,
  memoryBase,
  type RecordingLog,
  region,
  ringAddresses,
  runToEnd,
  sessionOn,
} from './support.ts';

export const memoryBytes = 1 << 20;
/** Where frames to be sent lie, behind the rings. */
export const framesAt = 0x8_0000;

/** A guest in the test's own hands: its memory is a file we can read and write. */
export class Guest {
  readonly memory = addon.createMemFd('guest', memoryBytes);
  readonly kicks = new Map<number, number>();
  #available = 0;

  constructor() {
    later(() => {
      for (const fd of [this.memory, ...this.kicks.values()]) addon.closeFd(fd);
    });
  }

  /** Puts one frame into TX ring 1 and kicks: virtio 1.2, 2.7 "Split Virtqueues". */
  send(bytes: number): void {
    const ring = 0x1_0000;
    const slot = this.#available % 256;
    const descriptor = Buffer.alloc(16);
    descriptor.writeBigUInt64LE(BigInt(framesAt + slot * 0x400));
    descriptor.writeUInt32LE(12 + bytes, 8);
    writeSync(this.memory, Buffer.alloc(12 + bytes, 0x02), 0, 12 + bytes, framesAt + slot * 0x400);
    writeSync(this.memory, descriptor, 0, 16, ring + slot * 16);
    const word = Buffer.alloc(2);
    word.writeUInt16LE(slot);
    writeSync(this.memory, word, 0, 2, ring + 0x4000 + 4 + slot * 2);
    this.#available = (this.#available + 1) & 0xffff;
    word.writeUInt16LE(this.#available);
    writeSync(this.memory, word, 0, 2, ring + 0x4000 + 2);
    this.kick(1);
  }

  kick(ring: number): void {
    const one = Buffer.alloc(8);
    one.writeBigUInt64LE(1n);
    writeSync(this.kicks.get(ring) ?? -1, one);
  }

  /** How much of a ring the device says it has used; TX ring 1 by default. */
  used(ring = 1): number {
    return this.read16(ring * 0x1_0000 + 0x8000 + 2);
  }

  /** Sets the used index and what is available as an earlier device left them. */
  leave(ring: number, used: number, available: number): void {
    this.write16(ring * 0x1_0000 + 0x8000 + 2, used);
    this.write16(ring * 0x1_0000 + 0x4000 + 2, available);
    if (ring === 1) this.#available = available;
  }

  read16(at: number): number {
    const word = Buffer.alloc(2);
    readSync(this.memory, word, 0, 2, at);
    return word.readUInt16LE();
  }

  write16(at: number, value: number): void {
    const word = Buffer.alloc(2);
    word.writeUInt16LE(value);
    writeSync(this.memory, word, 0, 2, at);
  }
}

export interface Scene {
  readonly guest: Guest;
  readonly frontend: Frontend;
  readonly session: Session;
  readonly log: RecordingLog;
  readonly datapath: NativeDatapath;
  readonly port: number;
  readonly ended: Promise<unknown>;
}

export async function scene(): Promise<Scene> {
  const sessions = new Map<number, Session>();
  const datapath = new CarriedDatapath(addonCarrier(addon), (event) =>
    sessions.get(event.port)?.handleEvent(event),
  );
  later(() => datapath.close());
  const { worker } = await datapath.command('worker.add', {});
  const { switch: id } = await datapath.command('switch.create', { name: 'vale0' });
  const common = { switch: id, queues: 1, workers: [worker] } as const;
  await datapath.command('port.create', { ...common, name: 'h', kind: 'host' });
  const { port } = await datapath.command('port.create', {
    ...{ ...common, name: 'vm1', kind: 'vhost', settings: { polling: 'event' } },
  });
  const [session, log, frontend] = sessionOn(datapath, port, { settleMs: 20 });
  sessions.set(port, session);
  const ended = runToEnd(session);
  return { guest: new Guest(), frontend, session, log, datapath, port, ended };
}

export const wholeMemory = { padding: 0n, ...region(0n, BigInt(memoryBytes), memoryBase) };

export async function shareMemory({ frontend, guest }: Scene): Promise<void> {
  const fds = [addon.duplicateFd(guest.memory)];
  const answer = await frontend.ask('ADD_MEM_REG', wholeMemory, { fds, needReply: true });
  expect(answer?.readBigUInt64LE()).toBe(0n);
}

/** @param base  Of SET_VRING_BASE; undefined: the front-end does not send one. */
export async function setUpRing(
  { frontend, guest }: Scene,
  ring: number,
  base?: number,
): Promise<void> {
  const kick = addon.createEventFd();
  const before = guest.kicks.get(ring);
  if (before !== undefined) addon.closeFd(before);
  guest.kicks.set(ring, kick);
  await frontend.send('SET_VRING_NUM', { index: ring, num: 256 });
  if (base !== undefined) await frontend.send('SET_VRING_BASE', { index: ring, num: base });
  await frontend.send('SET_VRING_ADDR', ringAddresses(ring));
  const fds = [addon.duplicateFd(kick)];
  await frontend.send('SET_VRING_KICK', { value: BigInt(ring) }, { fds });
  await frontend.send('SET_VRING_ENABLE', { index: ring, num: 1 });
}

export async function started(): Promise<Scene> {
  const made = await scene();
  await made.frontend.negotiate();
  await shareMemory(made);
  await setUpRing(made, 0);
  await setUpRing(made, 1);
  await made.frontend.settled();
  return made;
}
