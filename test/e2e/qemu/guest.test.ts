/** Two real guests, joined by QEMU's own stream netdev: no back-end of ours is in between. */

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AgentOps,
  type Guest,
  type GuestDescription,
  type GuestImage,
  type GuestNic,
  type StreamReport,
  startGuest,
} from '../../../qemu/index.ts';
import { testImage } from './image.ts';

let image: GuestImage;
let dir: string;
let a: Guest;
let b: Guest;
const macs = { a: '52:54:00:00:00:0a', b: '52:54:00:00:00:0b' } as const;

function describeGuest(name: string, nics: readonly GuestNic[]): GuestDescription {
  const { kernel, initrd, append } = image;
  const boot = { kind: 'kernel', kernel, initrd, append } as const;
  return { name, memoryMiB: 192, cpus: 1, boot, nics };
}

beforeAll(async () => {
  image = await testImage();
  dir = await mkdtemp(join(tmpdir(), 'valenic-pair-'));
  const nic = (mac: string, listen: boolean): GuestNic => ({
    mac,
    backend: { kind: 'stream', path: join(dir, 'wire'), listen },
  });
  // The listening end first: QEMU 7.2 does not try again.
  a = await startGuest(describeGuest('a', [nic(macs.a, true)]));
  b = await startGuest(describeGuest('b', [nic(macs.b, false)]));
  await a.agent.configure({ interface: 'eth0', address: '10.9.0.1/24', up: true });
  await b.agent.configure({ interface: 'eth0', address: '10.9.0.2/24', up: true });
});
afterAll(async () => {
  await a?.kill();
  await b?.kill();
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
});

describe('the guest agent', () => {
  it('says hello: kernel, CPUs and interfaces', () => {
    expect(a.hello.kernel).toBe(image.kernelVersion);
    expect(a.hello.cpus).toBe(1);
    const eth0 = a.hello.interfaces.find(({ name }) => name === 'eth0');
    expect(eth0).toMatchObject({ mac: macs.a, mtu: 1500, driver: 'virtio_net', rxQueues: 1 });
  });

  it('configures an interface and reads it back', async () => {
    const changed = await a.agent.configure({ interface: 'eth0', mtu: 1400 });
    expect(changed).toMatchObject({ mtu: 1400, up: true, addresses: ['10.9.0.1/24'] });
    expect((await a.agent.configure({ interface: 'eth0', mtu: 1500 })).mtu).toBe(1500);
    expect((await a.agent.link('lo', true)).up).toBe(true);
    expect(await a.agent.channels('eth0')).toEqual({ combined: 1, most: 1 });
  });

  it('changes a MAC address, and pings still arrive', async () => {
    expect((await b.agent.setMac('eth0', '52:54:00:00:00:bb')).mac).toBe('52:54:00:00:00:bb');
    expect((await b.agent.ping({ address: '10.9.0.1', count: 2 })).received).toBe(2);
    await b.agent.setMac('eth0', macs.b);
    // Its ARP request tells the other guest the address is back.
    expect((await b.agent.ping({ address: '10.9.0.1' })).received).toBe(1);
  });

  it.each([
    ['an interface that is not there', { interface: 'eth9', up: true }, /no interface "eth9"/],
    [
      'an address without a length',
      { interface: 'eth0', address: '10.0.0.1' },
      /is not an address like/,
    ],
    ['an MTU out of range', { interface: 'eth0', mtu: 10 }, /mtu must be a whole number, 68/],
    ['an MTU the device refuses', { interface: 'lo', mac: macs.a }, /lo: setting its MAC address/],
  ])('refuses %s with one sentence', async (_, wanted, sentence) => {
    await expect(a.agent.configure(wanted)).rejects.toThrow(sentence);
  });
});

describe('traffic between two guests', () => {
  it('pings both ways, also with large payloads', async () => {
    const there = await a.agent.ping({ address: '10.9.0.2', count: 5 });
    expect(there).toMatchObject({ sent: 5, received: 5 });
    expect(there.rttUs?.min).toBeGreaterThan(0);
    expect(there.rttUs?.max).toBeGreaterThanOrEqual(there.rttUs?.avg ?? 0);
    expect(await b.agent.ping({ address: '10.9.0.1', size: 8000 })).toMatchObject({ received: 1 });
  });

  it('reports pings that nobody answers as lost', async () => {
    const report = await a.agent.ping({ address: '10.9.0.77', count: 2, timeoutMs: 200 });
    expect(report).toEqual({ sent: 2, received: 0, rttUs: null });
  });

  it('transfers 8 MiB over TCP, every byte checked at both ends', async () => {
    const bytes = 8 << 20;
    const listener = await b.agent.tcpListen(5001);
    const sent = await a.agent.tcpConnect({ address: '10.9.0.2', port: 5001, bytes, seed: 42 });
    const received = await listener.finished();
    expect(sent).toMatchObject({ bytes, checksumOk: true });
    expect(received).toMatchObject({ bytes, checksumOk: true, check: sent.check, transfers: 1 });
    expect(sent.seconds).toBeGreaterThan(0);
  });

  it('transfers for a given time', async () => {
    const listener = await a.agent.tcpListen(5002);
    const sent = await b.agent.tcpConnect({ address: '10.9.0.1', port: 5002, seconds: 0.5 });
    expect(sent.checksumOk).toBe(true);
    expect(sent.seconds).toBeGreaterThanOrEqual(0.5);
    expect((await listener.finished()).bytes).toBe(sent.bytes);
  });

  it('says so when nobody listens', async () => {
    const refused = a.agent.tcpConnect({ address: '10.9.0.2', port: 9, bytes: 1 });
    await expect(refused).rejects.toThrow('connecting: Connection refused');
  });

  it.each([60, 1514])('counts bare frames of %i bytes exactly', async (frameBytes) => {
    const receiver = await b.agent.packetReceive({ interface: 'eth0' });
    const pace = { count: 3000, ratePps: 3000, stream: 9 };
    const sent = await a.agent.packetSend({
      ...{ interface: 'eth0', destination: macs.b, frameBytes },
      ...pace,
    });
    expect(sent).toMatchObject({ sent: 3000, bytes: 3000 * frameBytes });
    const stream = await settled(async () => (await receiver.report()).streams[0]);
    const report = await receiver.stop();
    expect(stream).toEqual({
      ...{ stream: 9, frames: 3000, bytes: 3000 * frameBytes },
      ...{ firstSequence: 0, nextSequence: 3000, gaps: 0, reordered: 0, corrupt: 0 },
    });
    expect(report).toMatchObject({ corrupt: 0, notProbe: 0, refused: 0, kernelDropped: 0 });
  });

  it('does not receive frames for somebody else', async () => {
    const receiver = await b.agent.packetReceive({ interface: 'lo' });
    const frame = { interface: 'eth0', destination: macs.b, frameBytes: 60, count: 10 };
    await a.agent.packetSend(frame);
    expect((await receiver.stop()).streams).toEqual([]);
  });

  it('counts UDP datagrams, by stream', async () => {
    const receiver = await b.agent.udpReceive(7000);
    const to = { address: '10.9.0.2', port: 7000, payloadBytes: 200, ratePps: 2000 };
    const [one, two] = await Promise.all([
      a.agent.udpSend({ ...to, count: 1000, stream: 1 }),
      a.agent.udpSend({ ...to, seconds: 0.3, stream: 2 }),
    ]);
    await settled(async () => (await receiver.report()).streams[1]);
    const report = await receiver.stop();
    expect(report.streams.map(({ stream, frames, gaps }) => ({ stream, frames, gaps }))).toEqual([
      { stream: 1, frames: one.sent, gaps: 0 },
      { stream: 2, frames: two.sent, gaps: 0 },
    ]);
    expect(two.sent).toBeGreaterThan(100);
    expect(two.sent).toBeLessThan(1000);
  });

  it('sends and receives with its poll-mode driver, and gives the interface back', async () => {
    const [receiver, frame] = [
      await b.agent.pmdStart({ interface: 'eth0' }),
      { interface: 'eth0', destination: macs.b, source: macs.a, frameBytes: 60 },
    ];
    const sender = await a.agent.pmdStart({ ...frame, count: 2000, ratePps: 2000, stream: 5 });
    const stream = await settled(async () => (await receiver.report()).streams[0]);
    expect(stream).toEqual({
      ...{ stream: 5, frames: 2000, bytes: 2000 * 60 },
      ...{ firstSequence: 0, nextSequence: 2000, gaps: 0, reordered: 0, corrupt: 0 },
    });
    expect(await sender.stop()).toMatchObject({ sent: 2000, done: true });
    expect(await receiver.stop()).toMatchObject({ received: 2000 });
    await a.agent.configure({ interface: 'eth0', address: '10.9.0.1/24', up: true });
    await b.agent.configure({ interface: 'eth0', address: '10.9.0.2/24', up: true });
    expect((await a.agent.ping({ address: '10.9.0.2', count: 3 })).received).toBe(3);
  });

  it('counts packets and interrupts', async () => {
    const before = await b.agent.counters();
    await a.agent.ping({ address: '10.9.0.2', count: 3 });
    const after = await b.agent.counters();
    const packets = (at: typeof after): number => at.interfaces.eth0?.rx_packets ?? 0;
    expect(packets(after) - packets(before)).toBeGreaterThanOrEqual(3);
    expect(after.interrupts.some(({ name }) => name.startsWith('virtio'))).toBe(true);
    expect(after.cpu.busy + after.cpu.idle).toBeGreaterThan(0);
  });

  it.each([
    ['neither count nor seconds', {}, /either count or seconds/],
    ['a frame below 60 bytes', { count: 1, frameBytes: 59 }, /frameBytes must be .* 60\.\.65549/],
    ['a frame above the MTU', { count: 1, frameBytes: 1515 }, /sending: Message too long/],
    ['no destination', { count: 1, destination: 'x' }, /destination: "x" is not a MAC/],
  ])('refuses to send %s', async (_, change, sentence) => {
    const frame = { interface: 'eth0', destination: macs.b, frameBytes: 60, ...change };
    const sending = a.agent.call('packet_send', frame as AgentOps['packet_send'][0]);
    await expect(sending).rejects.toThrow(sentence);
  });
});

describe('the life of a guest', () => {
  it('reboots inside the same QEMU and answers again', async () => {
    const { pid } = b;
    const hello = await b.reboot();
    expect(b.pid).toBe(pid);
    expect(hello.interfaces.find(({ name }) => name === 'eth0')?.addresses).toEqual([]);
    await b.agent.configure({ interface: 'eth0', address: '10.9.0.2/24', up: true });
    expect((await b.agent.ping({ address: '10.9.0.1', count: 1 })).received).toBe(1);
  });

  it('shuts down cleanly and leaves nothing behind', async () => {
    const serial = a.argv.find((arg) => arg.startsWith('file:'))?.slice('file:'.length) ?? '';
    expect(existsSync(serial)).toBe(true);
    const exit = await a.shutdown();
    expect(exit).toMatchObject({ code: 0, signal: null, expected: true });
    expect(exit.sentence).toBe('guest a ended as asked: the guest powered off');
    expect(existsSync(dirname(serial))).toBe(false);
    expect(() => process.kill(a.pid, 0)).toThrow('ESRCH');
    await expect(a.agent.counters()).rejects.toThrow(/guest a ended|shut down/);
  });

  it('reports a killed QEMU, quoting the serial log', async () => {
    const waiting = b.agent.ping({ address: '10.9.0.1', count: 50, timeoutMs: 1000 });
    process.kill(b.pid, 'SIGKILL'); // Behind the back of whoever owns it.
    await expect(waiting).rejects.toThrow('guest b ended unexpectedly: QEMU was ended by SIGKILL');
    const exit = await b.exited;
    expect(exit).toMatchObject({ code: null, signal: 'SIGKILL', expected: false });
    expect(exit.report).toContain('console said last');
    expect(exit.report).toContain('valenic-agent: ready');
    expect(await b.serialLog()).toContain('valenic-agent: ready');
  });
});

/** Looks until two looks 100 ms apart agree: what is under way has arrived. */
async function settled(look: () => Promise<StreamReport | undefined>): Promise<unknown> {
  let last = '';
  for (let turn = 0; turn < 100; turn += 1) {
    const value = await look();
    const text = JSON.stringify(value);
    if (value !== undefined && text === last) return value;
    last = text;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return undefined;
}
