/**
 * DPDK's virtio-user as the front-end: testpmd plays both guests on one core and sends on at one
 * port what came in at the other, so a fixed number of frames goes round for ever. It shares no
 * code with ours.
 */

import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { featureNames } from '../../../frontend-spec/index.ts';
import type { Ground } from './backend.ts';
import { Program } from './program.ts';
import type { Frontend, LegTimes, Measured } from './synthetic.ts';
import { ealWords, testpmdMissing } from './testpmd.ts';
import type { Workload } from './workload.ts';

const macs = ['52:54:00:00:04:01', '52:54:00:00:04:02'] as const;
const burst = 64;
/**
 * Bursts under way in each direction: enough to keep both sides busy, too few to fill a ring. A
 * frame that finds a ring full is lost for the rest of the run, and its share of the rate too.
 */
const bursts = 8;
/**
 * So many buffers that were sent are left to lie before it takes them back: fewer than a burst, so
 * that they still are in its cache. Unless told, DPDK leaves a ring less 32 of them, and over a
 * quick back-end they come back all at once, which its mempool's cache cannot hold.
 */
const sentLeft = 24;
/** Buffers; DPDK's largest. */
const mempoolCache = 512;
const prompt = 'testpmd>';

export class VirtioUserFrontend implements Frontend {
  readonly #ground: Ground;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  missing(): string | null {
    return testpmdMissing();
  }

  commandFor(workload: Workload, sockets: readonly [string, string]): string[] {
    const cpu = this.#ground.otherCpu;
    const cores = ['--lcores', `0@${cpu},1@${cpu}`, '--main-lcore', '0'];
    const device = (path: string, index: number): string =>
      `--vdev=net_virtio_user${index},path=${path},queues=1,queue_size=${workload.ringSize},` +
      `mac=${macs[index]},packed_vq=${workload.ring === 'packed' ? 1 : 0}`;
    return [
      // Without this its output would stay in a buffer, because it is not a terminal.
      ...['stdbuf', '-oL'],
      ...ealWords(this.#ground, cores),
      // It says what it negotiates.
      '--log-level=pmd.net.virtio.init:debug',
      ...sockets.map(device),
      ...['--', '--interactive', '--forward-mode=io', '--nb-cores=1', `--burst=${burst}`],
      '--record-core-cycles',
      // Unless told, testpmd uses 512 entries of each ring, and the first bursts fill them.
      ...[`--rxd=${workload.ringSize}`, `--txd=${workload.ringSize}`],
      ...[`--txfreet=${workload.ringSize - sentLeft}`, `--mbcache=${mempoolCache}`],
      // What a port sends first goes to the other one.
      ...[`--eth-peer=0,${macs[1]}`, `--eth-peer=1,${macs[0]}`],
      ...[`--txpkts=${workload.frameBytes}`, '--total-num-mbufs=16384', '--no-flush-rx'],
    ];
  }

  async measure(
    workload: Workload,
    sockets: readonly [string, string],
    times: LegTimes,
  ): Promise<Measured> {
    // Its working files go where the run's go.
    const home = await mkdtemp(join(this.#ground.folder, 'virtio-user-'));
    const env = { XDG_RUNTIME_DIR: home };
    const testpmd = new Program(this.commandFor(workload, sockets), { input: true, env });
    try {
      await testpmd.until('prompt', () => testpmd.answered.includes(prompt));
      const features = featureNames(negotiatedMask(testpmd.said));
      testpmd.type(`start tx_first ${bursts}`);
      await delay(times.warmupSeconds * 1000);
      const before = await count(testpmd, 1);
      await delay(times.seconds * 1000);
      const after = await count(testpmd, 2);
      const received = after.frames - before.frames;
      const mpps = received / (after.time - before.time) / 1000;
      const driverBusy = (after.busyMs - before.busyMs) / (after.time - before.time);
      return { mpps, latencyNs: null, driverBusy, sent: received, received, features };
    } finally {
      testpmd.type('stop');
      testpmd.type('quit');
      await testpmd.stop('SIGINT', 5000);
    }
  }
}

interface Count {
  readonly frames: number;
  /** When they were asked for, in milliseconds. */
  readonly time: number;
  /** How long testpmd spent in rounds that moved frames. */
  readonly busyMs: number;
}

/** What both ports received since the start, the `times`th time this is asked. */
async function count(testpmd: Program, times: number): Promise<Count> {
  const ports = 2;
  const asked = performance.now();
  testpmd.type('show port stats all');
  testpmd.type('show fwd stats all');
  const answered = (): boolean =>
    receivedCounts(testpmd.answered).length === ports * times &&
    busyTimes(testpmd.answered).length === times;
  await testpmd.until('answer to "show port stats all", "show fwd stats all"', answered, 10_000);
  const frames = receivedCounts(testpmd.answered)
    .slice(-ports)
    .reduce((sum, one) => sum + one, 0);
  return { frames, time: asked, busyMs: busyTimes(testpmd.answered).at(-1) ?? 0 };
}

/** Milliseconds of work, of every answer to "show fwd stats all" so far. */
export function busyTimes(said: string): readonly number[] {
  const lines = said.matchAll(/total cycles=(\d+) .* at (\d+) MHz Clock/g);
  return [...lines].map(([, cycles, mhz]) => Number(cycles) / Number(mhz) / 1000);
}

/** Of the last device that was started. */
export function negotiatedMask(said: string): bigint {
  const found = [...said.matchAll(/features after negotiate = (?:0x)?([0-9a-f]+)/g)].at(-1)?.[1];
  return found === undefined ? 0n : BigInt(`0x${found}`);
}

/** The counts of every port in every answer so far. */
export function receivedCounts(said: string): readonly number[] {
  // The answer is whole when the line after the counts came.
  const counts = said.matchAll(/RX-packets: (\d+)\s+RX-missed[\s\S]*?TX-bytes/g);
  return [...counts].map((found) => Number(found[1]));
}
