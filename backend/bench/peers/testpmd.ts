/** DPDK's testpmd with two vhost-user ports: it moves frames from one to the other. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from '../../../qemu/index.ts';
import type { Backend, Ground, Peer, PeerName, Variant } from './backend.ts';
import { Program } from './program.ts';

const program = 'dpdk-testpmd';
/** Each as often as not the better one, so both are measured. */
const bursts = [32, 64] as const;
/** Of each testpmd; its pool of packets is most of it. */
export const testpmdMiB = 384;

export type TestpmdMode = 'io' | 'mac';

/** What EAL gets in every use of testpmd here. */
export function ealWords(ground: Ground, cores: readonly string[]): readonly string[] {
  // Memory without files or locks in the file system: several run side by side, and none needs
  // hugetlbfs to be mounted. One file, since a vhost-user back-end takes few regions; without
  // hugepages it is one anyway, and EAL refuses both options.
  const memory = ground.hugePages.available
    ? ['--in-memory', '--single-file-segments', '--socket-mem', `${testpmdMiB}`]
    : ['--no-shconf', '--no-huge', '-m', `${testpmdMiB}`];
  return [
    program,
    ...cores,
    ...memory,
    // It says its version.
    ...['-v', '--no-pci', '--no-telemetry', '--force-max-simd-bitwidth=512'],
  ];
}

export function testpmdWords(
  ground: Ground,
  sockets: readonly string[],
  mode: TestpmdMode,
  burst: number,
): readonly string[] {
  const { workerCpu, otherCpu } = ground;
  return [
    ...ealWords(ground, ['--lcores', `0@${otherCpu},1@${workerCpu}`, '--main-lcore', '0']),
    ...sockets.map((path, index) => `--vdev=net_vhost${index},iface=${path},queues=1`),
    ...['--', '--auto-start', `--forward-mode=${mode}`, '--nb-cores=1', `--burst=${burst}`],
    // Without a period it waits for a terminal.
    ...['--stats-period=86400', '--total-num-mbufs=65536', '--no-flush-rx'],
  ];
}

export function dpdkVersion(said: string): string {
  return /RTE Version: '([^']+)'/.exec(said)?.[1] ?? 'DPDK of unknown version';
}

export function testpmdMissing(): string | null {
  return findProgram(program) === null
    ? `${program} is not installed (Debian: dpdk-dev or dpdk)`
    : null;
}

async function start(ground: Ground, mode: TestpmdMode, burst: number): Promise<Backend> {
  const folder = join(ground.folder, `testpmd-${mode}-${burst}`);
  await mkdir(folder, { recursive: true });
  const sockets = [join(folder, 'a.sock'), join(folder, 'b.sock')] as const;
  const testpmd = new Program(testpmdWords(ground, sockets, mode, burst));
  try {
    await testpmd.untilFiles(sockets);
    // The sockets come before the ports are started.
    await testpmd.until('packet forwarding', () => /packet forwarding/.test(testpmd.said));
  } catch (error) {
    await testpmd.stop('SIGKILL');
    throw error;
  }
  return {
    ...{ system: nameOf(mode), burst, sockets, command: testpmd.command, refused: [] },
    version: dpdkVersion(testpmd.said),
    get over() {
      return testpmd.over;
    },
    pause: () => testpmd.pause(),
    resume: () => testpmd.resume(),
    close: () => testpmd.stop('SIGINT'),
  };
}

function nameOf(mode: TestpmdMode): PeerName {
  return `dpdk-testpmd-${mode}`;
}

export function testpmdPeer(mode: TestpmdMode): Peer {
  const variants = bursts.map(
    (burst): Variant => ({
      system: nameOf(mode),
      burst,
      start: (ground) => start(ground, mode, burst),
    }),
  );
  return { name: nameOf(mode), missing: testpmdMissing, variants };
}
