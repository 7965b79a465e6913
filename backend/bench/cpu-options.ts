/** What `valenic bench cpu` is asked for. */

import { Command } from 'commander';
import { type PollingMode, pollingModes } from '../../native/boundary.ts';
import { examplesText } from '../help.ts';
import { cpuPairOption, listOf, numberFrom, numberIn, oneOf } from './values.ts';
import { strictOption } from './verdict.ts';

export interface CpuOptions {
  readonly rates: readonly number[];
  readonly polling: readonly PollingMode[];
  readonly spin: readonly (number | 'auto')[];
  readonly seconds: number;
  readonly repeat: number;
  readonly cpu: readonly number[];
  readonly strict?: true;
  readonly json?: true;
}

const spinOf = (text: string): number | 'auto' =>
  text === 'auto' ? text : numberIn(text, 0, 1_000_000);

export const cpuExamples = ['bench cpu --rates 0,1000 --polling adaptive,event'] as const;

export function cpuCommand(): Command {
  return new Command('cpu')
    .description('CPU and delay at paced rates, in each polling mode')
    .option(
      '--rates <pps>',
      'frames per second; 0 = none is sent',
      listOf(numberFrom(0, 1e8)),
      [0, 1000, 100_000, 1_000_000],
    )
    .option('--polling <modes>', pollingModes.join(','), listOf(oneOf(pollingModes)), pollingModes)
    .option('--spin <list>', 'spin budgets of adaptive mode', listOf(spinOf), ['auto'])
    .option('--seconds <s>', 'of each run', numberFrom(0.05, 3600), 1)
    .option('--repeat <n>', 'runs; the median p99 and CPU count', numberFrom(1, 99), 3)
    .addOption(cpuPairOption("the worker's CPU, then the driver's"))
    .addOption(strictOption())
    .option('--json', 'one JSON object a line on stdout')
    .addHelpText('after', examplesText(cpuExamples));
}
