/**
 * `valenic bench fairness`: what an honest pair keeps of a worker beside guests that make as much
 * work as they can. The pair and all others are played by one process from rings that were written
 * once, so that each has work waiting whenever the worker comes.
 */

import { refuseAbsentCpus } from '../../datapath/cpus.ts';
import { ValenicError } from '../../errors.ts';
import type { BenchIo } from '../io.ts';
import { type FairnessKind, fairnessKinds } from './kinds.ts';
import { type FairnessOptions, parseFairnessOptions, type RingKind } from './options.ts';
import { type FairnessPair, type FairnessRow, fairnessRow, pairDoubts } from './row.ts';
import { fairnessRun, type RunPoint } from './run.ts';
import { fairnessFoot, fairnessHead, fairnessLine } from './table.ts';

/** @returns the exit status. @throws {ValenicError} */
export async function runFairness(argv: readonly string[], io: BenchIo): Promise<number> {
  const options = parseFairnessOptions(argv, (text) => io.stdout.write(text));
  if (options === null) return 0;
  refuseAbsentCpus(options.cpu);
  const say = (text: string) => void io.stdout.write(`${text}\n`);
  if (!options.json) say(fairnessHead());
  const rows: FairnessRow[] = [];
  for (const { kind, ring, attackers } of pointsOf(options)) {
    const row = await measured(kind, ring, attackers, options, io);
    rows.push(row);
    say(options.json ? JSON.stringify(row) : fairnessLine(row));
  }
  if (!options.json) io.stdout.write(fairnessFoot(rows));
  return options.strict && rows.some(({ fair, counts }) => !fair || !counts) ? 1 : 0;
}

function pointsOf({ kinds, rings, attackers }: FairnessOptions) {
  return fairnessKinds
    .filter(({ name }) => kinds.includes(name))
    .flatMap((kind: FairnessKind) =>
      // A stream has no ring.
      (kind.plays === 'stream' ? rings.slice(0, 1) : rings).flatMap((ring) =>
        attackers.map((count) => ({ kind, ring, attackers: count })),
      ),
    );
}

async function measured(
  kind: FairnessKind,
  ring: RingKind,
  attackers: number,
  options: FairnessOptions,
  io: BenchIo,
): Promise<FairnessRow> {
  const signal = io.signal ?? neverAborted;
  const pairs: FairnessPair[] = [];
  try {
    for (let run = 0; run < options.repeat; run++) {
      pairs.push(await pairThatCounts({ kind, ring, attackers }, options, signal));
    }
  } catch (error) {
    if (signal.aborted) throw new ValenicError('interrupted', 'stopped within a measurement');
    throw error;
  }
  return fairnessRow(kind, ring, attackers, pairs);
}

/** The first that counts; the last of them, if none does. */
async function pairThatCounts(
  point: Omit<RunPoint, 'attacked'>,
  options: FairnessOptions,
  signal: AbortSignal,
): Promise<FairnessPair> {
  for (let tries = 1; ; tries++) {
    const alone = await fairnessRun({ ...point, attacked: false }, options, signal);
    const attacked = await fairnessRun({ ...point, attacked: true }, options, signal);
    const pair = { alone, attacked };
    if (tries === triesOfPair || pairDoubts(point.kind, pair).length === 0) return pair;
  }
}

/** Of a pair that does not count: the machine is not always quiet. */
const triesOfPair = 5;

const neverAborted = new AbortController().signal;
