/** Three guests on one switch: what goes to all, what goes to one, and a station that moves. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  arrived,
  broadcast,
  Counts,
  eth0,
  introduce,
  Lab,
  modestPps,
  pinged,
  type Station,
  wholeStream,
} from './lab.ts';

let lab: Lab;
let a: Station;
let b: Station;
let c: Station;

beforeAll(async () => {
  lab = await Lab.create();
  [a, b, c] = await lab.bootAll('a', 'b', 'c');
});
afterAll(() => lab?.close());

const frameBytes = 200;

/** Sends frames from `a`, and expects the stream whole at the ones and not at all at the others. */
async function expectDelivery(what: {
  readonly destination: string;
  readonly stream: number;
  readonly at: readonly Station[];
  readonly notAt: readonly Station[];
}): Promise<void> {
  const { destination, stream, at, notAt } = what;
  const count = 1000;
  const counts = new Counts(...[a, b, c].map(({ name }) => lab.port(name)));
  // Promiscuous: what a guest's own filter would hide counts as delivered, too.
  const listen = ({ agent }: Station) =>
    agent.packetReceive({ interface: eth0, promiscuous: true });
  const hearing = await Promise.all(at.map(listen));
  const deaf = await Promise.all(notAt.map(listen));
  const frame = { interface: eth0, destination, frameBytes, stream };
  const { sent } = await a.agent.packetSend({ ...frame, count, ratePps: modestPps });
  expect(sent).toBe(count);
  for (const receiver of hearing) await arrived(receiver, stream, count, counts);
  for (const receiver of hearing) {
    const report = await receiver.stop();
    expect(report).toMatchObject({ corrupt: 0, kernelDropped: 0 });
    expect(report.streams).toEqual([wholeStream(stream, count, frameBytes)]);
  }
  for (const receiver of deaf) expect((await receiver.stop()).streams).toEqual([]);
  expect(counts.drops()).toEqual({});
  const received = counts.changes().map(({ counters }) => counters.rx_frames);
  expect(received).toEqual([a, b, c].map((station) => (at.includes(station) ? count : 0)));
}

describe('three guests on one switch', () => {
  it('flood frames to an address nobody has shown', async () => {
    await expectDelivery({ destination: b.mac, stream: 1, at: [b, c], notAt: [a] });
  });

  it('send frames to a known address there only', async () => {
    await lab.announce(a, b, c);
    await expectDelivery({ destination: b.mac, stream: 2, at: [b], notAt: [a, c] });
    await expectDelivery({ destination: c.mac, stream: 3, at: [c], notAt: [a, b] });
  });

  it('send broadcast and multicast to both others, each once', async () => {
    await expectDelivery({ destination: broadcast, stream: 4, at: [b, c], notAt: [a] });
    await expectDelivery({ destination: '01:00:5e:00:00:09', stream: 5, at: [b, c], notAt: [a] });
  });
});

describe('a station that moves from port to port', () => {
  const roaming = '52:54:00:00:99:01';
  const macsOf = async ({ name }: Station) => lab.port(name).macs();

  it('is found where it speaks first', async () => {
    await b.agent.setMac(eth0, roaming);
    await lab.announce({ ...b, mac: roaming });
    expect(await macsOf(b)).toContain(roaming);
    await expectDelivery({ destination: roaming, stream: 10, at: [b], notAt: [a, c] });
  });

  it('takes its traffic with it, at its first frame from elsewhere', async () => {
    const counts = new Counts(lab.port('b'), lab.port('c'));
    await b.agent.setMac(eth0, b.mac);
    await c.agent.setMac(eth0, roaming);
    await lab.announce({ ...c, mac: roaming });
    expect(await macsOf(c)).toContain(roaming);
    expect(await macsOf(b)).not.toContain(roaming);
    const moved = counts.changes().map(({ counters }) => counters.macs_moved);
    expect(moved).toEqual([0, 1]);
    await expectDelivery({ destination: roaming, stream: 11, at: [c], notAt: [a, b] });
  });

  it('comes back', async () => {
    await c.agent.setMac(eth0, c.mac);
    await b.agent.setMac(eth0, roaming);
    await lab.announce({ ...b, mac: roaming });
    await expectDelivery({ destination: roaming, stream: 12, at: [b], notAt: [a, c] });
    await b.agent.setMac(eth0, b.mac);
    await lab.announce(b);
    await expectDelivery({ destination: b.mac, stream: 13, at: [b], notAt: [a, c] });
  });
});

describe('three guests with addresses', () => {
  it('ping each other', async () => {
    await introduce(a, b, c);
    expect(await pinged(b, c, 3)).toBe(3);
    expect(await pinged(c, b, 3)).toBe(3);
  });
});
