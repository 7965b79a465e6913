/** What `valenic bench peers` is asked for. */

import { Command } from 'commander';
import { ValenicError } from '../../errors.ts';
import { examplesText } from '../../help.ts';
import {
  cpuPairOf,
  cpuPairOption,
  listOf,
  numberFrom,
  oneOf,
  parseWords,
  wholeFrom,
} from '../values.ts';
import type { PeerName } from './backend.ts';
import { quickWorkloads, workloadNames } from './workload.ts';

export const peerNames: readonly PeerName[] = ['dpdk-testpmd-io', 'dpdk-testpmd-mac', 'ovs-dpdk'];
const quickPeers: readonly PeerName[] = ['dpdk-testpmd-io', 'ovs-dpdk'];

export interface PeersOptions {
  readonly workloads: readonly string[];
  readonly peers: readonly PeerName[];
  /** Pairs wanted of each row. */
  readonly pairs: number;
  readonly seconds: number;
  readonly warmup: number;
  /** Minutes that a row may take until its pairs have come. */
  readonly deadline: number;
  /** The backend's, then the front-end's. */
  readonly cpu: readonly [number, number];
  readonly json: boolean;
  readonly output: string;
  /** Rows are appended to it; null: to none. */
  readonly history: string | null;
}

interface Raw {
  readonly workload?: readonly string[];
  readonly peer?: readonly PeerName[];
  readonly quick?: true;
  readonly pairs: number;
  readonly seconds: number;
  readonly warmup: number;
  readonly deadline: number;
  readonly cpu: readonly number[];
  readonly json?: true;
  readonly output: string;
  readonly history?: string;
}

export const peersExamples = [
  'bench peers --quick',
  'bench peers --workload 60-uni --peer ovs-dpdk --pairs 9',
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
    .option(
      '--workload <list>',
      `which of ${workloadNames.join(', ')}`,
      listOf(oneOf(workloadNames)),
    )
    .option('--peer <list>', `which of ${peerNames.join(', ')}`, listOf(oneOf(peerNames)))
    .option('--quick', `${quickWorkloads.join(', ')} against ${quickPeers.join(', ')}`)
    .option('--pairs <n>', 'pairs that count, of each row', wholeFrom(1, 1000), 5)
    .option('--seconds <s>', 'of each run', numberFrom(0.05, 600), 1)
    .option('--warmup <s>', 'before each run', numberFrom(0, 60), 0.3)
    .option('--deadline <minutes>', 'for the pairs of a row', numberFrom(0.01, 1440), 20)
    .addOption(cpuPairOption("the backend's CPU, then the front-end's"))
    .option('--json', 'one JSON object a line on stdout')
    .option('--output <file>', 'where the page of plots goes', 'valenic-peers.html')
    .option('--history <file>', 'appends the rows to it, a line of JSON each')
    .addHelpText('after', examplesText(peersExamples));
}

function finish(raw: Raw): PeersOptions {
  const [backend, frontend] = cpuPairOf(raw.cpu);
  if (backend === frontend) {
    throw new ValenicError('usage', '--cpu: backend and front-end need a CPU each');
  }
  const quick = raw.quick ?? false;
  return {
    ...raw,
    workloads: raw.workload ?? (quick ? quickWorkloads : workloadNames),
    peers: raw.peer ?? (quick ? quickPeers : peerNames),
    pairs: raw.pairs,
    cpu: [backend, frontend],
    json: raw.json ?? false,
    history: raw.history ?? null,
  };
}
