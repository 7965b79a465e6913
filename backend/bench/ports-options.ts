/** What `valenic bench ports` is asked for. */

import { Command } from 'commander';
import { ValenicError } from '../errors.ts';
import { examplesText } from '../help.ts';
import {
  cpuPairOf,
  cpuPairOption,
  listOf,
  numberFrom,
  oneOf,
  parseWords,
  wholeFrom,
} from './values.ts';
import { strictOption } from './verdict.ts';

export const traffics = ['pairs', 'flood'] as const;
export type Traffic = (typeof traffics)[number];

export interface PortsOptions {
  readonly ports: readonly number[];
  readonly traffic: readonly Traffic[];
  readonly frame: number;
  /** Frames per second of each sender; 0 = as many as possible. */
  readonly rate: number;
  readonly seconds: number;
  readonly repeat: number;
  /** The worker's, then the driver's. */
  readonly cpu: readonly [number, number];
  readonly strict: boolean;
  readonly json: boolean;
  readonly output: string | null;
}

type Raw = Omit<PortsOptions, 'cpu' | 'strict' | 'json' | 'output'> & {
  readonly cpu: readonly number[];
  readonly strict?: true;
  readonly json?: true;
  readonly output?: string;
};

export const portsExamples = [
  'bench ports',
  'bench ports --ports 2,8,64,250 --traffic flood --output ports.html',
] as const;

/** @throws {ValenicError} `usage`; @returns null when help was printed. */
export function parsePortsOptions(
  argv: readonly string[],
  write: (text: string) => void,
): PortsOptions | null {
  const raw = parseWords<Raw>(portsCommand().name('valenic bench ports'), argv, write);
  if (raw === null) return null;
  const cpu = cpuPairOf(raw.cpu);
  const odd = raw.ports.find((ports) => ports % 2 === 1);
  if (odd !== undefined && raw.traffic.includes('pairs')) {
    throw new ValenicError('usage', `--ports ${odd}: pairs need an even number`);
  }
  const { strict = false, json = false, output = null } = raw;
  return { ...raw, cpu, strict, json, output };
}

/** Its options; what is done with them is parsePortsOptions()'s. */
export function portsCommand(): Command {
  return new Command('ports')
    .description('rate and cost of a copy by the number of ports: pairs, and floods')
    .option(
      '--ports <list>',
      'number of guests on the switch, 2..250',
      listOf(wholeFrom(2, 250)),
      [2, 8, 64],
    )
    .option('--traffic <list>', `which of ${traffics.join(',')}`, listOf(oneOf(traffics)), traffics)
    .option('--frame <bytes>', 'without FCS', wholeFrom(60, 9014), 60)
    .option('--rate <pps>', 'of each sender; 0 = as many as possible', wholeFrom(0, 1e9), 0)
    .option('--seconds <s>', 'of each run', numberFrom(0.05, 3600), 1)
    .option('--repeat <n>', 'runs', wholeFrom(1, 1000), 3)
    .addOption(cpuPairOption("the worker's CPU, then the driver's"))
    .addOption(strictOption())
    .option('--json', 'print one JSON object per line on stdout')
    .option('--output <file>', 'file for the page of plots')
    .addHelpText('after', examplesText(portsExamples));
}
