/**
 * Two queue pairs: every ring is used, flows stay in order, and half the queues can be put to rest.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RingState } from '../../native/boundary/index.ts';
import {
  arrived,
  Counts,
  eth0,
  framesOf,
  introduce,
  Lab,
  modestPps,
  pinged,
  ringSize,
  type Station,
  until,
} from './lab.ts';

let lab: Lab;
let a: Station;
let b: Station;

beforeAll(async () => {
  lab = await Lab.create({ workers: 2 });
  const boot = async (name: string, station: number) => {
    await lab.addPort(name, { queues: 2 });
    return lab.boot(name, { station, queues: 2, cpus: 2 });
  };
  [a, b] = await Promise.all([boot('a', 1), boot('b', 2)]);
});
afterAll(() => lab?.close());

async function ringsOf({ name }: Station): Promise<readonly RingState[]> {
  const { rings } = await lab.backend.datapath.command('vhost.rings', { port: lab.port(name).id });
  return rings;
}

/** Frames that each ring carried since an earlier look; fewer than 65536, as indices wrap. */
async function carried(station: Station, before: readonly RingState[]): Promise<number[]> {
  const now = await ringsOf(station);
  return now.map(({ usedIndex }, ring) => (usedIndex - (before[ring]?.usedIndex ?? 0)) & 0xffff);
}

const ports = [7001, 7002, 7003, 7004, 7005, 7006, 7007, 7008] as const;
const perFlow = 200;

/** UDP flows that differ in their port: each arrives whole. */
async function sendFlows(from: Station, to: Station): Promise<void> {
  const counts = new Counts(lab.port(from.name), lab.port(to.name));
  const receivers = await Promise.all(ports.map((port) => to.agent.udpReceive(port)));
  await Promise.all(
    ports.map((port) => {
      const target = { address: to.address, port, payloadBytes: 300, stream: port };
      const ratePps = modestPps / ports.length;
      return from.agent.udpSend({ ...target, count: perFlow, ratePps });
    }),
  );
  for (const [index, receiver] of receivers.entries()) {
    const stream = ports[index] ?? 0;
    await arrived(receiver, stream, perFlow, counts);
    const report = await receiver.stop();
    expect(framesOf(report, stream)).toBe(perFlow);
    expect(report.streams).toMatchObject([{ stream, gaps: 0, reordered: 0, corrupt: 0 }]);
  }
  expect(counts.drops()).toEqual({});
}

describe('two guests with two queue pairs', () => {
  it('have all rings running', async () => {
    for (const station of [a, b]) {
      expect(await station.agent.channels(eth0, 2)).toEqual({ combined: 2, most: 2 });
      await lab.enabled(station.name, 2);
      const { endpoint } = lab.port(station.name).state();
      expect(endpoint?.features).toContain('VIRTIO_NET_F_MQ');
      expect(endpoint?.rings).toEqual(
        [ringSize, 256, ringSize, 256].map((size, ring) => ({
          ...{ ring, size, started: true, enabled: true, fault: null, notice: null },
        })),
      );
      expect((await ringsOf(station)).map(({ running }) => running)).toEqual(Array(4).fill(true));
    }
  });

  it('ping each other', async () => {
    await introduce(a, b);
    expect(await pinged(b, a, 5)).toBe(5);
  });

  it('receive eight flows over both pairs, each flow whole and in order', async () => {
    const before = await ringsOf(b);
    await sendFlows(a, b);
    const [rx0 = 0, , rx1 = 0] = await carried(b, before);
    expect(rx0 + rx1).toBeGreaterThanOrEqual(ports.length * perFlow);
    // Four each, but for two flows that may have come to one place by chance.
    expect(Math.min(rx0, rx1)).toBeGreaterThanOrEqual(3 * perFlow);
  });

  it('send from both processors over both pairs', async () => {
    const before = await ringsOf(b);
    await sendFlows(b, a);
    // Linux maps a processor to a pair; senders on both use both.
    await until(
      'both send rings used',
      async () => {
        await sendFlows(b, a);
        const [, tx0 = 0, , tx1 = 0] = await carried(b, before);
        return Math.min(tx0, tx1);
      },
      (least) => least > 0,
    );
  });

  it('go on with one pair, and with two again', async () => {
    expect(await b.agent.channels(eth0, 1)).toEqual({ combined: 1, most: 2 });
    await lab.enabled('b', 1, true);
    const before = await ringsOf(b);
    await sendFlows(a, b);
    await sendFlows(b, a);
    expect((await carried(b, before)).slice(2)).toEqual([0, 0]);
    expect(await b.agent.channels(eth0, 2)).toEqual({ combined: 2, most: 2 });
    await lab.enabled('b', 2);
    await sendFlows(a, b);
    const [, , rx1 = 0] = await carried(b, before);
    expect(rx1).toBeGreaterThanOrEqual(perFlow);
  });
});
