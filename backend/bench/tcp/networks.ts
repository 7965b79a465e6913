/** The networks of a comparison: Valenic, and the ones it is compared with. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from '../../../qemu/index.ts';
import { Program } from '../peers/program.ts';
import { dpdkVersion, ealWords, testpmdMissing } from '../peers/testpmd.ts';
import { ip } from './ip.ts';
import {
  type Addresses,
  type LiveNetwork,
  type Network,
  sleepsByItself,
  type TcpGround,
  type TcpPeerName,
} from './network.ts';
import { startOwn } from './own.ts';

export const bridgeName = 'valenic-br';

function missingProgram(program: string, debianPackage: string): string | null {
  return findProgram(program) === null
    ? `${program} is not installed (Debian: ${debianPackage})`
    : null;
}

async function startBridge(_: TcpGround, { host }: Addresses): Promise<LiveNetwork> {
  const [a, b] = ['valenic-bra', 'valenic-brb'];
  const tap = (name: string) => [
    `tuntap add ${name} mode tap vnet_hdr`,
    `link set ${name} master ${bridgeName} up`,
  ];
  const command = await ip(
    `link add ${bridgeName} type bridge`,
    `link set ${bridgeName} up`,
    `addr add ${host}/24 dev ${bridgeName}`,
    ...tap(a),
    ...tap(b),
  );
  return {
    ...{ command, version: 'the kernel', ...sleepsByItself, pids: [] },
    a: { kind: 'tap', ifname: a },
    b: { kind: 'tap', ifname: b },
    close: async () => {
      await ip(`link del ${a}`, `link del ${b}`, `link del ${bridgeName}`);
    },
  };
}

async function startStream({ folder }: TcpGround): Promise<LiveNetwork> {
  const path = join(folder, 'stream.sock');
  return {
    ...{ command: '-netdev stream', version: 'QEMU', ...sleepsByItself, pids: [] },
    a: { kind: 'stream', path, listen: true },
    b: { kind: 'stream', path, listen: false },
    close: async () => {},
  };
}

/** slirp maps its host address to the loopback interface, where the host's servers listen too. */
async function startUser(_: TcpGround, { subnet, host }: Addresses): Promise<LiveNetwork> {
  const options = `net=${subnet},host=${host}`;
  return {
    ...{ command: `-netdev user,${options}`, version: 'QEMU', ...sleepsByItself, pids: [] },
    a: { kind: 'user', options },
    b: null,
    close: async () => {},
  };
}

/** Its largest MTU serves it best: passt has no offloads, but takes frames of that size. */
const passtMtu = 65_520;

async function startPasst(ground: TcpGround, { a, host }: Addresses): Promise<LiveNetwork> {
  const folder = join(ground.folder, 'passt');
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'passt.sock');
  // It needs an interface with a route, and the namespace of a run has none.
  await ip(
    'link add valenic-p0 type veth peer name valenic-p1',
    'link set valenic-p0 up',
    'link set valenic-p1 up',
    'addr add 192.0.2.1/24 dev valenic-p0',
    'route add default via 192.0.2.2',
  );
  const passt = new Program([
    ...['passt', '--foreground', '--stderr', '--quiet', '--ipv4-only', '--socket', path],
    ...['--interface', 'valenic-p0', '--address', a, '--netmask', '24', '--gateway', host],
    ...['--mtu', `${passtMtu}`, ...(process.getuid?.() === 0 ? ['--runas', '0'] : [])],
  ]);
  try {
    await passt.untilFiles([path]);
  } catch (error) {
    await passt.stop('SIGKILL');
    throw error;
  }
  return {
    ...{ command: passt.command, version: 'passt', mtu: passtMtu, pids: [passt.pid] },
    ...sleepsByItself,
    a: { kind: 'stream', path, listen: false },
    b: null,
    close: async () => {
      await passt.stop();
      await ip('link del valenic-p0');
    },
  };
}

/**
 * Segmentation is offered (`tso`), and what a guest leaves to its receiver is handed on as it is
 * (`legacy-ol-flags`): forwarding in `io` mode, testpmd then touches no checksum. Not bound to one
 * CPU: the guests need both.
 */
export function tcpTestpmdWords(ground: TcpGround, sockets: readonly string[]): readonly string[] {
  const { workerCpu, otherCpu } = ground;
  const anywhere = `(${otherCpu},${workerCpu})`;
  return [
    ...ealWords(ground, ['--lcores', `0@${anywhere},1@${anywhere}`, '--main-lcore', '0']),
    ...sockets.map(
      (path, index) => `--vdev=net_vhost${index},iface=${path},queues=1,tso=1,legacy-ol-flags=1`,
    ),
    ...['--', '--auto-start', '--forward-mode=io', '--nb-cores=1', '--burst=64'],
    ...['--stats-period=86400', '--total-num-mbufs=65536', '--no-flush-rx'],
  ];
}

async function startTestpmd(ground: TcpGround): Promise<LiveNetwork> {
  const folder = join(ground.folder, 'testpmd');
  await mkdir(folder, { recursive: true });
  const [a, b] = [join(folder, 'a.sock'), join(folder, 'b.sock')];
  const testpmd = new Program(tcpTestpmdWords(ground, [a, b]));
  try {
    await testpmd.untilFiles([a, b]);
    await testpmd.until('packet forwarding', () => /packet forwarding/.test(testpmd.said));
  } catch (error) {
    await testpmd.stop('SIGKILL');
    throw error;
  }
  const nic = (path: string) => ({ kind: 'vhost-user', path, role: 'server', queues: 1 }) as const;
  return {
    ...{ command: testpmd.command, version: dpdkVersion(testpmd.said), pids: [testpmd.pid] },
    ...{ a: nic(a), b: nic(b) },
    pause: () => testpmd.pause(),
    resume: () => testpmd.resume(),
    close: () => testpmd.stop('SIGKILL'),
  };
}

const nothing = () => null;
const everywhere = ['g2g', 'g2h', 'h2g'] as const;
const withHost = ['g2h', 'h2g'] as const;

export type PeerNetwork = Network & { readonly system: TcpPeerName };

export const ownNetwork: Network = {
  ...{ system: 'valenic', scenarios: everywhere, missing: nothing, start: startOwn },
};

/**
 * In the order of the guests' slots: DPDK's next to ours, since the two have INTx interrupts where
 * QEMU cannot do better (qemu/argv.ts), and lines are shared by slots four apart.
 */
export const peerNetworks: readonly PeerNetwork[] = [
  {
    ...{ system: 'dpdk-testpmd-io', scenarios: ['g2g'], missing: testpmdMissing },
    start: startTestpmd,
  },
  {
    ...{ system: 'tap-bridge', scenarios: everywhere },
    ...{ missing: () => missingProgram('ip', 'iproute2'), start: startBridge },
  },
  { ...{ system: 'qemu-stream', scenarios: ['g2g'], missing: nothing, start: startStream } },
  { ...{ system: 'qemu-user', scenarios: withHost, missing: nothing, start: startUser } },
  {
    ...{ system: 'passt', scenarios: withHost },
    ...{ missing: () => missingProgram('passt', 'passt'), start: startPasst },
  },
];
