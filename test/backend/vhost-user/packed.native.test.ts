/** Packed rings: bases, sizes and areas as messages carry them. */

import { describe, expect, it } from 'vitest';
import { addon, type Rig, rig, ringAddresses } from './support.ts';

const packed = ['VIRTIO_F_VERSION_1', 'VIRTIO_F_RING_PACKED'] as const;

/** Ring 0 as it is set up; without a base when it is null. */
async function setUp(base: number | null, size = 256): Promise<Rig> {
  const made = rig();
  const { frontend } = made;
  await frontend.negotiate(packed);
  await frontend.shareMemory();
  await frontend.send('SET_VRING_NUM', { index: 0, num: size });
  if (base !== null) await frontend.send('SET_VRING_BASE', { index: 0, num: base });
  await frontend.send('SET_VRING_ADDR', ringAddresses(0));
  await frontend.send('SET_VRING_KICK', { value: 0n }, { fds: [addon.createEventFd()] });
  await frontend.settled();
  return made;
}

describe('the base of a packed ring', () => {
  it.each([
    ['both sides, as QEMU says it', 0x8007_8007, 0x8007],
    ['one side, as DPDK says it', 0x8000, 0x8000],
    ['a round in which the wrap counter is 0', 0x0003_0003, 3],
    ['two sides that differ: what lies between is lost to us', 0x8001_8005, 0x8005],
  ])('%s', async (_, said, base) => {
    const { datapath } = await setUp(said);
    expect(datapath.last('vhost.ring.start')).toMatchObject({ start: { base } });
  });

  it('is index 0 of the first round when nobody said it', async () => {
    const { datapath } = await setUp(null);
    expect(datapath.last('vhost.ring.start')).toMatchObject({ start: { base: 0x8000 } });
  });

  it('is answered for both sides', async () => {
    const { frontend, datapath } = await setUp(0x8000);
    datapath.base = 0x8012;
    const answer = await frontend.ask('GET_VRING_BASE', { index: 0, num: 0 });
    expect(answer).toEqual(Buffer.from('0000000012801280', 'hex'));
  });
});

describe('the size of a ring', () => {
  it('may be any number when it is packed', async () => {
    const { datapath } = await setUp(0x8000, 300);
    expect(datapath.last('vhost.ring.start')).toMatchObject({ start: { size: 300 } });
  });

  it.each([0, 32769])('is not %i', async (size) => {
    const { datapath, session } = await setUp(0x8000, size);
    expect(datapath.names(0)).toEqual([]);
    expect(session.device.rings.at(0).fault).toMatchObject({ code: 'ring_size_invalid' });
  });
});

describe('without packed rings', () => {
  it('a base of more than 16 bits is refused', async () => {
    const { frontend, ended } = rig();
    await frontend.negotiate();
    await frontend.send('SET_VRING_BASE', { index: 0, num: 0x8000_8000 });
    expect(await frontend.refused()).toBe(true);
    expect(await ended).toMatchObject({ code: 'payload_value_invalid' });
  });

  it('a port whose features leave them out does not offer them', async () => {
    const { frontend } = rig({ featuresMask: ~(1n << 34n) });
    expect((await frontend.askU64('GET_FEATURES')) & (1n << 34n)).toBe(0n);
  });
});
