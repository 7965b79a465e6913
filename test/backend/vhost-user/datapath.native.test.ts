/**
 * The session on the real datapath: frames move, positions survive, and hostile memory closes one
 * device only.
 */

import { fstatSync, ftruncateSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Scene, scene, setUpRing, shareMemory, started, wholeMemory } from './scene.ts';
import {
  addon,
  eventually,
  expectNoLeak,
  memoryBase,
  region,
  ringAddresses,
  runToEnd,
  sessionOn,
  warmUp,
} from './support.ts';

beforeAll(warmUp);
beforeEach(expectNoLeak);

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
