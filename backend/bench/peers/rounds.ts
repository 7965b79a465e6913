/** Round after round, until the pairs of a row have come or its time is over. */

import { setTimeout as delay } from 'node:timers/promises';
import { isNear } from '../placement.ts';
import { counts, countsFar, type Pair, type Placement } from './pairs.ts';

/** A round is not begun on far CPUs unless they stay so for this long. */
const nearWithinMs = 10_000;
const nearAgainMs = 500;

export interface RoundTools {
  readonly options: {
    readonly pairs: number;
    readonly deadline: number;
    /** Far CPUs are waited out until the deadline. */
    readonly nearOnly?: boolean;
  };
  /** Nanoseconds between the two CPUs; nothing else runs on them in the meantime. */
  probe(): Promise<number | null>;
  readonly signal: AbortSignal;
}

/**
 * @param settings  Of the peer: a round has a pair of each.
 * @returns the pairs of each.
 */
export async function pairsOf(
  tools: RoundTools,
  { settings, placement }: { readonly settings: number; readonly placement: Placement },
  measure: (round: number) => Promise<readonly Pair[]>,
): Promise<readonly (readonly Pair[])[]> {
  const { options, signal } = tools;
  const pairs: Pair[][] = Array.from({ length: settings }, () => []);
  const deadline = Date.now() + options.deadline * 60_000;
  // Where the probe never answers, waiting for near CPUs is in vain.
  let blind = true;
  for (let round = 0; ; round++) {
    signal.throwIfAborted();
    if (placement === 'near') await untilNear(tools, deadline);
    for (const [setting, pair] of (await measure(round)).entries()) {
      pairs[setting]?.push(pair);
      blind &&= pair.own.probesNs.every((ns) => ns === null);
    }
    const enough = pairs.every((some) => isEnough(some, options));
    if (enough || Date.now() >= deadline || (blind && round + 1 >= options.pairs)) return pairs;
  }
}

/**
 * As many pairs as wanted; of far CPUs they are enough where not one was near. A machine whose CPUs
 * are never near has figures too, under their own name.
 */
function isEnough(pairs: readonly Pair[], { pairs: wanted, nearOnly }: RoundTools['options']) {
  const near = pairs.filter(counts).length;
  if (near >= wanted) return true;
  return near === 0 && nearOnly !== true && pairs.filter(countsFar).length >= wanted;
}

/** Rates decide nothing here: it looks at the placement alone, before anything is measured. */
async function untilNear({ probe, signal }: RoundTools, deadline: number): Promise<void> {
  const late = Math.min(deadline, Date.now() + nearWithinMs);
  for (;;) {
    const ns = await probe();
    if (ns === null || isNear(ns) || Date.now() >= late) return;
    await delay(nearAgainMs, undefined, { signal });
  }
}

/** Why there are fewer pairs than wanted; null: there are not. */
export function incompleteText({ options }: RoundTools, pairs: readonly Pair[]): string | null {
  const placement = pairs[0]?.placement ?? 'near';
  const near = pairs.filter(counts).length;
  if (near >= options.pairs) return null;
  return (
    `${near} of ${options.pairs} pairs came on ${placement} CPUs` +
    ` (${pairs.length} measured, ${pairs.filter(countsFar).length} on far ones)`
  );
}
