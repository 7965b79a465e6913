/**
 * Every attack of `attacks/` against `valenic serve`, beside an honest pair. `npm run hostile` runs
 * it whole; docs/HACKING.md says how a row is added.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtProgram } from '../e2e/serve-process.ts';
import { rulesOf } from '../tidy/documents.ts';
import { textOf } from '../tidy/repository.ts';
import type { Attack } from './attack.ts';
import { actors } from './attacks/index.ts';
import { awaiting } from './awaiting.ts';
import { whole } from './form.ts';
import { unmounted } from './rules.ts';
import { Stage } from './stage.ts';

beforeAll(builtProgram, 120_000);

/** Its daemon meets no other: so is each in the whole form, and here one that reads the log. */
function isAlone(attack: Attack): boolean {
  return whole || attack.expect.some((one) => 'says' in one);
}

/** An attack can meet a daemon that met another before, if that needed the same of it. */
function canFollow(attack: Attack, last: Attack): boolean {
  return !isAlone(attack) && attack.ports === last.ports && attack.words === last.words;
}

describe('docs/THREAT_MODEL.md', () => {
  it('has no rule that nobody tries and that no reason is given for', () => {
    const rules = rulesOf(textOf('docs/THREAT_MODEL.md')).map(({ number }) => number);
    const tried = Object.values(actors).flatMap((attacks) => attacks.flatMap((one) => one.rules));
    const excused = Object.keys(unmounted).map(Number);
    expect(rules.filter((rule) => !tried.includes(rule) && !excused.includes(rule))).toEqual([]);
    expect(excused.filter((rule) => tried.includes(rule) || !rules.includes(rule))).toEqual([]);
    expect(tried.filter((rule) => !rules.includes(rule))).toEqual([]);
  });
});

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
      if (last !== null && !canFollow(attack, last)) await endStage();
      stage ??= await Stage.start(attack);
      last = attack;
      try {
        await stage.meet(attack);
        if (isAlone(attack)) await endStage();
      } catch (error) {
        stage?.discard();
        stage = null;
        throw error;
      }
    });
  }

  afterAll(endStage, 60_000);
});
