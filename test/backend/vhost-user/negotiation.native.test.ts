/** GET/SET_FEATURES and everything that is about the device as a whole, not its memory or rings. */

import { describe, expect, it } from 'vitest';
import {
  featureMask,
  protocolFeatureMask,
  type RequestName,
  requests,
} from '../../../frontend-spec/index.ts';
import { addon, rig } from './support.ts';

const allProtocol = ['REPLY_ACK', 'MQ', 'RARP', 'MTU', 'STATUS', 'RESET_DEVICE'] as const;

describe('GET_FEATURES, SET_FEATURES', () => {
  it('answers what is offered, and hands what the driver took to the datapath', async () => {
    const { frontend, datapath, session } = rig();
    const offered = await frontend.askU64('GET_FEATURES');
    expect(offered & featureMask(['VIRTIO_F_VERSION_1', 'VIRTIO_NET_F_MRG_RXBUF'])).not.toBe(0n);
    await frontend.send('SET_FEATURES', { value: offered });
    await frontend.settled();
    const bit30 = featureMask(['VHOST_USER_F_PROTOCOL_FEATURES']);
    expect(datapath.last('vhost.features')).toEqual({ port: 7, features: offered & ~bit30 });
    expect(session.device.features).toBe(offered);
  });

  it('takes a driver without VERSION_1: legacy', async () => {
    const { frontend, datapath } = rig();
    await frontend.send('SET_FEATURES', { value: featureMask(['VIRTIO_NET_F_MRG_RXBUF']) });
    await frontend.settled();
    expect(datapath.last('vhost.features')).toMatchObject({ features: 0x8000n });
  });

  it.each([
    ['rings that are reset alone', featureMask(['VIRTIO_F_RING_RESET']), 'VIRTIO_F_RING_RESET'],
    ['a bit without a name', 1n << 63n, '0x8000000000000000'],
    ['logging', featureMask(['VHOST_F_LOG_ALL']), 'VHOST_F_LOG_ALL'],
  ])('refuses what was not offered: %s', async (_, value, text) => {
    const { frontend, ended, datapath } = rig();
    await frontend.send('SET_FEATURES', { value });
    expect(await frontend.refused()).toBe(true);
    const fault = await ended;
    expect(fault).toMatchObject({ code: 'feature_not_offered' });
    expect(fault?.message).toContain(text);
    expect(datapath.names()).not.toContain('vhost.features');
  });

  it('says the same features once: QEMU sends them for each queue pair', async () => {
    const { frontend, datapath } = rig({ queues: 2 });
    await frontend.negotiate();
    await frontend.shareMemory();
    await frontend.setUpRing(0);
    await frontend.negotiate();
    await frontend.settled();
    expect(datapath.names().filter((name) => name === 'vhost.features')).toHaveLength(1);
  });

  it('refuses other features while a ring runs', async () => {
    const { frontend, ended } = rig();
    await frontend.negotiate();
    await frontend.shareMemory();
    await frontend.setUpRing(0);
    await frontend.negotiate(['VIRTIO_F_VERSION_1', 'VIRTIO_F_EVENT_IDX']);
    expect(await frontend.refused()).toBe(true);
    expect(await ended).toMatchObject({ code: 'features_while_running' });
  });
});

describe('GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES', () => {
  it('answers what is offered and takes a part of it', async () => {
    const { frontend, session } = rig();
    const offered = await frontend.askU64('GET_PROTOCOL_FEATURES');
    expect(offered).toBe(
      protocolFeatureMask([
        ...([...allProtocol, 'CONFIGURE_MEM_SLOTS', 'GET_VRING_BASE_SKIP_DRAIN'] as const),
      ]),
    );
    await frontend.send('SET_PROTOCOL_FEATURES', { value: 0x9n });
    await frontend.settled();
    expect(session.device.protocolFeatures).toBe(0x9n);
  });

  it('refuses a bit that was not offered', async () => {
    const { frontend, ended } = rig();
    await frontend.send('SET_PROTOCOL_FEATURES', { value: protocolFeatureMask(['PAGEFAULT']) });
    expect(await frontend.refused()).toBe(true);
    expect(await ended).toMatchObject({ code: 'feature_not_offered' });
  });

  it('refuses both when VHOST_USER_F_PROTOCOL_FEATURES was not offered', async () => {
    const { frontend, ended } = rig({ featuresMask: 0x1_0000_0000n });
    await frontend.send('GET_PROTOCOL_FEATURES', {});
    expect(await frontend.refused()).toBe(true);
    expect(await ended).toMatchObject({ code: 'request_not_negotiated' });
  });
});

describe('the gates: a request needs its feature', () => {
  const gated: [RequestName, Buffer][] = [
    ['GET_QUEUE_NUM', Buffer.alloc(0)],
    ['SEND_RARP', Buffer.alloc(8)],
    ['NET_SET_MTU', Buffer.alloc(8)],
    ['GET_CONFIG', Buffer.alloc(12)],
    ['SET_CONFIG', Buffer.alloc(12)],
    ['RESET_DEVICE', Buffer.alloc(0)],
    ['GET_MAX_MEM_SLOTS', Buffer.alloc(0)],
    ['REM_MEM_REG', Buffer.alloc(40)],
    ['SET_STATUS', Buffer.alloc(8)],
    ['GET_STATUS', Buffer.alloc(0)],
  ];
  it.each(gated)('%s is refused before', async (name, payload) => {
    const { frontend, ended } = rig({ offerConfig: true });
    await frontend.send(name, payload);
    expect(await frontend.refused()).toBe(true);
    const fault = await ended;
    expect(fault).toMatchObject({ code: 'request_not_negotiated' });
    expect(fault?.message).toContain(name);
  });

  it('SET_VRING_ENABLE is refused after a SET_FEATURES without protocol features', async () => {
    const { frontend, ended } = rig();
    await frontend.negotiate(['VIRTIO_F_VERSION_1'], []);
    await frontend.send('SET_VRING_ENABLE', { index: 0, num: 1 });
    expect(await frontend.refused()).toBe(true);
    expect(await ended).toMatchObject({ code: 'request_not_negotiated' });
  });
});

describe('requests that are not served', () => {
  const rows = Object.entries(requests) as [RequestName, (typeof requests)[RequestName]][];
  it.each(rows.filter(([, row]) => !row.served).map(([name]) => name))(
    '%s closes the connection and says why',
    async (name) => {
      const { frontend, ended } = rig();
      await frontend.negotiate();
      const fds = Array.from({ length: requests[name].fds[0] }, () => addon.createEventFd());
      await frontend.send(name, Buffer.alloc(16), { fds });
      expect(await frontend.refused()).toBe(true);
      const fault = await ended;
      expect(fault).toMatchObject({ code: 'request_not_served' });
      expect(fault?.message).toContain(`${name}: `);
    },
  );

  it.each([0, 46, 1000, 0xffff_ffff])('number %i is unknown', async (id) => {
    const { frontend, ended } = rig();
    const header = Buffer.alloc(12);
    header.writeUInt32LE(id);
    header.writeUInt32LE(1, 4);
    await frontend.bytes(header);
    expect(await frontend.refused()).toBe(true);
    expect(await ended).toMatchObject({ code: 'request_unknown' });
  });
});

describe('REPLY_ACK: vhost-user, "VHOST_USER_PROTOCOL_F_REPLY_ACK"', () => {
  it('answers 0 when asked', async () => {
    const { frontend } = rig();
    await frontend.negotiate();
    expect(await frontend.ask('SET_OWNER', {}, { needReply: true })).toEqual(Buffer.alloc(8));
  });

  it('leaves an answer of its own alone', async () => {
    const { frontend } = rig();
    await frontend.negotiate();
    const answer = await frontend.ask('GET_QUEUE_NUM', {}, { needReply: true });
    expect(answer?.readBigUInt64LE()).toBe(1n);
    expect((await frontend.ask('GET_STATUS', {}))?.length).toBe(8);
  });

  it('does not answer when it was not negotiated', async () => {
    const { frontend } = rig();
    await frontend.negotiate(['VIRTIO_F_VERSION_1'], ['MQ']);
    await frontend.send('SET_OWNER', {}, { needReply: true });
    expect((await frontend.ask('GET_QUEUE_NUM', {}))?.readBigUInt64LE()).toBe(1n);
  });

  it('answers nonzero to what it refuses, and goes on', async () => {
    const { frontend } = rig({ mtu: 1500 });
    await frontend.negotiate([], allProtocol);
    const refused = await frontend.ask('NET_SET_MTU', { value: 1501n }, { needReply: true });
    expect(refused?.readBigUInt64LE()).toBe(1n);
    await frontend.settled();
  });

  it('closes the connection for the same when no answer was asked for', async () => {
    const { frontend, ended } = rig({ mtu: 1500 });
    await frontend.negotiate([], allProtocol);
    await frontend.send('NET_SET_MTU', { value: 1501n });
    expect(await frontend.refused()).toBe(true);
    expect(await ended).toMatchObject({ code: 'mtu_invalid' });
  });
});

describe('GET_QUEUE_NUM', () => {
  it('answers queue pairs, as QEMU counts', async () => {
    const { frontend } = rig({ queues: 4 });
    await frontend.negotiate();
    expect((await frontend.ask('GET_QUEUE_NUM', {}))?.readBigUInt64LE()).toBe(4n);
  });
});

describe('NET_SET_MTU', () => {
  it.each([68n, 1500n, 65535n])('takes %i', async (value) => {
    const { frontend, session } = rig();
    await frontend.negotiate([], allProtocol);
    const answer = await frontend.ask('NET_SET_MTU', { value }, { needReply: true });
    expect(answer).toEqual(Buffer.alloc(8));
    expect(session.device.mtu).toBe(Number(value));
  });

  it("is refused above the port's, with what to do", async () => {
    const { frontend, log } = rig({ mtu: 1500 });
    await frontend.negotiate([], allProtocol);
    await frontend.ask('NET_SET_MTU', { value: 9000n }, { needReply: true });
    expect(log.messages('info').join()).toContain(
      'allowed 68 to 1500); start QEMU with an MTU that the port allows (host_mtu=N)',
    );
  });

  it.each([
    [['VIRTIO_NET_F_MTU'], 1400n, 'The guest was told an MTU of 1400, but its port has 9000'],
    [[], null, 'The guest was not told an MTU, but its port has 9000'],
    [['VIRTIO_NET_F_MTU'], 9000n, null],
    [['VIRTIO_NET_F_MTU'], null, null],
  ] as const)(
    'with %j and %s: one sentence where guest and port differ',
    async (names, value, text) => {
      const { frontend, session } = rig({ mtu: 9000 });
      await frontend.negotiate(['VIRTIO_F_VERSION_1', ...names], allProtocol);
      if (value !== null) await frontend.ask('NET_SET_MTU', { value }, { needReply: true });
      await frontend.settled();
      const { mtuNotice } = session.device;
      if (text === null) expect(mtuNotice).toBeNull();
      else
        expect(mtuNotice).toContain(
          `${text}: start QEMU with host_mtu=9000, or give the port mtu=`,
        );
    },
  );

  it.each([0n, 67n, 65536n, 1n << 40n])('refuses %i', async (value) => {
    const { frontend } = rig();
    await frontend.negotiate([], allProtocol);
    const answer = await frontend.ask('NET_SET_MTU', { value }, { needReply: true });
    expect(answer?.readBigUInt64LE()).toBe(1n);
  });
});

describe('SEND_RARP', () => {
  it('sends the broadcast of the MAC in its first six bytes', async () => {
    const { frontend, datapath } = rig();
    await frontend.negotiate([], allProtocol);
    await frontend.send('SEND_RARP', Buffer.from('5254001234560000', 'hex'));
    await frontend.settled();
    const frame = datapath.last('port.inject')?.frame as Buffer;
    expect(frame.toString('hex', 0, 14)).toBe('ffffffffffff5254001234568035');
  });

  it('refuses the MAC of a group', async () => {
    const { frontend, datapath } = rig();
    await frontend.negotiate([], allProtocol);
    const group = Buffer.from('0100000000010000', 'hex');
    const answer = await frontend.ask('SEND_RARP', group, { needReply: true });
    expect(answer?.readBigUInt64LE()).toBe(1n);
    expect(datapath.names()).not.toContain('port.inject');
  });
});

describe('GET_CONFIG, SET_CONFIG', () => {
  const config = (offset: number, bytes: Buffer) => ({
    ...{ offset, size: bytes.length, flags: 0, bytes },
  });

  it('answers the part that was asked for', async () => {
    const { frontend } = rig({ queues: 2, mtu: 9000, offerConfig: true });
    await frontend.negotiate([], ['CONFIG']);
    const answer = await frontend.ask('GET_CONFIG', config(6, Buffer.alloc(6)));
    expect(answer?.toString('hex')).toBe(`060000000600000000000000${'010002002823'}`);
  });

  it('answers zeros behind its last field, as newer front-ends may ask for more', async () => {
    const { frontend } = rig({ offerConfig: true });
    await frontend.negotiate([], ['CONFIG']);
    const answer = await frontend.ask('GET_CONFIG', config(24, Buffer.alloc(232, 0xff)));
    expect(answer?.subarray(12)).toEqual(Buffer.alloc(232));
  });

  it('answers "a zero length payload" to what is outside', async () => {
    const { frontend } = rig({ offerConfig: true });
    await frontend.negotiate([], ['CONFIG']);
    const answer = await frontend.ask('GET_CONFIG', config(25, Buffer.alloc(232)));
    expect(answer).toEqual(Buffer.alloc(0));
    await frontend.settled();
  });

  it('refuses every write and stays: a guest can write there', async () => {
    const { frontend } = rig({ offerConfig: true });
    await frontend.negotiate([], ['CONFIG', 'REPLY_ACK']);
    await frontend.send('SET_CONFIG', config(0, Buffer.alloc(6, 2)));
    const write = config(0, Buffer.alloc(6, 2));
    const answer = await frontend.ask('SET_CONFIG', write, { needReply: true });
    expect(answer?.readBigUInt64LE()).toBe(1n);
    await frontend.settled();
  });
});

describe('SET_STATUS, GET_STATUS', () => {
  it('keeps the status', async () => {
    const { frontend } = rig();
    await frontend.negotiate();
    await frontend.send('SET_STATUS', { value: 0xfn });
    expect(await frontend.askU64('GET_STATUS')).toBe(0xfn);
  });

  it('0 stops every ring until it is kicked again', async () => {
    const { frontend, session, datapath } = rig();
    await frontend.negotiate();
    await frontend.shareMemory();
    await frontend.setUpRing(0);
    await frontend.setUpRing(1);
    await frontend.send('SET_STATUS', { value: 0n });
    await frontend.settled();
    expect(datapath.names().filter((name) => name === 'vhost.ring.stop')).toHaveLength(2);
    expect(session.device.rings.anyRunning).toBe(false);
    await frontend.setUpRing(1);
    await frontend.settled();
    expect(session.device.rings.at(1).running).toBe(true);
  });

  it('refuses what has not eight bits', async () => {
    const { frontend, ended } = rig();
    await frontend.negotiate();
    await frontend.send('SET_STATUS', { value: 0x100n });
    expect(await frontend.refused()).toBe(true);
    expect(await ended).toMatchObject({ code: 'payload_value_invalid' });
  });
});

describe('RESET_DEVICE, RESET_OWNER', () => {
  it('RESET_DEVICE stops and forgets every ring and keeps the memory', async () => {
    const { frontend, session, datapath } = rig();
    await frontend.negotiate([...(['VIRTIO_F_VERSION_1'] as const)], allProtocol);
    await frontend.shareMemory();
    await frontend.setUpRing(0);
    await frontend.send('SET_STATUS', { value: 0xfn });
    const answer = await frontend.ask('RESET_DEVICE', {}, { needReply: true });
    expect(answer).toEqual(Buffer.alloc(8));
    expect(datapath.names().slice(-2)).toEqual(['vhost.ring.stop', 'vhost.features']);
    expect(datapath.last('vhost.features')).toMatchObject({ features: 0n });
    expect(session.device.regions).toHaveLength(1);
    expect(session.device.rings.at(0).startArgument(false)).toBeNull();
    expect(await frontend.askU64('GET_STATUS')).toBe(0n);
  });

  it('RESET_OWNER disables the rings', async () => {
    const { frontend, session } = rig();
    await frontend.negotiate();
    await frontend.send('SET_VRING_ENABLE', { index: 0, num: 1 });
    await frontend.send('RESET_OWNER', {});
    await frontend.settled();
    expect(session.device.rings.enabled(session.device.rings.at(0))).toBe(false);
  });

  it('RESET_OWNER is ignored where nothing could enable the rings again', async () => {
    const { frontend, session } = rig();
    await frontend.negotiate(['VIRTIO_F_VERSION_1'], []);
    await frontend.send('RESET_OWNER', {});
    await frontend.settled();
    expect(session.device.rings.enabled(session.device.rings.at(0))).toBe(true);
  });
});
