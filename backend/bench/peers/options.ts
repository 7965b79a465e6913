/** What `valenic bench peers` is asked for. */

import { Command, Option } from 'commander';
import { type PollingMode, pollingModes } from '../../../native/boundary/index.ts';
import { ValenicError } from '../../errors.ts';
import { examplesText } from '../../help.ts';
import {
  cpuPairOf,
  cpuPairOption,
  listOf,
  namedQemu,
  numberFrom,
  oneOf,
  parseWords,
  wholeFrom,
} from '../values.ts';
import { strictOption } from '../verdict.ts';
import type { PeerName } from './backend.ts';
import {
  guestWorkloadNames,
  quickGuestWorkloads,
  quickWorkloads,
  workloadNames,
} from './workload.ts';

export const peerNames: readonly PeerName[] = ['dpdk-testpmd-io', 'dpdk-testpmd-mac', 'ovs-dpdk'];
/** Only where they are asked for. */
const ownPeerNames: readonly PeerName[] = ['valenic-process', 'valenic-other'];
export const guestPeerNames = ['dpdk-testpmd-io', 'tap-bridge', 'qemu-stream'] as const;

type Driver = 'synthetic' | 'guest';

interface Choice {
  readonly workloads: readonly string[];
  readonly peers: readonly PeerName[];
}
/** What each driver can measure, and what of it with `--quick`. */
const choices: Readonly<Record<Driver, { readonly all: Choice; readonly quick: Choice }>> = {
  synthetic: {
    all: { workloads: workloadNames, peers: peerNames },
    quick: { workloads: quickWorkloads, peers: ['dpdk-testpmd-io', 'ovs-dpdk'] },
  },
  guest: {
    all: { workloads: guestWorkloadNames, peers: guestPeerNames },
    quick: { workloads: quickGuestWorkloads, peers: guestPeerNames },
  },
};
export const everyPeer = [...new Set([...peerNames, ...guestPeerNames, ...ownPeerNames])];
/** Options that only real guests have a use for. */
const ofGuests = ['polling', 'qemu', 'memory'] as const;

export interface PeersOptions {
  readonly driver: Driver;
  readonly workloads: readonly string[];
  readonly peers: readonly PeerName[];
  /** The checkout of `valenic-other`; null: none. */
  readonly other: string | null;
  /** Pairs wanted of each row. */
  readonly pairs: number;
  readonly seconds: number;
  readonly warmup: number;
  /** Minutes that a row may take until its pairs have come. */
  readonly deadline: number;
  /** The backend's, then the front-end's; real guests and what is between them run on both. */
  readonly cpu: readonly [number, number];
  /** Of our ports between real guests. */
  readonly polling: PollingMode;
  readonly qemu: string | null;
  /** MiB of each guest. */
  readonly memory: number;
  /** Rows wait for near CPUs until the deadline. */
  readonly nearOnly: boolean;
  readonly strict: boolean;
  readonly json: boolean;
  readonly output: string;
  /** Rows are appended to it; null: to none. */
  readonly history: string | null;
}

interface Raw {
  readonly driver: Driver;
  readonly polling?: PollingMode;
  readonly qemu?: string;
  readonly memory?: number;
  readonly workload?: readonly string[];
  readonly peer?: readonly PeerName[];
  readonly other?: string;
  readonly quick?: true;
  readonly pairs: number;
  readonly seconds: number;
  readonly warmup: number;
  readonly deadline: number;
  readonly cpu: readonly number[];
  readonly nearOnly?: true;
  readonly strict?: true;
  readonly json?: true;
  readonly output: string;
  readonly history?: string;
}

export const peersExamples = [
  'bench peers --quick',
  'bench peers --workload 60-uni --peer ovs-dpdk --pairs 9',
  'bench peers --driver guest --workload pmd-60,kernel-60 --peer tap-bridge',
  'bench peers --workload 60-uni --peer valenic-process',
] as const;

/** @throws {ValenicError} `usage`; @returns null when help was printed. */
export function parsePeersOptions(
  argv: readonly string[],
  write: (text: string) => void,
): PeersOptions | null {
  const raw = parseWords<Raw>(peersCommand().name('valenic bench peers'), argv, write);
  return raw === null ? null : finish(raw);
}

/** Its options; what is done with them is parsePeersOptions()'s. */
export function peersCommand(): Command {
  return new Command('peers')
    .description('the same load over Valenic, DPDK testpmd and Open vSwitch in turn')
    .addOption(
      new Option('--driver <name>', 'what plays the guests; guest: two QEMU guests, booted once')
        .choices(['synthetic', 'guest'])
        .default('synthetic'),
    )
    .option(
      '--workload <list>',
      `which of ${workloadNames.join(', ')}; with guests ${guestWorkloadNames.join(', ')}`,
      listOf(oneOf([...workloadNames, ...guestWorkloadNames])),
    )
    .option(
      '--peer <list>',
      `which of ${peerNames.join(', ')}; with guests ${guestPeerNames.join(', ')};` +
        ` also ${ownPeerNames.join(', ')}: ourselves with --datapath process, and another checkout`,
      listOf(oneOf(everyPeer)),
    )
    .option('--other <folder>', 'the checkout of valenic-other, which must be built')
    .option(
      '--quick',
      `${quickWorkloads.join(', ')} against ${choices.synthetic.quick.peers.join(', ')};` +
        ` with guests ${quickGuestWorkloads.join(', ')}`,
    )
    .option('--pairs <n>', 'valid pairs to measure for each row', wholeFrom(1, 1000), 5)
    .option('--seconds <s>', 'of each run', numberFrom(0.05, 600), 1)
    .option('--warmup <s>', 'before each run', numberFrom(0, 60), 0.3)
    .option('--deadline <minutes>', 'time limit for the pairs of a row', numberFrom(0.01, 1440), 20)
    .option('--near-only', 'wait for near CPUs until the deadline; else far ones get own rows')
    .addOption(cpuPairOption("the backend's CPU, then the front-end's; guests run on both"))
    .option(
      '--polling <mode>',
      `of our ports between guests: ${pollingModes.join(', ')} (default: adaptive)`,
      oneOf(pollingModes),
    )
    .option('--qemu <program>', 'QEMU to boot guests with', namedQemu)
    .option('--memory <MiB>', 'of each guest (default: 256)', wholeFrom(64, 65536))
    .addOption(strictOption())
    .option('--json', 'print one JSON object per line on stdout')
    .option('--output <file>', 'file for the page of plots', 'valenic-peers.html')
    .option('--history <file>', 'file to append the rows to, one line of JSON each')
    .addHelpText('after', examplesText(peersExamples));
}

function finish(raw: Raw): PeersOptions {
  const [backend, frontend] = cpuPairOf(raw.cpu);
  if (backend === frontend) {
    throw new ValenicError('usage', '--cpu: backend and front-end need one CPU each');
  }
  const { driver } = raw;
  refuseForeign(raw);
  const { workloads, peers } = choices[driver][raw.quick ? 'quick' : 'all'];
  return {
    ...raw,
    workloads: raw.workload ?? workloads,
    peers: raw.peer ?? peers,
    other: raw.other ?? null,
    cpu: [backend, frontend],
    polling: raw.polling ?? (driver === 'guest' ? 'adaptive' : 'busy'),
    qemu: raw.qemu ?? null,
    memory: raw.memory ?? 256,
    nearOnly: raw.nearOnly ?? false,
    strict: raw.strict ?? false,
    json: raw.json ?? false,
    history: raw.history ?? null,
  };
}

/** What the other driver has. @throws {ValenicError} `usage` */
function refuseForeign(raw: Raw): void {
  const { driver } = raw;
  const { workloads, peers: usual } = choices[driver].all;
  const peers = driver === 'guest' ? usual : [...usual, ...ownPeerNames];
  const refuse = (option: string, name: string, possible: readonly string[]) => {
    const list = possible.join(', ');
    throw new ValenicError(
      'usage',
      `${option} ${name}: with --driver ${driver}, choose from ${list}`,
    );
  };
  const workload = raw.workload?.find((name) => !workloads.includes(name));
  if (workload !== undefined) refuse('--workload', workload, workloads);
  const peer = raw.peer?.find((name) => !peers.includes(name));
  if (peer !== undefined) refuse('--peer', peer, peers);
  if ((raw.other !== undefined) !== (raw.peer?.includes('valenic-other') === true)) {
    throw new ValenicError('usage', '--other <folder> and --peer valenic-other go together');
  }
  const option = ofGuests.find((name) => raw[name] !== undefined);
  if (driver === 'guest' || option === undefined) return;
  throw new ValenicError('usage', `--${option} is for real guests: use it with --driver guest`);
}
