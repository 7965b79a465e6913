/** What `valenic bench tcp`, `udp` and `latency` are asked for. */

import { Command, Option } from 'commander';
import { type PollingMode, pollingModes } from '../../../native/boundary/index.ts';
import { examplesText } from '../../help.ts';
import type { Scenario } from '../row.ts';
import {
  cpuPairOf,
  cpuPairOption,
  listOf,
  namedQemu,
  oneOf,
  parseWords,
  wholeFrom,
} from '../values.ts';
import { strictOption } from '../verdict.ts';
import { type TcpPeerName, tcpPeerNames } from './network.ts';
import type { TcpTest } from './traffic.ts';

export interface TcpOptions {
  readonly test: TcpTest;
  readonly scenarios: readonly Scenario[];
  readonly peers: readonly TcpPeerName[];
  readonly pairs: number;
  readonly seconds: number;
  readonly polling: PollingMode;
  /** Where testpmd's threads may run. */
  readonly cpu: readonly [number, number];
  readonly qemu: string | null;
  readonly memory: number;
  readonly strict: boolean;
  readonly json: boolean;
  readonly output: string;
  /** Rows of earlier runs, which these are added to. */
  readonly add: readonly string[];
}

type Raw = Omit<
  TcpOptions,
  'test' | 'scenarios' | 'peers' | 'cpu' | 'qemu' | 'strict' | 'json' | 'output'
> & {
  readonly scenario: readonly Scenario[];
  readonly peer: readonly TcpPeerName[];
  readonly cpu: readonly number[];
  readonly qemu?: string;
  readonly strict?: true;
  readonly json?: true;
  readonly output?: string;
};

const titles: Readonly<Record<TcpTest, string>> = {
  tcp: "iperf3's TCP between Linux guests and to their host, over Valenic and its peers in turn",
  udp: 'the same with UDP datagrams of 1448 bytes, as fast as a guest sends',
  latency: 'one-byte requests and answers over TCP, one at a time',
};

export const tcpExamples: Readonly<Record<TcpTest, readonly string[]>> = {
  tcp: [
    'bench tcp',
    'bench tcp --peer tap-bridge,passt --scenario g2h --pairs 9 --output tcp.html',
  ],
  udp: ['bench udp --peer tap-bridge'],
  latency: ['bench latency --polling busy'],
};

/** @throws {ValenicError} `usage`; @returns null when help was printed. */
export function parseTcpOptions(
  test: TcpTest,
  argv: readonly string[],
  write: (text: string) => void,
): TcpOptions | null {
  const raw = parseWords<Raw>(tcpCommand(test).name(`valenic bench ${test}`), argv, write);
  if (raw === null) return null;
  return {
    ...{ test, scenarios: raw.scenario, peers: raw.peer, pairs: raw.pairs, seconds: raw.seconds },
    ...{ polling: raw.polling, cpu: cpuPairOf(raw.cpu), memory: raw.memory, add: raw.add },
    qemu: raw.qemu ?? null,
    strict: raw.strict ?? false,
    json: raw.json ?? false,
    output: raw.output ?? `valenic-${test}.html`,
  };
}

/** Its options; what is done with them is parseTcpOptions()'s. */
export function tcpCommand(test: TcpTest): Command {
  const scenarios = ['g2g', 'g2h', 'h2g'] as const;
  const shown: readonly Scenario[] = ['g2g', 'g2h'];
  return new Command(test)
    .description(titles[test])
    .addOption(
      new Option('--scenario <list>', 'which of g2g, g2h, h2g (the guest asks, the host sends)')
        .argParser(listOf(oneOf(test === 'latency' ? shown : scenarios)))
        .default(shown, shown.join(',')),
    )
    .addOption(
      new Option('--peer <list>', `which of ${tcpPeerNames.join(', ')}`)
        .argParser(listOf(oneOf(tcpPeerNames)))
        .default(tcpPeerNames, 'all'),
    )
    .option('--pairs <n>', 'runs of ours and of each peer, in turn', wholeFrom(1, 1000), 5)
    .option('--seconds <s>', 'of each run, in whole seconds', wholeFrom(1, 3600), 3)
    .option('--polling <mode>', pollingModes.join(', '), oneOf(pollingModes), 'adaptive')
    .addOption(cpuPairOption('where the threads of testpmd may run'))
    .option('--qemu <program>', 'QEMU to boot the guests with', namedQemu)
    .option('--memory <MiB>', 'of each guest', wholeFrom(64, 65536), 256)
    .addOption(strictOption())
    .option('--json', 'print one JSON object per line on stdout')
    .option('--output <file>', `file for the page of plots (valenic-${test}.html)`)
    .option(
      '--add <list>',
      'files with rows of earlier runs (--json) to continue from',
      listOf(String),
      [],
    )
    .addHelpText('after', examplesText(tcpExamples[test]));
}
