/** What `valenic bench fairness` is asked for. */

import { Command } from 'commander';
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
import { strictOption } from '../verdict.ts';
import { type FairnessName, fairnessKinds, fairnessNames } from './kinds.ts';

const rings = ['split', 'packed'] as const;
export type RingKind = (typeof rings)[number];

export interface FairnessOptions {
  readonly kinds: readonly FairnessName[];
  readonly rings: readonly RingKind[];
  readonly attackers: readonly number[];
  readonly seconds: number;
  readonly repeat: number;
  /** The worker's, then that of all guests. */
  readonly cpu: readonly [number, number];
  readonly strict: boolean;
  readonly json: boolean;
}

interface Raw {
  readonly kind?: readonly FairnessName[];
  readonly ring: readonly RingKind[];
  readonly attackers: readonly number[];
  readonly seconds: number;
  readonly repeat: number;
  readonly cpu: readonly number[];
  readonly strict?: true;
  readonly json?: true;
}

export const fairnessExamples = [
  'bench fairness',
  'bench fairness --kind tso,rx-chain --ring split --attackers 8 --strict',
] as const;

/** @throws {ValenicError} `usage`; @returns null when help was printed. */
export function parseFairnessOptions(
  argv: readonly string[],
  write: (text: string) => void,
): FairnessOptions | null {
  const raw = parseWords<Raw>(fairnessCommand().name('valenic bench fairness'), argv, write);
  if (raw === null) return null;
  return {
    ...{
      kinds: raw.kind ?? fairnessNames,
      rings: raw.ring,
      attackers: raw.attackers,
      seconds: raw.seconds,
    },
    ...{ repeat: raw.repeat, cpu: cpuPairOf(raw.cpu) },
    ...{ strict: raw.strict ?? false, json: raw.json ?? false },
  };
}

/** Its options; what is done with them is parseFairnessOptions()'s. */
export function fairnessCommand(): Command {
  return new Command('fairness')
    .description('frames of an honest pair beside guests that cause much work, on one worker')
    .option('--kind <list>', 'kinds of attacker (default: all)', listOf(oneOf(fairnessNames)))
    .option('--ring <list>', `which of ${rings.join(',')}`, listOf(oneOf(rings)), rings)
    .option('--attackers <list>', 'number of attackers at once', listOf(wholeFrom(1, 32)), [1, 8])
    .option('--seconds <s>', 'of each run', numberFrom(0.05, 600), 0.5)
    .option(
      '--repeat <n>',
      'runs, each paired with one of the honest pair alone',
      wholeFrom(1, 100),
      3,
    )
    .addOption(cpuPairOption("the worker's CPU, then the guests'"))
    .addOption(strictOption())
    .option('--json', 'print one JSON object per line on stdout')
    .addHelpText('after', `\nKinds:\n${kindsText()}${examplesText(fairnessExamples)}`);
}

function kindsText(): string {
  return fairnessKinds.map(({ name, text }) => `  ${name.padEnd(17)} ${text}\n`).join('');
}
