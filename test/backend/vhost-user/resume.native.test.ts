/** Where rings resume: guest memory decides; a ring that cannot go on is shown as dead. */

import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { VirtioFeatureName } from '../../../frontend-spec/index.ts';
import { type Scene, scene, setUpRing, shareMemory } from './scene.ts';
import { eventually, expectNoLeak, rig, warmUp } from './support.ts';

beforeAll(warmUp);
beforeEach(expectNoLeak);

/** A connection whose memory is there, and no ring yet. */
async function ready(...features: VirtioFeatureName[]): Promise<Scene> {
  const made = await scene();
  await made.frontend.negotiate(['VIRTIO_F_VERSION_1', ...features]);
  await shareMemory(made);
  return made;
}

const baseOf = async ({ frontend }: Scene, index: number) =>
  (await frontend.ask('GET_VRING_BASE', { index, num: 0 }))?.readUInt32LE(4);

describe('a split ring goes on at the used index in guest memory', () => {
  it.each([
    ...([
      [0, 40],
      [64, 0],
      [40, 40],
      [65535, 65530],
    ] as const),
  ])('sending: base %i, used index %i', async (base, used) => {
    const made = await ready();
    const { guest, session } = made;
    guest.leave(1, used, used);
    await setUpRing(made, 0);
    await setUpRing(made, 1, base);
    await made.frontend.settled();
    expect(guest.used()).toBe(used);
    for (let i = 0; i < 24; ++i) guest.send(60);
    await eventually(() => expect(guest.used()).toBe((used + 24) & 0xffff));
    expect(session.device.rings.at(1).notice).toBe(
      base === used
        ? null
        : `ring 1 resumes at ${used}, the used index in guest memory; the front-end said ${base}`,
    );
    expect(await baseOf(made, 1)).toBe((used + 24) & 0xffff);
    expect(guest.used()).toBe((used + 24) & 0xffff);
  });

  it.each([
    ...([
      [64, 0],
      [0, 40],
    ] as const),
  ])(
    'receiving: base %i, used index %i: nothing of the guest is overwritten',
    async (base, used) => {
      const made = await ready();
      made.guest.leave(0, used, used + 64);
      await setUpRing(made, 0, base);
      await made.frontend.settled();
      expect(made.guest.used(0)).toBe(used);
      expect(await baseOf(made, 0)).toBe(used);
    },
  );

  it('also when it was stopped and its driver began anew', async () => {
    const made = await ready();
    made.guest.leave(1, 7, 7);
    await setUpRing(made, 1, 7);
    expect(await baseOf(made, 1)).toBe(7);
    made.guest.leave(1, 0, 0);
    await setUpRing(made, 1, 7);
    made.guest.send(60);
    await eventually(() => expect(made.guest.used()).toBe(1));
  });

  it.each([
    ...([
      [1, 0],
      [0, 257],
      [300, 0],
    ] as const),
  ])('used %i and available %i belong to no ring of 256: it is told', async (used, available) => {
    const made = await ready();
    made.guest.leave(1, used, available);
    await setUpRing(made, 1, 5);
    await made.frontend.settled();
    expect(made.session.device.rings.at(1)).toMatchObject({
      running: false,
      fault: { code: 'used_index_invalid', remedy: expect.stringContaining('reset the device') },
    });
    expect(made.guest.used()).toBe(used);
    expect(await baseOf(made, 1)).toBe(5);
  });
});

describe('a packed ring has no index in guest memory', () => {
  const first = 0x8000_8000;
  const flagsOf = (slot: number) => 0x1_0000 + slot * 16 + 14;
  const [available, used] = [0x0080, 0x8080];

  it('a fresh one starts, whatever its driver has offered so far', async () => {
    const made = await ready('VIRTIO_F_RING_PACKED');
    for (const slot of [0, 1, 2]) made.guest.write16(flagsOf(slot), available);
    await setUpRing(made, 0, first);
    await setUpRing(made, 1, first);
    await made.frontend.settled();
    expect(made.session.device.rings.at(0)).toMatchObject({ running: true, fault: null });
    expect(made.session.device.rings.at(1).running).toBe(true);
  });

  it('one that was used is dead, and says what to do, until its driver begins anew', async () => {
    const made = await ready('VIRTIO_F_RING_PACKED');
    made.guest.write16(flagsOf(0), used);
    made.guest.write16(flagsOf(1), available);
    await setUpRing(made, 1, first);
    await made.frontend.settled();
    const ring = made.session.device.rings.at(1);
    expect(ring).toMatchObject({ running: false, fault: { code: 'packed_position_lost' } });
    expect(made.log.messages('warn')).toEqual([
      'ring 1: a packed ring was in use before, and is not where the front-end says; ' +
        'reset the device in its guest (unbind and bind its virtio driver), or reboot the guest; ' +
        'packed=off rings survive a restart of this process',
    ]);
    await baseOf(made, 1);
    for (const slot of [0, 1]) made.guest.write16(flagsOf(slot), 0);
    await setUpRing(made, 1, first);
    await made.frontend.settled();
    expect(ring).toMatchObject({ running: true, fault: null });
  });

  it('where we stopped it ourselves it goes on', async () => {
    const made = rig();
    const { frontend, datapath } = made;
    await frontend.negotiate(['VIRTIO_F_VERSION_1', 'VIRTIO_F_RING_PACKED']);
    await frontend.shareMemory();
    await frontend.setUpRing(0);
    datapath.base = 17;
    const resumed = () => datapath.last('vhost.ring.start')?.start;
    await frontend.settled();
    expect(resumed()).toMatchObject({ resumed: false });
    await frontend.ask('GET_VRING_BASE', { index: 0, num: 0 });
    for (const [base, ours] of [
      [17, true],
      [18, false],
    ] as const) {
      await frontend.ask('GET_VRING_BASE', { index: 0, num: 0 });
      await frontend.setUpRing(0);
      await frontend.ask('GET_VRING_BASE', { index: 0, num: 0 });
      await frontend.send('SET_VRING_BASE', { index: 0, num: base });
      await frontend.send('SET_VRING_KICK', { value: 0x100n });
      await frontend.settled();
      expect(resumed()).toMatchObject({ base, resumed: ours });
    }
  });
});
