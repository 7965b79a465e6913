/**
 * The session on the real datapath: frames move, positions survive, hostile memory closes one
 * device.
 */

import { fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Session } from '../../../backend/vhost-user/session.ts';
import type { NativeDatapath } from '../../../native/boundary.ts';
import {
  addon,
  eventually,
  expectNoLeak,
  type Frontend,
  later,
  memoryBase,
  type RecordingLog,
  region,
  ringAddresses,
  runToEnd,
  sessionOn,
  warmUp,
} from './support.ts';

beforeAll(warmUp);
beforeEach(expectNoLeak);

const memoryBytes = 1 << 20;
/** Where frames to be sent lie, behind the rings. */
const framesAt = 0x8_0000;

/** A guest in the test's own hands: its memory is a file we can read and write. */
class Guest {
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
    this.#available += 1;
    word.writeUInt16LE(this.#available);
    writeSync(this.memory, word, 0, 2, ring + 0x4000 + 2);
    this.kick(1);
  }

  kick(ring: number): void {
    const one = Buffer.alloc(8);
    one.writeBigUInt64LE(1n);
    writeSync(this.kicks.get(ring) ?? -1, one);
  }

  /** What the device says it has used of TX ring 1. */
  used(): number {
    const word = Buffer.alloc(2);
    readSync(this.memory, word, 0, 2, 0x1_0000 + 0x8000 + 2);
    return word.readUInt16LE();
  }
}

interface Scene {
  readonly guest: Guest;
  readonly frontend: Frontend;
  readonly session: Session;
  readonly log: RecordingLog;
  readonly datapath: NativeDatapath;
  readonly port: number;
  readonly ended: Promise<unknown>;
}

async function scene(): Promise<Scene> {
  const sessions = new Map<number, Session>();
  const datapath = new addon.Datapath({
    onEvent: (event) => sessions.get(event.port)?.handleEvent(event),
  });
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

const wholeMemory = { padding: 0n, ...region(0n, BigInt(memoryBytes), memoryBase) };

async function shareMemory({ frontend, guest }: Scene): Promise<void> {
  const fds = [addon.duplicateFd(guest.memory)];
  const answer = await frontend.ask('ADD_MEM_REG', wholeMemory, { fds, needReply: true });
  expect(answer?.readBigUInt64LE()).toBe(0n);
}

async function setUpRing({ frontend, guest }: Scene, ring: number): Promise<void> {
  const kick = addon.createEventFd();
  const before = guest.kicks.get(ring);
  if (before !== undefined) addon.closeFd(before);
  guest.kicks.set(ring, kick);
  await frontend.send('SET_VRING_NUM', { index: ring, num: 256 });
  await frontend.send('SET_VRING_ADDR', ringAddresses(ring));
  const fds = [addon.duplicateFd(kick)];
  await frontend.send('SET_VRING_KICK', { value: BigInt(ring) }, { fds });
  await frontend.send('SET_VRING_ENABLE', { index: ring, num: 1 });
}

async function started(): Promise<Scene> {
  const made = await scene();
  await made.frontend.negotiate();
  await shareMemory(made);
  await setUpRing(made, 0);
  await setUpRing(made, 1);
  await made.frontend.settled();
  return made;
}

const base = async ({ frontend }: Scene, index: number) =>
  (await frontend.ask('GET_VRING_BASE', { index, num: 0 }))?.readUInt32LE(4);

describe('a ring on the datapath', () => {
  it('sends, and GET_VRING_BASE says where it stopped', async () => {
    const made = await started();
    for (let i = 0; i < 5; ++i) made.guest.send(60);
    await eventually(() => expect(made.guest.used()).toBe(5));
    expect(await base(made, 1)).toBe(5);
    made.guest.send(60);
    await sleep(20);
    expect(made.guest.used()).toBe(5);
  });

  it('goes on where it was after a reconnection', async () => {
    const made = await started();
    made.guest.send(60);
    await eventually(() => expect(made.guest.used()).toBe(1));
    made.frontend.close();
    await made.ended;
    const [session, , frontend] = sessionOn(made.datapath, made.port);
    void runToEnd(session);
    const again = { ...made, session, frontend };
    await frontend.negotiate();
    await shareMemory(again);
    await frontend.send('SET_VRING_BASE', { index: 1, num: made.guest.used() });
    await setUpRing(again, 1);
    made.guest.send(60);
    await eventually(() => expect(made.guest.used()).toBe(2));
  });

  it('loses nothing while its memory is taken away and comes back', async () => {
    const made = await started();
    made.guest.send(60);
    await eventually(() => expect(made.guest.used()).toBe(1));
    await made.frontend.ask('REM_MEM_REG', wholeMemory, { needReply: true });
    made.guest.send(60);
    made.guest.send(60);
    await sleep(40);
    expect(made.guest.used()).toBe(1);
    await shareMemory(made);
    await eventually(() => expect(made.guest.used()).toBe(3));
    expect(made.session.device.rings.at(1).fault).toBeNull();
  });

  it('moves with new addresses, and with a new table', async () => {
    const made = await started();
    const table = { numRegions: 1, padding: 0, rows: [region(0n, 1n << 20n, memoryBase)] };
    const fds = [addon.duplicateFd(made.guest.memory)];
    await made.frontend.send('SET_MEM_TABLE', table, { fds });
    await made.frontend.send('SET_VRING_ADDR', ringAddresses(1));
    await made.frontend.settled();
    made.guest.send(60);
    await eventually(() => expect(made.guest.used()).toBe(1));
  });
});

describe('what the datapath refuses', () => {
  it('regions that overlap', async () => {
    const made = await started();
    const overlap = { padding: 0n, ...region(0x1000n, 0x1000n, 1n << 32n) };
    const options = { fds: [addon.createMemFd('other', 0x1000)], needReply: true };
    const answer = await made.frontend.ask('ADD_MEM_REG', overlap, options);
    expect(answer?.readBigUInt64LE()).toBe(1n);
    expect(made.log.messages('info').at(-1)).toContain('two memory regions overlap');
    made.guest.send(60);
    await eventually(() => expect(made.guest.used()).toBe(1));
  });

  it.each([
    ['larger than its file', region(1n << 32n, 0x2000n, 1n << 32n)],
    ['empty', region(1n << 32n, 0n, 1n << 32n)],
    ['beyond the end of the address space', region((1n << 64n) - 4096n, 8192n, 1n << 32n)],
  ])('a region %s', async (_, row) => {
    const made = await started();
    const options = { fds: [addon.createMemFd('other', 0x1000)], needReply: true };
    const answer = await made.frontend.ask('ADD_MEM_REG', { padding: 0n, ...row }, options);
    expect(answer?.readBigUInt64LE()).toBe(1n);
    await made.frontend.settled();
  });

  it('a ring that is not aligned; the other ring runs', async () => {
    const made = await scene();
    await made.frontend.negotiate();
    await shareMemory(made);
    await setUpRing(made, 1);
    const odd = { ...ringAddresses(0), used: memoryBase + 0x8001n };
    await made.frontend.send('SET_VRING_NUM', { index: 0, num: 256 });
    await made.frontend.send('SET_VRING_ADDR', odd);
    await made.frontend.send('SET_VRING_KICK', { value: 0x100n });
    await made.frontend.settled();
    expect(made.session.device.rings.at(0)).toMatchObject({
      ...{ running: false, fault: { code: 'ring_address_misaligned' } },
    });
    made.guest.send(60);
    await eventually(() => expect(made.guest.used()).toBe(1));
  });
});

describe('a guest that breaks a rule', () => {
  it('of its ring: the ring is shown as broken, the connection stays', async () => {
    const made = await started();
    const wild = Buffer.alloc(2);
    wild.writeUInt16LE(40_000);
    writeSync(made.guest.memory, wild, 0, 2, 0x1_0000 + 0x4000 + 2);
    made.guest.kick(1);
    await eventually(() =>
      expect(made.session.device.rings.at(1).fault).toMatchObject({ code: 'avail_index_jumped' }),
    );
    await made.frontend.settled();
    expect(await base(made, 1)).toBe(0);
  });

  it('of its memory: a file cut off closes the device and nothing else', async () => {
    const made = await started();
    ftruncateSync(made.guest.memory, 0);
    expect(fstatSync(made.guest.memory).size).toBe(0);
    made.guest.kick(1);
    expect(await made.frontend.refused()).toBe(true);
    expect(await made.ended).toMatchObject({ code: 'memory_truncated' });
    expect((await made.datapath.command('vhost.rings', { port: made.port })).rings).toMatchObject([
      { running: false },
      { running: false },
    ]);
  });
});
