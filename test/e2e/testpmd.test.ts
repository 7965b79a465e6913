/**
 * DPDK's own front-end, virtio-user in testpmd, on two ports of two switches: it forwards between
 * them what a host port sends, and every frame is accounted for.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Port, PortSpec } from '../../backend/index.ts';
import { Lab, patienceMs, until } from './lab.ts';

const queueSize = 256;

let lab: Lab;
let testpmd: ChildProcess;
let source: Port;
let sink: Port;
let said = '';
/** Of frames that nothing else sends. */
let nextStream = 0;

async function start(packed: boolean): Promise<void> {
  said = '';
  lab = await Lab.create();
  const port = (home: string, name: string, device: PortSpec['device']) =>
    lab.backend.addPort({ name: { switch: home, port: name }, device, settings: {} });
  const guest = (name: string) =>
    ({ kind: 'vhost-user', path: lab.socketOf(name), role: 'server', queues: 1 }) as const;
  await port('vale0', 'a', guest('a'));
  await port('vale1', 'b', guest('b'));
  source = await port('vale0', 'source', { kind: 'host' });
  sink = await port('vale1', 'sink', { kind: 'host' });
  testpmd = startTestpmd(packed);
  await until(
    'both ports of testpmd',
    () => running('vale0', 'a') && running('vale1', 'b'),
    (both) => both || testpmd.exitCode !== null,
  );
  if (testpmd.exitCode === null) await passed();
}

async function end(): Promise<void> {
  if (testpmd?.exitCode === null) {
    testpmd.kill('SIGINT');
    await once(testpmd, 'close');
  }
  await lab?.close();
}

/** Without hugepages, PCI devices or a terminal. */
function startTestpmd(packed: boolean): ChildProcess {
  const queues = `queues=1,queue_size=${queueSize},packed_vq=${Number(packed)}`;
  const device = (index: number, name: string) =>
    `--vdev=net_virtio_user${index},path=${lab.socketOf(name)},${queues}`;
  const eal = ['--no-huge', '-m', '256', '--no-pci', '--no-telemetry', '-l', '0,1'];
  const prefix = `--file-prefix=valenic-${process.pid}`;
  const forward = ['--auto-start', '--forward-mode=io', '--stats-period=60', '--no-flush-rx'];
  const child = spawn(
    'dpdk-testpmd',
    [...eal, prefix, device(0, 'a'), device(1, 'b'), '--', ...forward, '--total-num-mbufs=8192'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (text: Buffer) => {
      said = (said + text.toString()).slice(-8000);
    });
  }
  child.once('error', (error) => {
    said += String(error);
  });
  return child;
}

function stateOf(home: string, name: string) {
  return lab.backend.port({ switch: home, port: name }).state().endpoint;
}
function running(home: string, name: string): boolean {
  const rings = stateOf(home, name)?.rings ?? [];
  return rings.length === 2 && rings.every((ring) => ring.started && ring.enabled);
}

describe.each([
  ['split', false],
  ['packed', true],
] as const)("DPDK's virtio-user as the front-end, %s rings", (_, packed) => {
  beforeAll(() => start(packed));
  afterAll(end);

  it('starts both queues of both ports', () => {
    expect({ code: testpmd.exitCode, said }).toMatchObject({ code: null });
    for (const [home, name] of [
      ['vale0', 'a'],
      ['vale1', 'b'],
    ] as const) {
      expect(stateOf(home, name)).toMatchObject({ connected: true, fault: null, notice: null });
      const features = stateOf(home, name)?.features ?? [];
      expect(features).toContain('VIRTIO_F_VERSION_1');
      expect(features).toContain('VIRTIO_F_IN_ORDER');
      expect(features.includes('VIRTIO_F_RING_PACKED')).toBe(packed);
    }
  });

  it.each([
    [60, 'busy'],
    [60, 'event'],
    [1514, 'adaptive'],
  ] as const)('forwards frames of %i bytes in %s mode', async (frameBytes, mode) => {
    for (const port of lab.backend.ports()) await port.polling(mode);
    await forward({ frameBytes, count: 10_000 });
  });

  it('leaves cleanly, and its ports wait for the next', async () => {
    testpmd.kill('SIGINT');
    await once(testpmd, 'close');
    await until(
      'both ports to be free',
      () => [stateOf('vale0', 'a')?.connected, stateOf('vale1', 'b')?.connected],
      (connected) => connected.every((one) => one === false),
    );
    expect(stateOf('vale0', 'a')?.fault).toBeNull();
  });

  it('dropped itself what did not arrive: every frame is accounted for', () => {
    const all = said.slice(said.indexOf('Accumulated'));
    const dropped = [...all.matchAll(/[RT]X-dropped: (\d+)/g)].map((match) => Number(match[1]));
    expect(dropped).toHaveLength(2);
    // Of the whole life of both: what was on its way when somebody looked is at its end by now.
    const counts = lab.backend.ports().map((port) => port.stats());
    const ours = counts.flatMap(({ drops }) => Object.values(drops)).reduce((a, b) => a + b, 0);
    const sent = source.stats().counters.tx_frames;
    expect({ sent, missing: sent - sink.stats().counters.rx_frames - ours }).toEqual({
      sent,
      missing: dropped.reduce((sum, frames) => sum + frames, 0),
    });
  });
});

const addresses = { destination: '52:54:00:00:03:02', source: '52:54:00:00:03:01' } as const;

/** Frames through testpmd and back. */
async function forward({ frameBytes, count }: { frameBytes: number; count: number }) {
  const stream = nextStream++;
  await source.startSource({
    stream,
    frameBytes,
    ratePps: 10_000,
    count: BigInt(count),
    ...addresses,
  });
  await until(
    `${count} frames to be sent`,
    async () => (await source.report()).sent,
    (sent) => sent >= BigInt(count),
  );
  expect(await source.stopSource()).toBe(BigInt(count));
  await passed();
  expect(await arrivedOf(stream)).toMatchObject({ reordered: 0n, corrupt: 0n });
}

async function arrivedOf(stream: number) {
  return (await sink.report()).streams.find((one) => one.stream === stream);
}

/**
 * Until everything that was sent has come to its end. testpmd keeps the order of frames: once a
 * later one is here, those before it are here or are lost, however long testpmd was kept waiting.
 * The later one may be lost itself: then the next one tells.
 */
async function passed(): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const stream = nextStream++;
    await source.startSource({ stream, frameBytes: 60, ratePps: 100, count: 1n, ...addresses });
    try {
      await until(
        'testpmd to forward what it has',
        () => arrivedOf(stream),
        (report) => report !== undefined,
        1000,
      );
      return;
    } catch (error) {
      if (Date.now() > deadline || testpmd.exitCode !== null) throw error;
    } finally {
      await source.stopSource();
    }
  }
}
