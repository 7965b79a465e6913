/**
 * Open vSwitch on its user-space datapath: a bridge with the NORMAL action between two vhost-user
 * ports. Database, sockets and interfaces are the run's own; the system's Open vSwitch is not met.
 */

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, shellQuote } from '../../../qemu/index.ts';
import { ValenicError } from '../../errors.ts';
import type { Backend, Ground, Peer } from './backend.ts';
import { Program, runProgram } from './program.ts';

const daemonPaths = ['/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk'];
const schema = '/usr/share/openvswitch/vswitch.ovsschema';
const bridge = 'valenic0';
export const ovsMiB = 1024;

/** Its own folder instead of /run/openvswitch, /var/log/openvswitch and the rest. */
export function ovsEnvironment(folder: string): Readonly<Record<string, string>> {
  const names = ['OVS_RUNDIR', 'OVS_LOGDIR', 'OVS_DBDIR', 'OVS_SYSCONFDIR'];
  return Object.fromEntries(names.map((name) => [name, folder]));
}

export interface OvsCommands {
  readonly createDatabase: readonly string[];
  readonly database: readonly string[];
  readonly configure: readonly (readonly string[])[];
  readonly daemon: readonly string[];
  /** Its vectorised parsers and lookups; a build without them refuses, and the row says so. */
  readonly widen: readonly (readonly string[])[];
}

export function ovsCommands(folder: string, ground: Ground, daemon: string): OvsCommands {
  const [file, socket] = [join(folder, 'conf.db'), `unix:${join(folder, 'db.sock')}`];
  const control = join(folder, 'vswitchd.ctl');
  const huge = ground.hugePages.available;
  // Without hugepages it must not be told how many of them each socket gets.
  const memory = huge ? '' : ` --no-huge -m ${ovsMiB}`;
  const eal = `--in-memory --no-pci --no-telemetry --force-max-simd-bitwidth=512${memory}`;
  const vsctl = (...words: string[]) => ['ovs-vsctl', `--db=${socket}`, '--no-wait', ...words];
  const port = (name: string) => [
    ...['--', 'add-port', bridge, name],
    ...['--', 'set', 'Interface', name, 'type=dpdkvhostuser'],
  ];
  return {
    createDatabase: ['ovsdb-tool', 'create', file, schema],
    database: ['ovsdb-server', file, `--remote=p${socket}`, `--unixctl=${join(folder, 'db.ctl')}`],
    configure: [
      vsctl('init'),
      vsctl(
        ...['set', 'Open_vSwitch', '.', 'other_config:dpdk-init=true'],
        ...(huge ? [`other_config:dpdk-socket-mem=${ovsMiB}`] : []),
        `other_config:pmd-cpu-mask=${maskOf(ground.workerCpu)}`,
        `other_config:dpdk-lcore-mask=${maskOf(ground.otherCpu)}`,
        `other_config:dpdk-extra=${eal}`,
      ),
      vsctl(
        ...['add-br', bridge, '--', 'set', 'bridge', bridge, 'datapath_type=netdev'],
        ...port('a'),
        ...port('b'),
      ),
    ],
    // A network namespace of its own: the bridge is also an interface, and goes with the process.
    daemon: ['unshare', '--net', '--', daemon, socket, `--unixctl=${control}`],
    widen: [
      ['dpif-netdev/dpif-impl-set', 'dpif_avx512'],
      ['dpif-netdev/subtable-lookup-prio-set', 'avx512_gather', '5'],
      ['dpif-netdev/miniflow-parser-set', 'study'],
      ['odp-execute/action-impl-set', 'avx512'],
    ].map((words) => ['ovs-appctl', '-t', control, ...words]),
  };
}

function maskOf(cpu: number): string {
  return `0x${(1n << BigInt(cpu)).toString(16)}`;
}

function daemonPath(): string | null {
  return daemonPaths.find((path) => existsSync(path)) ?? null;
}

function missing(): string | null {
  const programs = ['ovsdb-server', 'ovsdb-tool', 'ovs-vsctl', 'unshare'];
  if (daemonPath() === null || programs.some((name) => findProgram(name) === null)) {
    return 'it is not installed (Debian: openvswitch-switch-dpdk)';
  }
  if (process.getuid?.() !== 0) return 'it needs root: its bridge is a network interface';
  return null;
}

async function start(ground: Ground): Promise<Backend> {
  const folder = join(ground.folder, 'ovs');
  await mkdir(folder, { recursive: true });
  const env = ovsEnvironment(folder);
  const daemon = daemonPath();
  if (daemon === null) throw new ValenicError('bench_failed', 'there is no ovs-vswitchd');
  const commands = ovsCommands(folder, ground, daemon);
  await runProgram(commands.createDatabase, env);
  const database = new Program(commands.database, { env });
  const programs = [database];
  const close = async (): Promise<void> => {
    for (const program of programs.toReversed()) await program.stop();
  };
  try {
    await database.untilFiles([join(folder, 'db.sock')]);
    for (const words of commands.configure) await runProgram(words, env);
    const vswitchd = new Program(commands.daemon, { env });
    programs.push(vswitchd);
    const sockets = [join(folder, 'a'), join(folder, 'b')] as const;
    await vswitchd.untilFiles(sockets);
    const { taken, refused } = await widen(commands.widen, env);
    const lines = [...commands.configure.map(shellQuote), vswitchd.command, ...taken];
    const version = ovsVersion(await runProgram([daemon, '--version'], env));
    return {
      ...{ system: 'ovs-dpdk', burst: null, sockets, command: lines.join(' ; '), close },
      ...{ version, refused },
      get over() {
        return vswitchd.over;
      },
      pause: () => vswitchd.pause(),
      resume: () => vswitchd.resume(),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What this build took, and what not: it answers with a status and a sentence. */
async function widen(
  commands: readonly (readonly string[])[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly taken: readonly string[]; readonly refused: readonly string[] }> {
  const [taken, refused]: [string[], string[]] = [[], []];
  for (const words of commands) {
    await runProgram(words, env).then(
      () => taken.push(shellQuote(words)),
      (error: unknown) => refused.push(refusal(words, String(error))),
    );
  }
  return { taken, refused };
}

/** The setting and the first line of the answer, without the paths of this run. */
export function refusal(words: readonly string[], said: string): string {
  const setting = words.slice(words.indexOf('-t') + 2).join(' ');
  const answer = said.slice(said.lastIndexOf(`${words.at(-1)}: `)).split('\n')[0] ?? '';
  return `${setting}: ${answer.replace(`${words.at(-1)}: `, '').trim()}`;
}

/** "ovs-vswitchd-dpdk (Open vSwitch) 3.1.0", then "DPDK 22.11.11". */
export function ovsVersion(said: string): string {
  const own = /\(Open vSwitch\) (\S+)/.exec(said)?.[1] ?? 'of unknown version';
  const dpdk = /^DPDK \S+/m.exec(said)?.[0];
  return `Open vSwitch ${own}${dpdk === undefined ? '' : `, ${dpdk}`}`;
}

export const ovsPeer: Peer = {
  name: 'ovs-dpdk',
  missing,
  variants: [{ system: 'ovs-dpdk', burst: null, start }],
};
