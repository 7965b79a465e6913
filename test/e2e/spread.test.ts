/**
 * Two guests with four queue pairs and 64 TCP flows between them, over IPv4, IPv6 and a VLAN: the
 * receiver's four queues get as many frames, within a quarter.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RingState } from '../../native/boundary/index.ts';
import { findProgram } from '../../qemu/index.ts';
import { eth0, Lab, type Station, until } from './lab.ts';
import { testImage } from './qemu/image.ts';

const pairs = 4;
const flows = 64;
const seconds = 5;

let lab: Lab;
let a: Station;
let b: Station;

/** A program of the guest, which must say that all went well. */
async function run({ agent }: Station, ...words: string[]): Promise<string> {
  const { status, output } = await (await agent.program(...words)).finished(60_000);
  if (status !== 0) throw new Error(`${words.join(' ')}: ${output}`);
  return output;
}

async function setUp(station: Station, number: number): Promise<void> {
  await station.agent.channels(eth0, pairs);
  await lab.enabled(station.name, pairs);
  await station.agent.configure({ interface: eth0, address: `10.11.0.${number}/24`, up: true });
  await run(station, 'busybox', 'ip', 'addr', 'add', `fd00::${number}/64`, 'dev', eth0);
  const vlan = ['link', 'add', 'link', eth0, 'name', 'vlan5', 'type', 'vlan', 'id', '5'];
  await run(station, 'busybox', 'ip', ...vlan);
  await run(station, 'busybox', 'ip', 'addr', 'add', `10.12.0.${number}/24`, 'dev', 'vlan5');
  await run(station, 'busybox', 'ip', 'link', 'set', 'vlan5', 'up');
}

async function receiveRings(): Promise<readonly RingState[]> {
  const { rings } = await lab.backend.datapath.command('vhost.rings', { port: lab.port('b').id });
  return rings.filter(({ ring }) => ring % 2 === 0);
}

/** 64 connections, each at the same modest rate, so that each has as many frames. */
async function send(address: string, more: readonly string[]): Promise<void> {
  const server = await b.agent.program('iperf3', '--server', '--one-off', ...more);
  const rate = ['--bitrate', '40K', '--length', '500', '--time', `${seconds}`];
  const client = ['iperf3', '--client', address, '--parallel', `${flows}`, ...rate, ...more];
  // The server is there when it answers.
  await until(
    `iperf3 at ${address}`,
    async () => (await (await a.agent.program(...client)).finished(120_000)).output,
    (output) => output.includes('iperf Done'),
    120_000,
  );
  await server.stop();
}

describe.skipIf(findProgram('iperf3') === null)('64 TCP flows between two guests', () => {
  beforeAll(async () => {
    lab = await Lab.create({ workers: 2 });
    const { kernel, initrd, append } = await testImage({
      ...{ modules: ['8021q'], programs: ['iperf3'] },
    });
    const boot = async (name: string, station: number) => {
      await lab.addPort(name, { queues: pairs });
      const described = lab.describe(name, { station, queues: pairs, cpus: 2 });
      const guest = { ...described, boot: { kind: 'kernel', kernel, initrd, append } } as const;
      const booted = await lab.bootAs(name, station, guest);
      await lab.started(name);
      return booted;
    };
    [a, b] = await Promise.all([boot('a', 1), boot('b', 2)]);
    await Promise.all([setUp(a, 1), setUp(b, 2)]);
  });
  afterAll(() => lab?.close());

  it.each([
    ['IPv4', '10.11.0.2', []],
    ['IPv6', 'fd00::2', ['-6']],
    ['a VLAN', '10.12.0.2', []],
  ] as const)('over %s: within a quarter of even on four queues', async (_, address, more) => {
    const before = await receiveRings();
    await send(address, more);
    const now = await receiveRings();
    const counts = now.map(
      ({ usedIndex }, pair) => (usedIndex - (before[pair]?.usedIndex ?? 0)) & 0xffff,
    );
    const share = counts.reduce((sum, count) => sum + count, 0) / pairs;
    console.log(`${address}: ${counts.join(', ')} frames`);
    expect(counts).toHaveLength(pairs);
    for (const count of counts) {
      expect(count).toBeGreaterThan(share * 0.75);
      expect(count).toBeLessThan(share * 1.25);
    }
  });
});
