/** What `valenic bench` is asked for. */

import { availableParallelism } from 'node:os';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type PollingMode, pollingModes } from '../../native/boundary.ts';
import { ValenicError } from '../errors.ts';
import { examplesText } from '../help.ts';
import type { Scenario } from './row.ts';

export interface BenchOptions {
  readonly command: Scenario | 'sweep';
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
  readonly json: boolean;
  readonly output: string | null;
  readonly qemu: string | null;
  readonly memory: number;
}

export const scenarios = ['g2g', 'g2h', 'h2g'] as const;

export const benchExamples = {
  g2g: ['bench g2g', 'bench g2g --polling busy,event --rate 10000'],
  g2h: ['bench g2h --driver guest'],
  h2g: ['bench h2g --frame 60,1514 --json'],
  sweep: ['bench sweep', 'bench sweep --driver guest --output guests.html'],
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
        ? `say what to measure: ${[...scenarios, 'sweep'].join(', ')}`
        : usageSentence(error);
    throw new ValenicError('usage', `${sentence}; see valenic bench --help`);
  }
  return found;
}

/** What commander found wrong, in one line without a full stop. */
export function usageSentence({ message }: CommanderError): string {
  return message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .replace(/\.$/, '');
}

/** The commands of `valenic bench`; the manual is made from them too. */
export function benchProgram(
  write: (text: string) => void,
  take: (options: BenchOptions) => void,
): Command {
  const program = new Command('bench')
    .description('measure rates: guest to guest, guest to host, host to guest')
    .helpOption('-h, --help', 'print what a command takes')
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: () => {} });
  for (const name of [...scenarios, 'sweep'] as const) {
    addOptions(program.command(name).description(describe(name)), name === 'sweep')
      .addHelpText('after', examplesText(benchExamples[name]))
      .action((options: Raw) => take(finish(name, options)));
  }
  program.addHelpText(
    'after',
    '\nAlso: bench cpu (CPU and delay at paced rates) and bench idle (guests that do nothing)',
  );
  return program;
}

interface Raw {
  readonly driver: 'synthetic' | 'guest';
  readonly guestApp: 'pmd' | 'kernel';
  readonly scenario?: readonly Scenario[];
  readonly frame?: readonly number[];
  readonly polling?: readonly PollingMode[];
  readonly more?: readonly boolean[];
  readonly batch: readonly number[];
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
  readonly json?: true;
  readonly output?: string;
  readonly qemu?: string;
  readonly memory: number;
}

function describe(name: Scenario | 'sweep'): string {
  const texts = {
    g2g: 'guest to guest',
    g2h: 'guest to host',
    h2g: 'host to guest',
    sweep: 'polling mode x more x frame size, with a page of plots',
  };
  return texts[name];
}

function addOptions(command: Command, sweep: boolean): Command {
  const bounds = (low: number, high: number) => (text: string) => numberIn(text, low, high);
  const whole = (low: number, high: number) => (text: string) => wholeIn(text, low, high);
  const frames = listOf(whole(60, 9014));
  command.exitOverride().configureOutput({ writeErr: () => {} });
  if (sweep) {
    command.addOption(
      new Option('--scenario <list>', 'which of g2g,g2h,h2g').argParser(listOf(oneOf(scenarios))),
    );
  }
  return command
    .addOption(
      new Option('--driver <name>', 'who plays the guests')
        .choices(['synthetic', 'guest'])
        .default('synthetic'),
    )
    .addOption(
      new Option('--guest-app <name>', 'in a guest: the poll-mode driver, or its kernel')
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
      'frames of a batch at most, 1..256',
      listOf((text) => numberIn(text, 1, 256)),
      [64],
    )
    .option('--seconds <s>', 'of each run', bounds(0.05, 3600), 1)
    .option('--warmup <s>', 'before the first run', bounds(0, 600), 0.3)
    .option('--repeat <n>', 'runs', whole(1, 1000), 5)
    .option('--rate <pps>', 'frames per second; 0 = as many as go', whole(0, 1e9), 0)
    .option(
      '--latency-rate <pps>',
      'of the run that measures delays; 0 = none',
      whole(0, 1e7),
      10_000,
    )
    .option('--ring <slots>', 'of the synthetic driver', whole(4, 32768), 256)
    .option('--workers <n>', 'host I/O threads', whole(1, 15), 1)
    .option('--cpu <list>', "the worker's CPU, then the driver's", listOf(whole(0, 1023)))
    .option('--mergeable', 'negotiate mergeable receive buffers')
    .option('--packed', 'packed rings instead of split ones')
    .option('--in-order', 'negotiate IN_ORDER (synthetic driver)')
    .option('--verify', 'fill and check every byte (always so with a host port)')
    .option('--touch', 'read and write every cache line')
    .option('--json', 'one JSON object a line on stdout')
    .option('--output <file>', 'where the page of plots goes')
    .option('--qemu <program>', 'QEMU to boot guests with')
    .option('--memory <MiB>', 'of each guest', whole(64, 65536), 192);
}

function finish(command: Scenario | 'sweep', raw: Raw): BenchOptions {
  const sweep = command === 'sweep';
  const guest = raw.driver === 'guest';
  const twoNear = raw.driver === 'synthetic' && availableParallelism() >= 2;
  return {
    ...raw,
    command,
    scenarios: sweep ? (raw.scenario ?? (guest ? scenarios : ['g2g'])) : [command],
    frames: raw.frame ?? (sweep ? (guest ? [60, 1514] : [60, 508, 1514]) : [60]),
    polling: raw.polling ?? (sweep ? pollingModes : ['busy']),
    more: raw.more ?? (sweep ? [true, false] : [true]),
    cpu: raw.cpu ?? (twoNear ? [1, 0] : []),
    mergeable: raw.mergeable ?? false,
    packed: raw.packed ?? false,
    inOrder: raw.inOrder ?? false,
    verify: raw.verify ?? false,
    touch: raw.touch ?? false,
    json: raw.json ?? false,
    output: raw.output ?? (sweep ? 'valenic-sweep.html' : null),
    qemu: raw.qemu ?? null,
  };
}

function wholeIn(text: string, low: number, high: number): number {
  const value = numberIn(text, low, high);
  if (Number.isInteger(value)) return value;
  throw new InvalidArgumentError(`a whole number from ${low} to ${high} is wanted.`);
}

/**
 * The options of a command that stands alone.
 *
 * @throws {ValenicError} `usage`; @returns null when help was printed.
 */
export function parseWords<Options>(
  command: Command,
  argv: readonly string[],
  write: (text: string) => void,
): Options | null {
  try {
    command.exitOverride().configureOutput({ writeOut: write, writeErr: () => {} });
    return command.parse([...argv], { from: 'user' }).opts() as Options;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return null;
    throw new ValenicError('usage', `${usageSentence(error)}; see ${command.name()} --help`);
  }
}

export function numberIn(text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= low && value <= high) return value;
  throw new InvalidArgumentError(`a number from ${low} to ${high} is wanted.`);
}

export function oneOf<Name extends string>(names: readonly Name[]): (text: string) => Name {
  return (text) => {
    const name = names.find((candidate) => candidate === text);
    if (name !== undefined) return name;
    throw new InvalidArgumentError(`${names.join(', ')} are possible.`);
  };
}

export function listOf<T>(parse: (text: string) => T): (text: string) => readonly T[] {
  return (text) => text.split(',').map((part) => parse(part.trim()));
}
