/** `valenic bench`: everything after the word belongs to backend/bench. */

import type { Command } from 'commander';
import { measurable } from '../bench/options.ts';
import type { CliIo } from './io.ts';

/** Its line in the help; runCli() never comes here with it. */
export function addBenchCommand(program: Command): void {
  program
    .command('bench')
    .description(`measure: ${measurable.join(', ')}; see valenic bench --help`)
    .argument('[words...]')
    .helpOption(false);
}

/** Loaded only when asked for: the other commands start faster without it. */
export async function runBenchCommand(argv: readonly string[], io: CliIo): Promise<number> {
  const { runBench } = await import('../bench/index.ts');
  return runBench(argv, io);
}
