/** `valenic bench`: everything after the word belongs to backend/bench. */

import type { Command } from 'commander';
import { measurable } from '../bench/options.ts';
import type { Cli } from './io.ts';

/** The benchmark reads its own options; those of every command are read here. */
export function addBenchCommand(
  program: Command,
  cli: Cli,
  onStatus: (status: number) => void,
): void {
  program
    .command('bench')
    .description(`measure: ${measurable.join(', ')}; see valenic bench --help`)
    .argument('[words...]')
    .helpOption(false)
    .allowUnknownOption()
    .action(async (words: readonly string[]) => {
      // Loaded only when asked for: the other commands start faster without it.
      const { runBench } = await import('../bench/index.ts');
      const json = cli.json && words.length > 0 ? ['--json'] : [];
      onStatus(await runBench([...words, ...json], cli.io));
    });
}
