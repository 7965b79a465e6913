/** Guest memory that is not shared: the operator learns it within 5 s, and nobody else suffers. */

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Port } from '../../backend/index.ts';
import { makeGuestDir, QemuChild } from '../../qemu/child.ts';
import { type GuestDescription, guestArgv, locateQemu, qemuVersion } from '../../qemu/index.ts';
import { arrived, Counts, eth0, Lab, type Station, steadyPps, until, wholeStream } from './lab.ts';

let lab: Lab;
let good: Station;
let host: Port;

beforeAll(async () => {
  lab = await Lab.create();
  host = await lab.addHostPort('h');
  [good] = await lab.bootAll('good');
  await lab.announce(good);
});
afterAll(() => lab?.close());

const hostMac = '52:54:00:00:02:01';
const frameBytes = 200;

/** Runs the work while the host sends to the good guest, which misses nothing. */
async function undisturbed(stream: number, work: () => Promise<void>): Promise<void> {
  const counts = new Counts(lab.port('good'), host);
  const receiver = await good.agent.packetReceive({ interface: eth0 });
  const pace = { frameBytes, stream, ratePps: steadyPps, count: 0n };
  await host.startSource({ ...pace, destination: good.mac, source: hostMac });
  let sent = 0;
  try {
    await work();
  } finally {
    sent = Number(await host.stopSource());
  }
  await arrived(receiver, stream, sent, counts);
  expect((await receiver.stop()).streams).toEqual([wholeStream(stream, sent, frameBytes)]);
  expect(counts.drops()).toEqual({});
}

/** Waits for the sentence; a time limit is a part of what is promised. */
async function expectNotice(port: Port, since: number): Promise<void> {
  const { endpoint } = await until(
    `the notice of ${port.name}`,
    () => port.state(),
    (state) => state.endpoint?.notice !== null,
    8000,
  );
  const seconds = (performance.now() - since) / 1000;
  console.log(`${port.name}: told after ${seconds.toFixed(1)} s`);
  expect(endpoint?.notice).toMatch(
    /^(The memory of the guest is not shared with this process|The driver started, but)/,
  );
  expect(endpoint?.notice).toContain('memory-backend-memfd,id=mem,size=…,share=on');
  expect(lab.log.filter((line) => /is not shared/.test(line))).toContainEqual(
    expect.stringContaining(port.name),
  );
}

const negotiated = (port: Port) => () =>
  port.state().endpoint?.features?.includes('VIRTIO_F_VERSION_1') === true;

describe('guest memory that is not shared', () => {
  it('is told of a guest with plain -m: no memory comes', async () => {
    const port = await lab.addPort('plain');
    await undisturbed(1, async () => {
      const qemu = await startPlain(lab.describe('plain', { station: 8 }));
      try {
        await until('its driver', negotiated(port), Boolean);
        await expectNotice(port, performance.now());
        expect(port.state().endpoint).toMatchObject({ connected: true, memoryRegions: 0 });
      } finally {
        qemu.signal('SIGKILL');
        await qemu.ended;
        await qemu.removeDir();
      }
    });
    await until(
      'the notice gone',
      () => port.state().endpoint,
      (state) => state?.notice === null,
    );
  });

  it('is told of memory-backend-file,share=off: kicks, and nothing in the rings', async () => {
    const port = await lab.addPort('private');
    const memory = `memory-backend-file,id=private,size=192M,mem-path=${lab.dir},share=off`;
    await undisturbed(2, async () => {
      const guest = await lab.boot('private', {
        ...{ station: 9 },
        extraArgs: ['-object', memory, '-machine', 'memory-backend=private'],
      });
      const since = performance.now();
      await guest.agent.configure({ interface: eth0, address: '10.11.0.9/24', up: true });
      const silent = guest.agent.ping({ address: '10.11.0.1', count: 3 });
      await expectNotice(port, since);
      expect(port.state().endpoint?.memoryRegions).toBeGreaterThan(0);
      expect((await silent).received).toBe(0);
      await guest.guest.kill();
    });
    expect(port.stats().counters).toMatchObject({ tx_frames: 0, rx_frames: 0 });
  });

  it('is told of nobody whose memory is shared', () => {
    expect(lab.port('good').state().endpoint).toMatchObject({ notice: null, fault: null });
  });
});

/** QEMU as a newcomer starts it: without the memory object of `guestArgv`. */
async function startPlain(description: GuestDescription): Promise<QemuChild> {
  const dir = makeGuestDir();
  const paths = { qmp: join(dir, 'qmp'), agent: join(dir, 'agent'), serial: join(dir, 'serial') };
  const binary = locateQemu();
  const version = await qemuVersion(binary);
  const argv = guestArgv(description, paths, { version, accel: 'tcg' });
  const object = argv.findIndex((arg) => arg.startsWith('memory-backend-memfd'));
  const plain = argv
    .filter((_, index) => index !== object && index !== object - 1)
    .map((arg) => arg.replace(',memory-backend=mem', ''));
  expect(plain.join(' ')).not.toContain('memory-backend');
  return new QemuChild(binary, plain, dir);
}
