/** Two guests on one switch: they reach each other, and nothing is lost, changed or invented. */

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
  ringSize,
  type Station,
  wholeStream,
} from './lab.ts';

let lab: Lab;
let stations: { readonly a: Station; readonly b: Station };

beforeAll(async () => {
  lab = await Lab.create();
  const [a, b] = await lab.bootAll('a', 'b');
  stations = { a, b };
});
afterAll(() => lab?.close());

const directions = [
  ['a', 'b'],
  ['b', 'a'],
] as const;

describe('state() of a port with a guest', () => {
  it.each(['a', 'b'] as const)('shows what %s negotiated, and its rings', (name) => {
    const { endpoint, ...state } = lab.port(name).state();
    expect(state).toMatchObject({ name: `vale0:${name}`, kind: 'vhost-user' });
    expect(endpoint).toMatchObject({
      ...{ role: 'server', address: lab.socketOf(name), connected: true },
      peer: { pid: stations[name].guest.pid, uid: process.getuid?.() },
      ...{ fault: null, notice: null },
    });
    expect(endpoint?.rings).toEqual(
      [ringSize, 256].map((size, ring) => ({
        ...{ ring, size, started: true, enabled: true, fault: null, notice: null },
      })),
    );
    expect(endpoint?.memoryRegions).toBeGreaterThan(0);
    expect(endpoint?.messages).toBeGreaterThan(10);
    expect(endpoint?.features).toEqual(
      expect.arrayContaining([
        ...['VIRTIO_F_VERSION_1', 'VIRTIO_F_EVENT_IDX', 'VIRTIO_F_INDIRECT_DESC'],
        'VIRTIO_NET_F_MRG_RXBUF',
      ]),
    );
    expect(endpoint?.protocolFeatures).toContain('REPLY_ACK');
  });
});

describe('frames between two guests', () => {
  beforeAll(() => lab.announce(stations.a, stations.b));

  it('teach the switch where each address is', async () => {
    expect(await lab.port('a').macs()).toEqual([stations.a.mac]);
    expect(await lab.port('b').macs()).toEqual([stations.b.mac]);
  });

  it.each(
    directions.flatMap(([from, to]) =>
      [60, 61, 590, 1514].map((frameBytes) => ({ frameBytes, from, to })),
    ),
  )('of $frameBytes bytes from $from to $to: those sent, in order', async (which) => {
    const { frameBytes, from, to } = which;
    const [count, stream] = [1000, frameBytes];
    const counts = new Counts(lab.port(from), lab.port(to));
    const receiver = await stations[to].agent.packetReceive({ interface: eth0 });
    const frame = { interface: eth0, destination: stations[to].mac, frameBytes, stream };
    const sent = await stations[from].agent.packetSend({ ...frame, count, ratePps: modestPps });
    expect(sent.sent).toBe(count);
    await arrived(receiver, stream, count, counts);
    const report = await receiver.stop();
    expect(report).toMatchObject({ corrupt: 0, notProbe: 0, kernelDropped: 0 });
    expect(report.streams).toEqual([wholeStream(stream, count, frameBytes)]);
    expect(counts.drops()).toEqual({});
    const [source, destination] = counts.changes();
    expect(source?.counters).toMatchObject({
      ...{ tx_frames: count, tx_bytes: count * frameBytes, rx_frames: 0 },
    });
    expect(destination?.counters).toMatchObject({
      ...{ rx_frames: count, rx_bytes: count * frameBytes, rx_flooded: 0, tx_frames: 0 },
    });
  });

  it.each(directions)('to everybody from %s reach %s once', async (from, to) => {
    const [count, stream] = [500, 7];
    const counts = new Counts(lab.port(from), lab.port(to));
    const receiver = await stations[to].agent.packetReceive({ interface: eth0 });
    const own = await stations[from].agent.packetReceive({ interface: eth0 });
    const frame = { interface: eth0, destination: broadcast, frameBytes: 100, stream };
    await stations[from].agent.packetSend({ ...frame, count, ratePps: modestPps });
    await arrived(receiver, stream, count, counts);
    expect((await receiver.stop()).streams).toEqual([wholeStream(stream, count, 100)]);
    expect((await own.stop()).streams).toEqual([]);
    expect(counts.drops()).toEqual({});
    expect(counts.changes()[1]?.counters).toMatchObject({ rx_frames: count, rx_flooded: count });
  });
});

describe('two guests with addresses', () => {
  beforeAll(() => introduce(stations.a, stations.b));

  it.each(directions)('ping from %s to %s, also in fragments', async (from, to) => {
    expect(await pinged(stations[from], stations[to], 5)).toBe(5);
    const large = { address: stations[to].address, count: 2, size: 8000 };
    expect(await stations[from].agent.ping(large)).toMatchObject({ sent: 2, received: 2 });
  });

  it.each(directions)('transfer 64 MiB from %s to %s, every byte checked', async (from, to) => {
    const bytes = 64 << 20;
    const listener = await stations[to].agent.tcpListen(5001);
    const target = { address: stations[to].address, port: 5001, bytes, seed: from.charCodeAt(0) };
    const sent = await stations[from].agent.tcpConnect(target);
    const received = await listener.finished();
    expect(sent).toMatchObject({ bytes, checksumOk: true });
    expect(received).toMatchObject({ bytes, checksumOk: true, check: sent.check, transfers: 1 });
    const rate = (bytes * 8) / sent.seconds / 1e9;
    console.log(`64 MiB ${from} -> ${to}: ${rate.toFixed(2)} Gbit/s`);
  });
});
