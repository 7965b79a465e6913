/** What `valenic bench cpu` and `idle` are asked for. */

import { Command } from 'commander';
import { type PollingMode, pollingModes } from '../../native/boundary/index.ts';
import { settingKind } from '../config/index.ts';
import { cpuPairOption, listOf, numberFrom, oneOf, tableValue } from './values.ts';
import { strictOption } from './verdict.ts';

export const quietExamples = {
  cpu: ['bench cpu', 'bench cpu --rates 0,10000 --polling adaptive --spin auto,50'],
  idle: ['bench idle --ports 10,100'],
} as const;

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

export function cpuCommand(): Command {
  return new Command('cpu')
    .description('CPU and delay at paced rates, in each polling mode')
    .option(
      '--rates <pps>',
      'frames per second; 0 = send none',
      listOf(numberFrom(0, 1e8)),
      [0, 1000, 100_000, 1_000_000],
    )
    .option('--polling <modes>', pollingModes.join(','), listOf(oneOf(pollingModes)), pollingModes)
    .option(
      '--spin <list>',
      'spin budgets of adaptive mode',
      listOf(tableValue(settingKind('spinUs'))),
      ['auto'],
    )
    .option('--seconds <s>', 'of each run', numberFrom(0.05, 3600), 1)
    .option('--repeat <n>', 'runs; the median of p99 and CPU counts', numberFrom(1, 99), 3)
    .addOption(cpuPairOption("the worker's CPU, then the driver's"))
    .addOption(strictOption())
    .option('--json', 'print one JSON object per line on stdout');
}

export interface IdleOptions {
  readonly ports: readonly number[];
  readonly polling: readonly PollingMode[];
  readonly seconds: number;
  readonly workers: number;
  readonly strict?: true;
  readonly json?: true;
}

export function idleCommand(): Command {
  return new Command('idle')
    .description('CPU of the backend with guests that are connected but idle')
    .option('--ports <list>', 'guests', listOf(numberFrom(1, 250)), [100])
    .option('--polling <modes>', pollingModes.join(','), listOf(oneOf(pollingModes)), ['event'])
    .option('--seconds <s>', 'of each run', numberFrom(0.1, 3600), 5)
    .option('--workers <n>', 'host I/O threads', numberFrom(1, 15), 1)
    .addOption(strictOption())
    .option('--json', 'print one JSON object per line on stdout');
}
