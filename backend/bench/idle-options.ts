/** What `valenic bench idle` is asked for. */

import { Command } from 'commander';
import { type PollingMode, pollingModes } from '../../native/boundary.ts';
import { examplesText } from '../help.ts';
import { listOf, numberFrom, oneOf } from './values.ts';
import { strictOption } from './verdict.ts';

export interface IdleOptions {
  readonly ports: readonly number[];
  readonly polling: readonly PollingMode[];
  readonly seconds: number;
  readonly workers: number;
  readonly strict?: true;
  readonly json?: true;
}

export const idleExamples = ['bench idle --ports 1,100 --polling adaptive,event'] as const;

export function idleCommand(): Command {
  return new Command('idle')
    .description('CPU of the back-end with guests that are connected and do nothing')
    .option('--ports <list>', 'guests', listOf(numberFrom(1, 250)), [100])
    .option('--polling <modes>', pollingModes.join(','), listOf(oneOf(pollingModes)), ['event'])
    .option('--seconds <s>', 'of each run', numberFrom(0.1, 3600), 5)
    .option('--workers <n>', 'host I/O threads', numberFrom(1, 15), 1)
    .addOption(strictOption())
    .option('--json', 'one JSON object a line on stdout')
    .addHelpText('after', examplesText(idleExamples));
}
