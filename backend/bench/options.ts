/** What `valenic bench` is asked for. */

import { availableParallelism } from 'node:os';
import { Command, CommanderError, Option } from 'commander';
import { defaultSettings, type PollingMode, pollingModes } from '../../native/boundary/index.ts';
import { settingKind } from '../config/index.ts';
import { ValenicError } from '../errors.ts';
import { examplesText } from '../help.ts';
import { fairnessCommand, fairnessExamples } from './fairness/options.ts';
import { peersCommand, peersExamples } from './peers/options.ts';
import { portsCommand, portsExamples } from './ports-options.ts';
import { cpuCommand, idleCommand, quietExamples } from './quiet-options.ts';
import type { Scenario } from './row.ts';
import { tcpCommand, tcpExamples } from './tcp/options.ts';
import { tcpTests } from './tcp/traffic.ts';
import {
  listOf,
  namedQemu,
  numberFrom,
  oneOf,
  tableValue,
  usageSentence,
  wholeFrom,
} from './values.ts';
import { strictOption } from './verdict.ts';

/** Scenarios are one point; the others vary something and write a page. */
export type CommandName = Scenario | 'sweep' | 'batch' | 'frames';

export interface BenchOptions {
  readonly command: CommandName;
  readonly driver: 'synthetic' | 'guest';
  readonly guestApp: 'pmd' | 'kernel';
  readonly scenarios: readonly Scenario[];
  readonly frames: readonly number[];
  readonly polling: readonly PollingMode[];
  readonly more: readonly boolean[];
  /** Frames of a batch at most: the ports' budget. */
  readonly batch: readonly number[];
  readonly seconds: number;
  readonly warmup: number;
  readonly repeat: number;
  readonly rate: number;
  readonly latencyRate: number;
  readonly ring: number;
  readonly workers: number;
  /** Worker's CPU, then the driver's; empty: the scheduler decides. */
  readonly cpu: readonly number[];
  readonly mergeable: boolean;
  readonly packed: boolean;
  readonly inOrder: boolean;
  readonly verify: boolean;
  readonly touch: boolean;
  readonly strict: boolean;
  readonly json: boolean;
  readonly output: string | null;
  readonly qemu: string | null;
  readonly memory: number;
}

export const scenarios = ['g2g', 'g2h', 'h2g'] as const;
/** Doubling, as far as the setting goes. */
const budget = settingKind('budget');
const batches = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const curves = ['sweep', 'batch', 'frames'] as const;
/** Commands with a rig of their own: here for the help and the manual. */
const others = [
  ...[peersCommand, portsCommand, fairnessCommand, cpuCommand, idleCommand],
  ...tcpTests.map((test) => () => tcpCommand(test)),
];
/** What may follow `valenic bench`, in the order of its help. */
export const measurable: readonly string[] = [
  ...[...scenarios, ...curves],
  ...others.map((command) => command().name()),
];

export const benchExamples = {
  g2g: ['bench g2g', 'bench g2g --polling busy,event --rate 10000'],
  g2h: ['bench g2h --driver guest'],
  h2g: ['bench h2g --frame 60,1514 --json'],
  sweep: ['bench sweep', 'bench sweep --driver guest --output guests.html'],
  batch: ['bench batch --batch 1,8,64'],
  frames: ['bench frames --frame 60,1514,9000'],
  peers: peersExamples,
  ports: portsExamples,
  fairness: fairnessExamples,
  ...quietExamples,
  ...tcpExamples,
} as const;

/** @throws {ValenicError} `usage`; @returns null when help was printed. */
export function parseBenchOptions(
  argv: readonly string[],
  write: (text: string) => void,
): BenchOptions | null {
  let found: BenchOptions | null = null;
  const program = benchProgram(write, (options) => {
    found = options;
  });
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return null;
    const sentence =
      error.code === 'commander.help'
        ? `choose what to measure: ${measurable.join(', ')}`
        : usageSentence(error);
    throw new ValenicError('usage', `${sentence}; see valenic bench --help`);
  }
  return found;
}

/** The commands of `valenic bench`; the manual is made from them too. */
export function benchProgram(
  write: (text: string) => void,
  take: (options: BenchOptions) => void,
): Command {
  const program = new Command('bench')
    .description('measure rates: guest to guest, guest to host, host to guest')
    .helpOption('-h, --help', 'print the help of a command')
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: () => {} });
  for (const name of [...scenarios, ...curves] as const) {
    addOptions(program.command(name).description(describe(name)), name)
      .addHelpText('after', examplesText(benchExamples[name]))
      .action((options: Raw) => take(finish(name, options)));
  }
  // runBench() gives their words elsewhere.
  for (const command of others) program.addCommand(command());
  // Whoever asks for help types the whole of it.
  new Command('valenic').addCommand(program);
  return program;
}

interface Raw {
  readonly driver: 'synthetic' | 'guest';
  readonly guestApp: 'pmd' | 'kernel';
  readonly scenario?: readonly Scenario[];
  readonly frame?: readonly number[];
  readonly polling?: readonly PollingMode[];
  readonly more?: readonly boolean[];
  readonly batch?: readonly number[];
  readonly seconds: number;
  readonly warmup: number;
  readonly repeat: number;
  readonly rate: number;
  readonly latencyRate: number;
  readonly ring: number;
  readonly workers: number;
  readonly cpu?: readonly number[];
  readonly mergeable?: true;
  readonly packed?: true;
  readonly inOrder?: true;
  readonly verify?: true;
  readonly touch?: true;
  readonly strict?: true;
  readonly json?: true;
  readonly output?: string;
  readonly qemu?: string;
  readonly memory: number;
}

function describe(name: CommandName): string {
  const texts = {
    g2g: 'guest to guest',
    g2h: 'guest to host',
    h2g: 'host to guest',
    sweep: 'polling mode x more x frame size, with a page of plots',
    batch: 'rate by the number of frames a worker takes at once, with a page of plots',
    frames: 'rate by frame size, every cache line touched, with a page of plots',
  };
  return texts[name];
}

function addOptions(command: Command, name: CommandName): Command {
  const frames = listOf(wholeFrom(60, 9014));
  command.exitOverride().configureOutput({ writeErr: () => {} });
  if (name === 'sweep') {
    command.addOption(
      new Option('--scenario <list>', 'which of g2g,g2h,h2g').argParser(listOf(oneOf(scenarios))),
    );
  }
  return command
    .addOption(
      new Option('--driver <name>', 'what plays the guests')
        .choices(['synthetic', 'guest'])
        .default('synthetic'),
    )
    .addOption(
      new Option('--guest-app <name>', 'in a guest: a poll-mode driver, or the kernel')
        .choices(['pmd', 'kernel'])
        .default('pmd'),
    )
    .option('--frame <list>', 'frame sizes in bytes, without FCS', frames)
    .option('--polling <list>', `which of ${pollingModes.join(',')}`, listOf(oneOf(pollingModes)))
    .option(
      '--more <list>',
      'which of on,off',
      listOf((text) => oneOf(['on', 'off'])(text) === 'on'),
    )
    .option(
      '--batch <list>',
      `most frames in a batch: ${budget.allowed} (default ${defaultSettings.budget})`,
      listOf(tableValue(budget)),
    )
    .option('--seconds <s>', 'of each run', numberFrom(0.05, 3600), 1)
    .option('--warmup <s>', 'before the first run', numberFrom(0, 600), 0.3)
    .option('--repeat <n>', 'runs', wholeFrom(1, 1000), 5)
    .option('--rate <pps>', 'frames per second; 0 = as many as possible', wholeFrom(0, 1e9), 0)
    .option(
      '--latency-rate <pps>',
      'length of the run that measures delays; 0 = none',
      wholeFrom(0, 1e7),
      10_000,
    )
    .option('--ring <slots>', 'of the synthetic driver', wholeFrom(4, 32768), 256)
    .option('--workers <n>', 'host I/O threads', wholeFrom(1, 15), 1)
    .option('--cpu <list>', "the worker's CPU, then the driver's", listOf(wholeFrom(0, 1023)))
    .option('--mergeable', 'negotiate mergeable receive buffers')
    .option('--packed', 'packed rings instead of split ones')
    .option('--in-order', 'negotiate IN_ORDER (synthetic driver)')
    .option('--verify', 'fill and check every byte (always done with a host port)')
    .option('--touch', 'read and write every cache line')
    .addOption(strictOption())
    .option('--json', 'print one JSON object per line on stdout')
    .option('--output <file>', 'file for the page of plots')
    .option('--qemu <program>', 'QEMU to boot guests with', namedQemu)
    .option('--memory <MiB>', 'of each guest', wholeFrom(64, 65536), 192);
}

function finish(command: CommandName, raw: Raw): BenchOptions {
  const curve = !scenarios.some((scenario) => scenario === command);
  const defaults = defaultsOf(command, raw.driver === 'guest');
  const twoNear = raw.driver === 'synthetic' && availableParallelism() >= 2;
  return {
    ...raw,
    command,
    scenarios: raw.scenario ?? defaults.scenarios,
    frames: raw.frame ?? defaults.frames,
    polling: raw.polling ?? (command === 'sweep' ? pollingModes : ['busy']),
    more: raw.more ?? (command === 'sweep' ? [true, false] : [true]),
    batch: raw.batch ?? (command === 'batch' ? batches : [64]),
    cpu: raw.cpu ?? (twoNear ? [1, 0] : []),
    mergeable: raw.mergeable ?? false,
    packed: raw.packed ?? false,
    inOrder: raw.inOrder ?? false,
    verify: raw.verify ?? false,
    touch: raw.touch ?? command === 'frames',
    strict: raw.strict ?? false,
    json: raw.json ?? false,
    output: raw.output ?? (curve ? `valenic-${command}.html` : null),
    qemu: raw.qemu ?? null,
  };
}

/** Scenarios and frame sizes that a command has when none are given. */
function defaultsOf(
  command: CommandName,
  guest: boolean,
): Pick<BenchOptions, 'scenarios' | 'frames'> {
  const sizes = [60, 124, 252, 508, 1020, 1514, ...(guest ? [] : [4090, 9000])];
  switch (command) {
    case 'sweep':
      return {
        scenarios: guest ? scenarios : ['g2g'],
        frames: guest ? [60, 1514] : [60, 508, 1514],
      };
    case 'batch':
      return { scenarios: ['g2g'], frames: guest ? [60] : [60, 1514] };
    case 'frames':
      return { scenarios: ['g2g'], frames: sizes };
    default:
      return { scenarios: [command], frames: [60] };
  }
}
