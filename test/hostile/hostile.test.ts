/**
 * Every attack of `attacks/` against `valenic serve`, beside an honest pair. `npm run hostile` runs
 * it whole; docs/HACKING.md says how a row is added.
 */

import { afterAll, beforeAll, describe, it } from 'vitest';
import { builtProgram } from '../e2e/serve-process.ts';
import type { Attack } from './attack.ts';
import { actors } from './attacks/index.ts';
import { awaiting } from './awaiting.ts';
import { whole } from './form.ts';
import { Stage } from './stage.ts';

beforeAll(builtProgram, 120_000);

/** An attack that needs nothing of its own can meet a daemon that met others before. */
function shares(attack: Attack): boolean {
  const own = attack.ports ?? attack.words ?? attack.expect.find((one) => 'says' in one);
  return !whole && own === undefined;
}

describe.each(Object.entries(actors))('%s', (_, attacks) => {
  let stage: Stage | null = null;
  let last: Attack | null = null;

  const endStage = async (): Promise<void> => {
    const [ending, attack] = [stage, last];
    stage = last = null;
    if (ending !== null && attack !== null) await ending.end(attack);
  };

  for (const attack of attacks) {
    const tooLong = attack.long && !whole ? 'too long for the short form' : null;
    const left = awaiting[attack.name] ?? attack.lacks?.() ?? tooLong;
    it.skipIf(left !== null)(left ? `${attack.name} (${left})` : attack.name, async () => {
      if (!shares(attack)) await endStage();
      stage ??= await Stage.start(attack);
      last = attack;
      try {
        await stage.meet(attack);
        if (!shares(attack)) await endStage();
      } catch (error) {
        stage?.discard();
        stage = null;
        throw error;
      }
    });
  }

  afterAll(endStage, 60_000);
});
