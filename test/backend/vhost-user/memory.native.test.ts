/** SET_MEM_TABLE, ADD_MEM_REG, REM_MEM_REG, and memory that never comes. */

import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { maxMemorySlots } from '../../../backend/vhost-user/memory.ts';
import { addon, eventually, later, memoryBase, type Rig, region, rig } from './support.ts';

const memfd = (bytes = 4096) => addon.createMemFd('guest', bytes);
const one = (row = region(0n, 0x10_0000n, memoryBase)) => ({ padding: 0n, ...row });

async function slots(options: Parameters<typeof rig>[0] = {}): Promise<Rig> {
  const made = rig(options);
  await made.frontend.negotiate();
  return made;
}

/** Adds a region and says whether it was taken. */
async function add(made: Rig, row: ReturnType<typeof one>, fd = memfd()): Promise<boolean> {
  const answer = await made.frontend.ask('ADD_MEM_REG', row, { fds: [fd], needReply: true });
  return answer?.readBigUInt64LE() === 0n;
}

async function remove(made: Rig, row: ReturnType<typeof one>): Promise<boolean> {
  const answer = await made.frontend.ask('REM_MEM_REG', row, { needReply: true });
  return answer?.readBigUInt64LE() === 0n;
}

describe('SET_MEM_TABLE', () => {
  it('hands every region with a descriptor of its own to the datapath', async () => {
    const { frontend, datapath, session } = await slots();
    const rows = [region(0n, 0xa0000n, 0x1000n), { ...region(0xc0000n, 0x1000n, 0xb1000n) }];
    const table = { numRegions: 2, padding: 0, rows };
    await frontend.send('SET_MEM_TABLE', table, { fds: [memfd(), memfd()] });
    await frontend.settled();
    const regions = datapath.last('vhost.memory')?.regions as { fd: number }[];
    expect(regions).toMatchObject([
      { guestAddr: 0n, sizeBytes: 0xa0000n, userAddr: 0x1000n, offsetBytes: 0n },
      { guestAddr: 0xc0000n, sizeBytes: 0x1000n, userAddr: 0xb1000n, offsetBytes: 0n },
    ]);
    expect(regions[0]?.fd).not.toBe(session.device.regions[0]?.fd);
  });

  it('replaces the table; a ring that keeps its place goes on', async () => {
    const { frontend, datapath } = await slots();
    await frontend.shareMemory();
    await frontend.setUpRing(0);
    await frontend.shareMemory(2 << 20);
    await frontend.settled();
    expect(datapath.names().slice(-2)).toEqual(['vhost.ring.call', 'vhost.memory']);
  });

  it('stops a ring that loses its place, and starts it where it was when it is back', async () => {
    const { frontend, datapath } = await slots();
    await frontend.shareMemory();
    await frontend.setUpRing(0);
    datapath.base = 99;
    await frontend.shareMemory(1 << 20, memoryBase + 0x100_0000n);
    await frontend.settled();
    expect(datapath.names().slice(-2)).toEqual(['vhost.ring.stop', 'vhost.memory']);
    await frontend.shareMemory();
    await frontend.settled();
    expect(datapath.last('vhost.ring.start')).toMatchObject({ start: { base: 99, size: 256 } });
    expect(datapath.last('vhost.ring.start')?.kickFd).toBeGreaterThan(0);
    expect(datapath.last('vhost.ring.start')?.callFd).toBeGreaterThan(0);
  });

  it('what the datapath refuses leaves the old table in force', async () => {
    const { frontend, datapath, session } = await slots();
    await frontend.shareMemory();
    await frontend.setUpRing(0);
    await frontend.settled();
    datapath.refuse.set('vhost.memory', 'region_overlaps');
    const rows = [region(0n, 0x2000n, 0x1000n), region(0x1000n, 0x2000n, 0x9000n)];
    const table = { numRegions: 2, padding: 0, rows };
    const options = { fds: [memfd(), memfd()], needReply: true };
    const answer = await frontend.ask('SET_MEM_TABLE', table, options);
    expect(answer?.readBigUInt64LE()).toBe(1n);
    expect(session.device.regions).toHaveLength(1);
    expect(session.device.rings.at(0).running).toBe(true);
  });

  it.each([
    ['no descriptor', 1, 0],
    ['fewer descriptors than regions', 2, 1],
    ['more descriptors than regions', 1, 2],
    ['no region', 0, 1],
  ])('refuses %s', async (_, numRegions, count) => {
    const { frontend, ended } = await slots();
    const rows = Array.from({ length: numRegions }, (__, i) => region(BigInt(i) << 20n, 1n, 1n));
    const fds = Array.from({ length: count }, () => memfd());
    await frontend.send('SET_MEM_TABLE', { numRegions, padding: 0, rows }, { fds });
    expect(await frontend.refused()).toBe(true);
    expect(await ended).toMatchObject({ code: 'fd_count_wrong' });
  });

  it.each([
    ['eventfd', () => addon.createEventFd()],
    ['device', () => openSync('/dev/zero', 'r+')],
    ['directory', () => openSync('/', 'r')],
  ])('refuses memory that is of kind %s', async (kind, make) => {
    const { frontend, ended, datapath } = await slots();
    const table = { numRegions: 1, padding: 0, rows: [region(0n, 4096n, 0x1000n)] };
    await frontend.send('SET_MEM_TABLE', table, { fds: [make()] });
    expect(await frontend.refused()).toBe(true);
    const fault = await ended;
    expect(fault).toMatchObject({ code: 'fd_kind_wrong' });
    expect(fault?.message).toContain(kind);
    expect(datapath.names()).not.toContain('vhost.memory');
  });

  it('takes memory of an ordinary file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'valenic-'));
    later(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'memory');
    writeFileSync(path, Buffer.alloc(4096));
    const { frontend, datapath } = await slots();
    const table = { numRegions: 1, padding: 0, rows: [region(0n, 4096n, 0x1000n)] };
    await frontend.send('SET_MEM_TABLE', table, { fds: [openSync(path, 'r+')] });
    await frontend.settled();
    expect(datapath.names()).toContain('vhost.memory');
  });
});

describe('GET_MAX_MEM_SLOTS, ADD_MEM_REG, REM_MEM_REG', () => {
  it('tells how many, and takes as many', async () => {
    const made = await slots();
    const most = (await made.frontend.ask('GET_MAX_MEM_SLOTS', {}))?.readBigUInt64LE() ?? 0n;
    expect(most).toBe(BigInt(maxMemorySlots));
    for (let i = 0n; i < most; ++i) {
      expect(await add(made, one(region(i << 20n, 0x1000n, i << 20n)))).toBe(true);
    }
    expect(made.datapath.last('vhost.memory')?.regions).toHaveLength(maxMemorySlots);
    expect(await add(made, one(region(1n << 40n, 0x1000n, 1n << 40n)))).toBe(false);
    await made.frontend.settled();
  });

  it('a region that is added does not disturb rings', async () => {
    const made = await slots();
    await add(made, one());
    await made.frontend.setUpRing(0);
    await add(made, one(region(1n << 32n, 0x1000n, 1n << 32n)));
    expect(made.datapath.names(0)).toEqual(['vhost.ring.start', 'vhost.ring.call']);
    expect(made.session.device.regions).toHaveLength(2);
  });

  it('a region that the datapath refuses is not kept', async () => {
    const made = await slots();
    await add(made, one());
    made.datapath.refuse.set('vhost.memory', 'region_overlaps');
    expect(await add(made, one(region(0x1000n, 0x1000n, 1n << 32n)))).toBe(false);
    expect(made.session.device.regions).toHaveLength(1);
  });

  it('removes the region with these addresses and size', async () => {
    const made = await slots();
    const second = one(region(1n << 32n, 0x1000n, 1n << 32n));
    await add(made, one());
    await add(made, second);
    expect(await remove(made, second)).toBe(true);
    expect(made.datapath.last('vhost.memory')?.regions).toHaveLength(1);
    expect(await remove(made, second)).toBe(false);
    expect(await remove(made, one(region(0n, 0x1000n, memoryBase)))).toBe(false);
  });

  it('takes a region that is there already in the place of the first', async () => {
    const made = await slots();
    await add(made, one());
    const [first] = made.session.device.regions;
    expect(await add(made, one())).toBe(true);
    expect(made.session.device.regions).toHaveLength(1);
    expect(made.session.device.regions[0]?.fd).not.toBe(first?.fd);
    expect(made.datapath.last('vhost.memory')?.regions).toHaveLength(1);
  });

  it('of several queue pairs may be added and removed once by each, as QEMU 7.2 does', async () => {
    const made = await slots({ queues: 2 });
    for (const _ of [0, 1]) expect(await add(made, one())).toBe(true);
    for (const _ of [0, 1]) expect(await remove(made, one())).toBe(true);
    expect(made.session.device.regions).toHaveLength(0);
  });

  it('REM_MEM_REG may carry a descriptor, which is closed', async () => {
    const made = await slots();
    await add(made, one());
    await made.frontend.send('REM_MEM_REG', one(), { fds: [memfd()] });
    await made.frontend.settled();
    expect(made.session.device.regions).toHaveLength(0);
  });

  it('an unknown region closes the connection when no answer was asked for', async () => {
    const made = await slots();
    await made.frontend.send('REM_MEM_REG', one());
    expect(await made.frontend.refused()).toBe(true);
    expect(await made.ended).toMatchObject({ code: 'region_unknown' });
  });

  it.each([0, 2])('ADD_MEM_REG with %i descriptors is refused', async (count) => {
    const made = await slots();
    const fds = Array.from({ length: count }, () => memfd());
    await made.frontend.send('ADD_MEM_REG', one(), { fds });
    expect(await made.frontend.refused()).toBe(true);
    expect(await made.ended).toMatchObject({ code: 'fd_count_wrong' });
  });
});

describe('a layout that changes region by region under running rings', () => {
  const second = one(region(1n << 32n, 0x1000n, 1n << 32n));

  async function runs(settleMs: number): Promise<Rig> {
    const made = await slots({ settleMs });
    await add(made, one());
    await add(made, second);
    await made.frontend.setUpRing(0);
    await made.frontend.settled();
    return made;
  }

  it('rings rest from the first removal until it is quiet', async () => {
    // The test's own time: in a busy machine's any pause is long enough.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    later(() => void vi.useRealTimers());
    const made = await runs(50);
    const ring = made.session.device.rings.at(0);
    await remove(made, second);
    expect(ring.running).toBe(false);
    await vi.advanceTimersByTimeAsync(49);
    await remove(made, one());
    await vi.advanceTimersByTimeAsync(49);
    await add(made, one());
    expect(ring.running).toBe(false);
    await vi.advanceTimersByTimeAsync(50);
    await eventually(() => expect(ring.running).toBe(true));
    expect(made.datapath.names(0).slice(-2)).toEqual(['vhost.ring.stop', 'vhost.ring.start']);
  });

  it('or until the next request of another kind', async () => {
    const made = await runs(60_000);
    await remove(made, second);
    expect(made.session.device.rings.at(0).running).toBe(false);
    await made.frontend.settled();
    expect(made.session.device.rings.at(0).running).toBe(true);
  });

  it('a ring whose memory does not come back waits, and says so', async () => {
    const made = await runs(10);
    await remove(made, one());
    await sleep(40);
    const ring = made.session.device.rings.at(0);
    await eventually(() => expect(ring.fault).toMatchObject({ code: 'ring_address_unmapped' }));
    expect(ring.running).toBe(false);
    await add(made, one());
    await eventually(() => expect(ring).toMatchObject({ running: true, fault: null }));
  });

  it('a connection that ends meanwhile leaves no timer behind', async () => {
    const made = await runs(20);
    await remove(made, second);
    made.frontend.close();
    await made.ended;
    const count = made.datapath.log.length;
    await sleep(50);
    expect(made.datapath.log).toHaveLength(count);
  });
});

describe('memory that is not shared', () => {
  it('is told when none came a while after the driver started: QEMU with plain -m', async () => {
    const made = rig({ memoryNoticeMs: 30 });
    await made.frontend.negotiate();
    await made.frontend.setUpRing(0);
    await eventually(() => expect(made.session.device.notice).not.toBeNull());
    expect(made.session.device.notice).toContain('memory-backend-memfd,id=mem');
    expect(made.session.device.notice).toContain('share=on -machine memory-backend=mem');
    expect(made.log.messages('warn')).toEqual([made.session.device.notice]);
    await made.frontend.shareMemory();
    await made.frontend.settled();
    expect(made.session.device.notice).toBeNull();
  });

  it('is told when rings come without it', async () => {
    const made = rig({ memoryNoticeMs: 30 });
    await made.frontend.negotiate([]);
    await made.frontend.settled();
    await sleep(60);
    expect(made.session.device.notice).toBeNull();
    await made.frontend.setUpRing(0);
    await eventually(() => expect(made.session.device.notice).not.toBeNull());
  });

  it('is not told of a guest that has not booted yet', async () => {
    const made = rig({ memoryNoticeMs: 30 });
    await made.frontend.send('SET_OWNER', {});
    await made.frontend.send('SET_VRING_CALL', { value: 0n }, { fds: [addon.createEventFd()] });
    await made.frontend.send('SET_VRING_ENABLE', { index: 0, num: 1 });
    await made.frontend.settled();
    await sleep(60);
    expect(made.session.device.notice).toBeNull();
  });

  it('is not told when it came in time', async () => {
    const made = rig({ memoryNoticeMs: 30 });
    await made.frontend.negotiate();
    await made.frontend.shareMemory();
    await made.frontend.settled();
    await sleep(60);
    expect(made.session.device.notice).toBeNull();
  });

  it('is not told when it was there before the features', async () => {
    const made = rig({ memoryNoticeMs: 30 });
    await made.frontend.shareMemory();
    await made.frontend.negotiate();
    await made.frontend.settled();
    await sleep(60);
    expect(made.session.device.notice).toBeNull();
  });

  it('is told in the same words when the datapath finds a private copy', async () => {
    const made = rig();
    await made.frontend.negotiate();
    await made.frontend.shareMemory();
    await made.frontend.settled();
    made.session.handleEvent({ event: 'memory_not_shared', port: 7, ring: 1 });
    expect(made.session.device.notice).toContain('is not shared with this process');
  });
});
