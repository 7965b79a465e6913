/**
 * A daemon that is started again with less for a port: its guest, which runs, keeps what it has. A
 * newly started guest gets what the port is configured with.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  arrived,
  eth0,
  framesOf,
  introduce,
  Lab,
  macOf,
  pinged,
  type Station,
  steadyPps,
  until,
} from './lab.ts';
import { ServeProcess } from './serve-process.ts';

const frames = 200;
let lab: Lab;
let daemon: ServeProcess;
let a: Station;
let b: Station;

/** What is given for the port of `a`; that of `b` stays as it is. */
async function serve(keys: string): Promise<void> {
  const port = (name: string) => `vale0:${name},vhost-user=${lab.socketOf(name)}`;
  const ports = [`${port('a')},${keys}`, port('b')].flatMap((text) => ['--port', text]);
  daemon = await ServeProcess.start(lab.dir, ...ports);
}

async function rings(): Promise<number> {
  return until(
    'the rings of both',
    async () => (await Promise.all(['a', 'b'].map(ringsOf))).flat(),
    (both) => both.length >= 4 && both.every(({ started }) => started),
  ).then((both) => both.length);
}

async function ringsOf(name: string) {
  const { endpoint } = await daemon.port(`vale0:${name}`);
  return endpoint?.rings?.length === 0 ? [{ started: false }] : (endpoint?.rings ?? []);
}

/** Frames of either come whole to the other, in order, each once. */
async function expectTraffic(stream: number): Promise<void> {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const receiver = await to.agent.packetReceive({ interface: eth0 });
    const frame = { interface: eth0, destination: to.mac, frameBytes: 1000, stream };
    await from.agent.packetSend({ ...frame, count: frames, ratePps: steadyPps });
    await arrived(receiver, stream, frames);
    const report = await receiver.stop();
    expect(framesOf(report, stream)).toBe(frames);
    expect(report.streams).toMatchObject([{ stream, gaps: 0, reordered: 0, corrupt: 0 }]);
  }
  expect(await pinged(a, b, 3)).toBe(3);
}

const started = { station: 1, queues: 2, cpus: 2, mtu: 1400 } as const;

beforeAll(async () => {
  lab = await Lab.withoutBackend();
  await serve('queues=2,mtu=1400');
  const boot = (name: string, options: Parameters<Lab['describe']>[1]) =>
    lab.bootAs(name, options.station, lab.describe(name, options));
  [a, b] = await Promise.all([boot('a', started), boot('b', { station: 2 })]);
  await rings();
  await introduce(a, b);
});
afterAll(async () => {
  await daemon?.stop();
  await lab?.close();
});

describe('a daemon that comes back with fewer queues, no offloads and a smaller MTU', () => {
  it('has its guest back, which keeps what it has', async () => {
    expect((await daemon.port('vale0:a')).endpoint?.notice).toBeNull();
    await daemon.stop();
    await serve('queues=1,offloads=off,mtu=1300');
    expect(await rings()).toBe(6);
    const { endpoint } = await daemon.port('vale0:a');
    expect(endpoint).toMatchObject({ connected: true, fault: null, mtu: 1400 });
    expect(endpoint?.features).toContain('VIRTIO_NET_F_CSUM');
    expect(endpoint?.notice).toContain('was told an MTU of 1400');
    expect(endpoint?.notice).toContain('The guest keeps 2 queue pairs and VIRTIO_NET_F_CSUM');
    expect(daemon.said).toContain('The guest keeps 2 queue pairs and VIRTIO_NET_F_CSUM');
    await expectTraffic(1);
  });

  it('and keeps it when its guest reboots', async () => {
    await a.guest.reboot();
    await rings();
    await a.agent.channels(eth0, 2);
    await a.agent.link(eth0, true);
    await introduce(b, a);
    await expectTraffic(2);
  });

  it('also when the daemon is killed, and comes back while the guest reboots', async () => {
    const killed = daemon;
    process.kill(killed.pid, 'SIGKILL');
    await killed.stop();
    const rebooting = a.guest.reboot();
    await serve('queues=1,offloads=off,mtu=1300');
    await rebooting;
    await rings();
    await a.agent.link(eth0, true);
    await introduce(b, a);
    await expectTraffic(3);
  });

  it('a guest that is started anew gets what the port has', async () => {
    await a.guest.kill();
    a = await lab.bootAs('a', 1, lab.describe('a', { station: 1 }));
    expect(await rings()).toBe(4);
    const { endpoint } = await daemon.port('vale0:a');
    expect(endpoint?.features).not.toContain('VIRTIO_NET_F_CSUM');
    expect(endpoint?.features).not.toContain('VIRTIO_NET_F_MQ');
    expect(a.mac).toBe(macOf(1));
    await introduce(b, a);
    await expectTraffic(4);
  });
});
