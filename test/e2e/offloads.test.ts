/**
 * TCP between guests that leave checksums and segmentation to others, and one that does not; in one
 * network, and then in two VLANs that the first guest has as interfaces of its own.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  arrived,
  Counts,
  eth0,
  introduce,
  Lab,
  pinged,
  type Station,
  until,
  wholeStream,
} from './lab.ts';
import { testImage } from './qemu/image.ts';

const payloadBytes = 4 << 20;
const port = 5001;
const mtuFrameBytes = 1514;

let lab: Lab;
let a: Station;
let b: Station;
let plain: Station;

beforeAll(async () => {
  lab = await Lab.create();
  const tagging = await testImage({ modules: ['8021q'] });
  const booting = (['a', 'b', 'plain'] as const).map(async (name, index) => {
    const mtu = { a: 9000, b: 0, plain: 1500 }[name];
    await lab.addPort(name, { offloads: name !== 'plain', mtu });
    const options = { station: index + 1, mtu };
    const described = lab.describe(name, options);
    if (name !== 'a' || described.boot.kind !== 'kernel') return lab.boot(name, options);
    const boot = { ...described.boot, kernel: tagging.kernel, initrd: tagging.initrd };
    return lab.bootAs(name, options.station, { ...described, boot });
  });
  [a, b, plain] = (await Promise.all(booting)) as [Station, Station, Station];
  await introduce(a, b, plain);
});
afterAll(() => lab?.close());

/** Sends a checked payload, and tells what the receiver's port counted of it. */
async function transfer(from: Station, to: Station): Promise<Record<string, number>> {
  const counts = new Counts(lab.port(to.name), lab.port(from.name));
  const listener = await to.agent.tcpListen(port);
  const { address } = to;
  const sent = await from.agent.tcpConnect({ address, port, bytes: payloadBytes, seed: 11 });
  const seen = await listener.finished({ timeoutMs: 60_000 });
  expect(sent).toMatchObject({ bytes: payloadBytes, checksumOk: true });
  expect(seen).toMatchObject({ bytes: payloadBytes, checksumOk: true, transfers: 1 });
  // TCP mends what a slow receiver drops; nothing else may be lost.
  const { rx_no_buffer: _, ...others } = counts.drops();
  expect(others).toEqual({});
  return counts.changes()[0]?.counters ?? {};
}

describe('a port with offloads', () => {
  const names = ['CSUM', 'HOST_TSO4', 'HOST_TSO6', 'HOST_ECN'];
  const offloads = [...names, 'GUEST_CSUM', 'GUEST_TSO4', 'GUEST_TSO6', 'GUEST_ECN'].map(
    (name) => `VIRTIO_NET_F_${name}`,
  );
  const features = (name: string) => lab.port(name).state().endpoint?.features ?? [];

  it('negotiates them, and one with offloads=off none', () => {
    expect(features('a')).toEqual(expect.arrayContaining(offloads));
    expect(features('plain').filter((name) => offloads.includes(name))).toEqual([]);
  });
});

describe('4 MiB over TCP, every byte as it was', () => {
  it('offloads on both sides: big frames cross uncut', async () => {
    // TCP makes its frames as long as its window lets it, and no shorter than this if it can.
    await shell(a, 'echo 44 > /proc/sys/net/ipv4/tcp_min_tso_segs');
    const { rx_big_whole, rx_big_full, rx_big_cut, rx_checksums_made, rx_frames, rx_bytes } =
      await transfer(a, b);
    expect(rx_big_whole).toBeGreaterThan(0);
    expect(rx_big_full).toBeGreaterThan(0);
    expect(Number(rx_bytes)).toBeGreaterThan(Number(rx_frames) * mtuFrameBytes);
    expect({ rx_big_cut, rx_checksums_made }).toEqual({ rx_big_cut: 0, rx_checksums_made: 0 });
  });

  it('off at the receiver: big frames arrive as segments of its MTU, with checksums', async () => {
    const counters = await transfer(a, plain);
    expect(counters.rx_big_whole).toBe(0);
    expect(counters.rx_big_cut).toBeGreaterThan(0);
    expect(counters.rx_segments_made).toBeGreaterThan(Number(counters.rx_big_cut));
    expect(Number(counters.rx_bytes)).toBeLessThanOrEqual(
      Number(counters.rx_frames) * mtuFrameBytes,
    );
  });

  it('off at the sender: nothing is left to anybody', async () => {
    const { rx_big_whole, rx_big_cut, rx_checksums_made } = await transfer(plain, a);
    expect({ rx_big_whole, rx_big_cut, rx_checksums_made }).toEqual({
      ...{ rx_big_whole: 0, rx_big_cut: 0, rx_checksums_made: 0 },
    });
  });
});

describe('the MTU of a port', () => {
  it.each([
    ['a', 9000],
    ['plain', 1500],
  ] as const)('is that of the guest on %s: %i', async (name, mtu) => {
    const station = name === 'a' ? a : plain;
    expect(await shell(station, 'cat /sys/class/net/eth0/mtu')).toBe(`${mtu}\n`);
    const { endpoint } = lab.port(name).state();
    expect(endpoint).toMatchObject({ mtu, notice: null });
    expect(endpoint?.features).toContain('VIRTIO_NET_F_MTU');
  });

  it('lets jumbo frames pass where there is none, else drops them by name', async () => {
    const count = 100;
    const frame = { interface: eth0, frameBytes: 9014, count, ratePps: 1000 };
    const counts = new Counts(lab.port('b'), lab.port('plain'));
    const listener = await b.agent.packetReceive({ interface: eth0 });
    await a.agent.packetSend({ ...frame, destination: b.mac, stream: 3 });
    await arrived(listener, 3, count, counts);
    expect((await listener.stop()).streams).toEqual([wholeStream(3, count, 9014)]);
    await a.agent.packetSend({ ...frame, destination: plain.mac, stream: 4 });
    await until(
      'the drops',
      () => counts.drops(),
      ({ rx_above_mtu }) => rx_above_mtu === count,
    );
    // Under traffic, too: what is longer than what the guest believes reaches it all the same.
    await lab.port('plain').set({ mtu: 0 });
    await a.agent.packetSend({ ...frame, destination: plain.mac, count: 1, stream: 5 });
    const seen = () => counts.changes()[1]?.counters.rx_frames;
    await until('one frame', seen, (frames) => frames === 1);
    expect(counts.drops()).toEqual({ rx_above_mtu: count });
  });
});

/** VIRTIO_NET_F_CTRL_GUEST_OFFLOADS is off in the lines we print: qemu/argv.ts says why. */
describe('XDP in a guest, in front of its own driver', () => {
  it('is refused by a driver that takes big frames, with its reason; traffic goes on', async () => {
    await expect(a.agent.xdp(eth0, 'pass')).rejects.toThrow(
      /eth0: setting XDP: .*GRO_HW.*: Operation not supported/,
    );
    await transfer(b, a);
  });

  it('is attached on a port with offloads=off, decides, and is taken away again', async () => {
    await plain.agent.xdp(eth0, 'pass');
    await transfer(a, plain);
    await transfer(plain, a);
    await plain.agent.xdp(eth0, 'drop');
    expect(await pinged(a, plain, 2)).toBe(0);
    await plain.agent.xdp(eth0, 'none');
    expect(await pinged(a, plain, 3)).toBe(3);
    await transfer(a, plain);
    expect(lab.port('plain').state().endpoint).toMatchObject({ connected: true, fault: null });
  });

  it('is refused where the driver knows none, and without an interface', async () => {
    await expect(a.agent.xdp('lo', 'pass')).rejects.toThrow('lo: setting XDP');
    await expect(a.agent.xdp('eth7', 'pass')).rejects.toThrow('eth7: No such device');
  });
});

describe('a trunk to a guest with 802.1Q interfaces, and two access ports', () => {
  /** As the stations of a VLAN: those beside `a`, and `a` itself. */
  const at = ({ name, guest, mac }: Station, address: string): Station => {
    return { name, guest, mac, address, agent: guest.agent };
  };
  const ofTen = () => [at(a, '10.12.10.1'), at(b, '10.12.10.2')] as const;
  const ofTwenty = () => [at(a, '10.12.20.1'), at(plain, '10.12.20.2')] as const;

  beforeAll(async () => {
    await lab.port('a').set({
      vlan: {
        mode: 'trunk',
        vlans: [
          [10, 10],
          [20, 20],
        ],
      },
    });
    await lab.port('b').set({ vlan: { mode: 'access', vlan: 10 } });
    await lab.port('plain').set({ vlan: { mode: 'access', vlan: 20 } });
    await shell(a, `ip addr flush dev ${eth0}`);
    for (const [vlan, [trunk, access]] of [
      ['10', ofTen()],
      ['20', ofTwenty()],
    ] as const) {
      const name = `${eth0}.${vlan}`;
      await shell(a, `ip link add link ${eth0} name ${name} type vlan id ${vlan}`);
      await trunk.agent.configure({ interface: name, address: `${trunk.address}/24`, up: true });
      await access.agent.configure({ interface: eth0, address: `${access.address}/24`, up: true });
    }
  });

  it('reach each other in their VLAN', async () => {
    for (const [trunk, access] of [ofTen(), ofTwenty()]) {
      expect(await pinged(trunk, access, 3)).toBe(3);
      expect(await pinged(access, trunk, 3)).toBe(3);
    }
  });

  it('send big frames through the tag, uncut where both ends take them', async () => {
    const [trunk, access] = ofTen();
    for (const counters of [await transfer(trunk, access), await transfer(access, trunk)]) {
      expect(counters.rx_big_whole).toBeGreaterThan(0);
      expect(counters.rx_big_cut).toBe(0);
    }
    const [sender, receiver] = ofTwenty();
    const cut = await transfer(sender, receiver);
    expect(cut.rx_big_cut).toBeGreaterThan(0);
    expect(Number(cut.rx_bytes)).toBeLessThanOrEqual(Number(cut.rx_frames) * mtuFrameBytes);
    await transfer(receiver, sender);
  });

  it('reach nobody outside it, whichever address they ask for', async () => {
    // Both believe to be in one network: without VLANs they would answer.
    const inTwenty = at(plain, '10.12.10.3');
    await plain.agent.configure({ interface: eth0, address: '10.12.10.3/24' });
    const [, inTen] = ofTen();
    expect(await pinged(inTen, inTwenty, 1)).toBe(0);
    expect(await pinged(inTwenty, inTen, 1)).toBe(0);
    await lab.port('plain').set({ vlan: { mode: 'access', vlan: 10 } });
    expect(await pinged(inTen, inTwenty, 3)).toBe(3);
  });
});

/** What busybox prints. */
async function shell({ agent }: Station, words: string): Promise<string> {
  const program = await agent.program('/bin/busybox', 'sh', '-c', words);
  const { status, output } = await program.finished(30_000);
  expect({ status, words }).toEqual({ status: 0, words });
  return output;
}
