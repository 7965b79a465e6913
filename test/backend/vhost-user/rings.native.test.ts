/** Ring states: what the front-end says of a ring, and when it starts and stops in the datapath. */

import { openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { writePayload } from '../../../backend/vhost-user/payload.ts';
import type { CommandName } from '../../../native/boundary/index.ts';
import { addon, eventually, memoryBase, type Rig, rig, ringAddresses } from './support.ts';

/** A rig with memory whose ring 0 runs. */
async function running(options: Parameters<typeof rig>[0] = {}): Promise<Rig> {
  const made = rig(options);
  await made.frontend.negotiate();
  await made.frontend.shareMemory();
  await made.frontend.setUpRing(0);
  await made.frontend.settled();
  expect(made.datapath.names(0)).toEqual(['vhost.ring.start', 'vhost.ring.call']);
  return made;
}

describe('vhost-user, "Ring states": started', () => {
  it('"upon receiving a kick (that is, a file descriptor)"', async () => {
    const { datapath } = await running();
    expect(datapath.last('vhost.ring.start')).toMatchObject({
      ...{ port: 7, ring: 0, enabled: false, callFd: -1 },
      start: {
        ...{ size: 256, base: 0, descAddr: memoryBase },
        ...{ availAddr: memoryBase + 0x4000n, usedAddr: memoryBase + 0x8000n },
      },
      kickFd: expect.any(Number),
    });
  });

  it('with the bit that says no descriptor comes: the ring is polled', async () => {
    const { frontend, datapath } = rig();
    await frontend.negotiate();
    await frontend.shareMemory();
    await frontend.send('SET_VRING_NUM', { index: 1, num: 512 });
    await frontend.send('SET_VRING_ADDR', ringAddresses(1));
    await frontend.send('SET_VRING_CALL', { value: 0x101n });
    await frontend.send('SET_VRING_KICK', { value: 0x101n });
    await frontend.settled();
    expect(datapath.last('vhost.ring.start')).toMatchObject({ ring: 1, kickFd: -1, callFd: -1 });
  });

  it('hands over the call descriptor that came before', async () => {
    const { frontend, datapath } = rig();
    await frontend.send('SET_VRING_CALL', { value: 0n }, { fds: [addon.createEventFd()] });
    await frontend.negotiate();
    await frontend.shareMemory();
    await frontend.setUpRing(0);
    await frontend.settled();
    expect(datapath.last('vhost.ring.start')?.callFd).toBeGreaterThan(0);
  });

  it('waits for its memory, and starts when it comes', async () => {
    const { frontend, datapath } = rig();
    await frontend.negotiate();
    await frontend.setUpRing(0);
    await frontend.settled();
    expect(datapath.names(0)).toEqual([]);
    await frontend.shareMemory();
    await frontend.settled();
    expect(datapath.names()).toEqual(['vhost.features', 'vhost.memory', 'vhost.ring.start']);
  });

  it.each(['size', 'address', 'kick'])('does not start without its %s', async (missing) => {
    const { frontend, datapath } = rig();
    await frontend.negotiate();
    await frontend.shareMemory();
    if (missing !== 'size') await frontend.send('SET_VRING_NUM', { index: 0, num: 256 });
    if (missing !== 'address') await frontend.send('SET_VRING_ADDR', ringAddresses(0));
    if (missing !== 'kick') await frontend.send('SET_VRING_KICK', { value: 0x100n });
    await frontend.settled();
    expect(datapath.names(0)).toEqual([]);
  });

  it('takes the base that was set', async () => {
    const { frontend, datapath } = rig();
    await frontend.negotiate();
    await frontend.shareMemory();
    await frontend.send('SET_VRING_NUM', { index: 0, num: 256 });
    await frontend.send('SET_VRING_BASE', { index: 0, num: 0xffff });
    await frontend.send('SET_VRING_ADDR', ringAddresses(0));
    await frontend.send('SET_VRING_KICK', { value: 0x100n });
    await frontend.settled();
    expect(datapath.last('vhost.ring.start')).toMatchObject({ start: { base: 0xffff } });
  });
});

describe('vhost-user, "Ring states": enabled', () => {
  it('at once when protocol features were not negotiated', async () => {
    const { frontend, datapath } = rig();
    await frontend.negotiate(['VIRTIO_F_VERSION_1'], []);
    await frontend.shareMemory();
    await frontend.setUpRing(0);
    await frontend.settled();
    expect(datapath.last('vhost.ring.start')).toMatchObject({ enabled: true });
  });

  it('else by SET_VRING_ENABLE', async () => {
    const { frontend, datapath } = await running();
    await frontend.ask('SET_VRING_ENABLE', { index: 0, num: 1 }, { needReply: true });
    expect(datapath.last('vhost.ring.enable')).toMatchObject({ ring: 0, enabled: true });
    await frontend.ask('SET_VRING_ENABLE', { index: 0, num: 0 }, { needReply: true });
    expect(datapath.last('vhost.ring.enable')).toMatchObject({ ring: 0, enabled: false });
  });

  it('also when it comes before SET_FEATURES, as QEMU sends it', async () => {
    const { frontend, datapath } = rig();
    await frontend.send('SET_VRING_ENABLE', { index: 0, num: 1 });
    await frontend.negotiate();
    await frontend.shareMemory();
    await frontend.setUpRing(0);
    await frontend.settled();
    expect(datapath.last('vhost.ring.start')).toMatchObject({ enabled: true });
  });

  it('refuses a number that is neither 0 nor 1', async () => {
    const { frontend, ended } = await running();
    await frontend.send('SET_VRING_ENABLE', { index: 0, num: 2 });
    expect(await frontend.refused()).toBe(true);
    expect(await ended).toMatchObject({ code: 'payload_value_invalid' });
  });
});

describe('GET_VRING_BASE', () => {
  it('answers after the datapath let go of the ring, where it stopped', async () => {
    const { frontend, datapath, session } = await running();
    datapath.base = 4711;
    let release = () => {};
    datapath.before = (name) =>
      name === 'vhost.ring.stop'
        ? new Promise((resolve) => (release = resolve))
        : Promise.resolve();
    await frontend.send('GET_VRING_BASE', { index: 0, num: 0 });
    await eventually(() => expect(datapath.names(0)).toContain('vhost.ring.stop'));
    expect(frontend.socket.receive(64)).toBeNull();
    release();
    const answer = await frontend.answer();
    expect(answer?.payload).toEqual(Buffer.from('0000000067120000', 'hex'));
    expect(session.device.rings.at(0).running).toBe(false);
  });

  it('answers the base of a ring that never started', async () => {
    const { frontend, datapath } = rig();
    await frontend.send('SET_VRING_BASE', { index: 1, num: 77 });
    const answer = await frontend.ask('GET_VRING_BASE', { index: 1, num: 0 });
    expect(answer).toEqual(Buffer.from('010000004d000000', 'hex'));
    expect(datapath.names()).toEqual([]);
  });

  it('leaves a ring that starts again only with a new kick', async () => {
    const { frontend, datapath } = await running();
    datapath.base = 5;
    await frontend.ask('GET_VRING_BASE', { index: 0, num: 0 });
    await frontend.send('SET_VRING_NUM', { index: 0, num: 128 });
    await frontend.send('SET_VRING_ADDR', ringAddresses(0));
    await frontend.settled();
    expect(datapath.names(0).at(-1)).toBe('vhost.ring.stop');
    await frontend.send('SET_VRING_KICK', { value: 0n }, { fds: [addon.createEventFd()] });
    await frontend.settled();
    expect(datapath.last('vhost.ring.start')).toMatchObject({ start: { size: 128, base: 5 } });
  });

  it('is never answered with an acknowledgement, also when the datapath refuses', async () => {
    const { frontend, datapath, ended } = await running();
    datapath.refuse.set('vhost.ring.stop', 'invalid_argument');
    await frontend.send('GET_VRING_BASE', { index: 0, num: 0 }, { needReply: true });
    expect(await frontend.refused()).toBe(true);
    expect(await ended).toMatchObject({ code: 'invalid_argument' });
  });

  it('answers what it knows when the datapath closed the ring already', async () => {
    const { frontend, datapath } = await running();
    datapath.refuse.set('vhost.ring.stop', 'wrong_state');
    expect(await frontend.ask('GET_VRING_BASE', { index: 0, num: 0 })).toEqual(Buffer.alloc(8));
  });
});

describe('a ring that runs', () => {
  it('takes new addresses', async () => {
    const { frontend, datapath } = await running();
    await frontend.send('SET_VRING_ADDR', ringAddresses(0, memoryBase + 0x80000n));
    await frontend.settled();
    expect(datapath.last('vhost.ring.addresses')).toMatchObject({
      start: { descAddr: memoryBase + 0x80000n, size: 256 },
    });
  });

  it('takes a new kick and a new call', async () => {
    const { frontend, datapath } = await running();
    await frontend.send('SET_VRING_KICK', { value: 0n }, { fds: [addon.createEventFd()] });
    await frontend.send('SET_VRING_CALL', { value: 0x100n });
    await frontend.settled();
    expect(datapath.names(0).slice(-2)).toEqual(['vhost.ring.kick', 'vhost.ring.call']);
    expect(datapath.last('vhost.ring.kick')?.kickFd).toBeGreaterThan(0);
    expect(datapath.last('vhost.ring.call')).toMatchObject({ callFd: -1 });
  });

  it.each(['SET_VRING_NUM', 'SET_VRING_BASE'] as const)('refuses %s', async (name) => {
    const { frontend, ended } = await running();
    await frontend.send(name, { index: 0, num: 128 });
    expect(await frontend.refused()).toBe(true);
    expect(await ended).toMatchObject({ code: 'ring_is_running' });
  });
});

describe('what a ring message cannot say', () => {
  it.each([
    ['SET_VRING_NUM', writePayload('vringState', { index: 2, num: 256 })],
    ['SET_VRING_BASE', writePayload('vringState', { index: 2, num: 0 })],
    ['GET_VRING_BASE', writePayload('vringState', { index: 0xffff_ffff, num: 0 })],
    ['SET_VRING_ENABLE', writePayload('vringState', { index: 2, num: 1 })],
    ['SET_VRING_ADDR', writePayload('vringAddr', ringAddresses(2))],
    ['SET_VRING_KICK', writePayload('u64', { value: 0x102n })],
    ['SET_VRING_CALL', writePayload('u64', { value: 0x1ffn })],
    ['SET_VRING_ERR', writePayload('u64', { value: 0x102n })],
  ] as const)('%s: a ring the port does not have', async (name, payload) => {
    const { frontend, ended } = rig();
    await frontend.negotiate();
    await frontend.send(name, payload);
    expect(await frontend.refused()).toBe(true);
    expect(await ended).toMatchObject({ code: 'ring_index_invalid' });
  });

  it.each([
    ['SET_VRING_BASE', writePayload('vringState', { index: 0, num: 0x10000 })],
    ['SET_VRING_KICK', writePayload('u64', { value: 0x200n })],
    ['SET_VRING_ADDR', writePayload('vringAddr', { ...ringAddresses(0), flags: 1 })],
  ] as const)('%s: a value outside its range', async (name, payload) => {
    const { frontend, ended } = rig();
    await frontend.send(name, payload);
    expect(await frontend.refused()).toBe(true);
    expect(await ended).toMatchObject({ code: 'payload_value_invalid' });
  });

  it.each(['SET_VRING_KICK', 'SET_VRING_CALL', 'SET_VRING_ERR'] as const)(
    '%s: a descriptor, and the bit that says there is none',
    async (name) => {
      const { frontend, ended } = rig();
      await frontend.send(name, { value: 0x100n }, { fds: [addon.createEventFd()] });
      expect(await frontend.refused()).toBe(true);
      expect(await ended).toMatchObject({ code: 'fd_count_wrong' });
    },
  );

  it.each(['SET_VRING_KICK', 'SET_VRING_CALL', 'SET_VRING_ERR'] as const)(
    '%s: neither a descriptor nor the bit',
    async (name) => {
      const { frontend, ended } = rig();
      await frontend.send(name, { value: 0n });
      expect(await frontend.refused()).toBe(true);
      expect(await ended).toMatchObject({ code: 'fd_count_wrong' });
    },
  );

  const kinds = {
    memfd: () => addon.createMemFd('not an eventfd', 4096),
    device: () => openSync('/dev/null', 'r'),
    socket: () => {
      const [one, other] = addon.socketPair();
      addon.closeFd(other);
      return one;
    },
  };
  it.each(Object.entries(kinds))('SET_VRING_KICK: a %s for an eventfd', async (kind, make) => {
    const { frontend, ended } = rig();
    await frontend.send('SET_VRING_KICK', { value: 0n }, { fds: [make()] });
    expect(await frontend.refused()).toBe(true);
    const fault = await ended;
    expect(fault).toMatchObject({ code: 'fd_kind_wrong' });
    expect(fault?.message).toContain(kind);
  });

  it('SET_VRING_ERR: takes a descriptor and closes it', async () => {
    const { frontend } = rig();
    await frontend.send('SET_VRING_ERR', { value: 0n }, { fds: [addon.createEventFd()] });
    await frontend.send('SET_VRING_ERR', { value: 0x100n });
    await frontend.settled();
  });
});

describe('a fault of one ring closes only the ring', () => {
  it.each([0, 3, 65536, 0xffff_ffff])('a size of %i', async (num) => {
    const { frontend, session } = rig();
    await frontend.negotiate();
    const answer = await frontend.ask('SET_VRING_NUM', { index: 0, num }, { needReply: true });
    expect(answer?.readBigUInt64LE()).toBe(1n);
    expect(session.device.rings.at(0).fault).toMatchObject({ code: 'ring_size_invalid' });
    await frontend.send('SET_VRING_NUM', { index: 0, num });
    await frontend.settled();
  });

  it('addresses outside the memory: told at the kick, gone when memory comes there', async () => {
    const { frontend, session, datapath } = rig();
    await frontend.negotiate();
    await frontend.shareMemory(1 << 20, memoryBase + 0x10_0000n);
    await frontend.setUpRing(0);
    await frontend.settled();
    const ring = session.device.rings.at(0);
    expect(ring.fault).toMatchObject({ code: 'ring_address_unmapped' });
    expect(datapath.names(0)).toEqual([]);
    await frontend.shareMemory();
    await frontend.settled();
    expect(ring).toMatchObject({ fault: null, running: true });
  });

  it('what the datapath finds when the ring starts', async () => {
    const { frontend, session, datapath, log } = rig();
    datapath.refuse.set('vhost.ring.start', 'ring_address_misaligned');
    await frontend.negotiate();
    await frontend.shareMemory();
    await frontend.setUpRing(0);
    await frontend.setUpRing(1);
    await frontend.settled();
    expect(session.device.rings.at(0)).toMatchObject({
      running: false,
      fault: { code: 'ring_address_misaligned' },
    });
    expect(session.device.rings.at(1)).toMatchObject({ running: true, fault: null });
    expect(log.messages('warn')).toEqual([
      expect.stringMatching(
        /^ring 0: a ring address is not aligned as virtio requires; reset the device/,
      ),
    ]);
  });

  it('what the datapath finds while it runs, until it starts again', async () => {
    const { frontend, session, log } = await running();
    const fault = { event: 'ring_fault', port: 7, ring: 0, fault: 'chain_loops' } as const;
    session.handleEvent(fault);
    session.handleEvent(fault);
    expect(session.device.rings.at(0).fault).toMatchObject({ code: 'chain_loops' });
    expect(log.messages('warn')).toHaveLength(1);
    await frontend.ask('GET_VRING_BASE', { index: 0, num: 0 });
    expect(session.device.rings.at(0).fault).not.toBeNull();
    await frontend.setUpRing(0);
    await frontend.settled();
    expect(session.device.rings.at(0).fault).toBeNull();
  });

  it('an event of a ring that was stopped since is old news', async () => {
    const { frontend, session } = await running();
    await frontend.ask('GET_VRING_BASE', { index: 0, num: 0 });
    session.handleEvent({ event: 'ring_fault', port: 7, ring: 0, fault: 'chain_loops' });
    session.handleEvent({ event: 'ring_fault', port: 7, ring: 99, fault: 'chain_loops' });
    expect(session.device.rings.at(0).fault).toBeNull();
  });
});

describe('a fault of the device', () => {
  it('closes the connection and gives everything back', async () => {
    const { frontend, session, datapath, ended } = await running();
    session.handleEvent({ event: 'device_fault', port: 7, fault: 'memory_truncated' });
    expect(await frontend.refused()).toBe(true);
    expect(await ended).toMatchObject({ code: 'memory_truncated' });
    expect(datapath.names().slice(-3)).toEqual([
      ...(['vhost.ring.stop', 'vhost.memory', 'vhost.features'] as CommandName[]),
    ]);
    expect(datapath.last('vhost.memory')).toMatchObject({ regions: [] });
  });

  it('a refusal that is not of the ring closes the connection too', async () => {
    const { frontend, ended, datapath } = rig();
    datapath.refuse.set('vhost.ring.start', 'wrong_state');
    await frontend.negotiate();
    await frontend.shareMemory();
    await frontend.setUpRing(0);
    expect(await frontend.refused()).toBe(true);
    expect(await ended).toMatchObject({ code: 'wrong_state' });
  });
});

describe('disconnection', () => {
  it('stops every ring, drops the memory, forgets the features', async () => {
    const { frontend, datapath, ended } = await running();
    await frontend.setUpRing(1);
    await frontend.settled();
    frontend.close();
    expect(await ended).toBeNull();
    expect(datapath.names().slice(-4)).toEqual([
      ...(['vhost.ring.stop', 'vhost.ring.stop', 'vhost.memory', 'vhost.features'] as const),
    ]);
  });

  it('goes on to the end when the datapath is closed already', async () => {
    const { frontend, datapath, ended, log } = await running();
    datapath.refuse.set('vhost.ring.stop', 'closed').set('vhost.memory', 'closed');
    frontend.close();
    expect(await ended).toBeNull();
    expect(datapath.names().at(-1)).toBe('vhost.features');
    expect(log.messages('error')).toEqual([]);
  });
});
