/** A guest whose device is legacy (virtio 0.9.5: a net header of 10 bytes) and a modern one. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  arrived,
  Counts,
  eth0,
  introduce,
  Lab,
  modestPps,
  type Station,
  wholeStream,
} from './lab.ts';

let lab: Lab;
let old: Station;
let modern: Station;

beforeAll(async () => {
  lab = await Lab.create();
  await lab.addPort('old');
  await lab.addPort('modern');
  const properties = { 'disable-modern': 'on', 'disable-legacy': 'off', mrg_rxbuf: 'off' };
  [old, modern] = await Promise.all([
    lab.boot('old', { station: 1, nic: { properties } }),
    lab.boot('modern', { station: 2 }),
  ]);
});
afterAll(() => lab?.close());

describe('a legacy device', () => {
  it('negotiates neither VERSION_1 nor mergeable buffers', () => {
    const features = lab.port('old').state().endpoint?.features ?? [];
    expect(features).not.toContain('VIRTIO_F_VERSION_1');
    expect(features).not.toContain('VIRTIO_NET_F_MRG_RXBUF');
    expect(lab.port('modern').state().endpoint?.features).toContain('VIRTIO_F_VERSION_1');
  });

  it.each([60, 61, 1514])(
    'sends and receives frames of %i bytes, each once',
    async (frameBytes) => {
      await lab.announce(old, modern);
      for (const [from, to] of [
        [old, modern],
        [modern, old],
      ] as const) {
        const counts = new Counts(lab.port('old'), lab.port('modern'));
        const receiver = await to.agent.packetReceive({ interface: eth0 });
        const pace = { count: 500, ratePps: modestPps, stream: 7 };
        await from.agent.packetSend({ interface: eth0, destination: to.mac, frameBytes, ...pace });
        await arrived(receiver, 7, 500, counts);
        expect((await receiver.stop()).streams).toEqual([wholeStream(7, 500, frameBytes)]);
        expect(counts.drops()).toEqual({});
      }
    },
  );

  it('pings, and moves 8 MiB by TCP each way', async () => {
    await introduce(old, modern);
    for (const [from, to] of [
      [old, modern],
      [modern, old],
    ] as const) {
      const listener = await to.agent.tcpListen(5001);
      const bytes = 8 << 20;
      const sent = await from.agent.tcpConnect({ address: to.address, port: 5001, bytes });
      expect(sent).toMatchObject({ bytes, checksumOk: true });
      expect(await listener.stop()).toMatchObject({ bytes, checksumOk: true });
    }
  });
});
