/**
 * One daemon, its honest pair, and what both must show around every attack:
 *
 * ```
 *   start ─► base ─► [ attack ─► outcome, pair, answers ─► it leaves ─► base ]… ─► sums
 *        ─► the last attack once more, and SIGTERM in the middle of it ─► ended, files gone
 * ```
 */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { costly } from '../../backend/vhost-user/faults.ts';
import { defaultTimings } from '../../backend/vhost-user/timings.ts';
import type { Attack, Outcome } from './attack.ts';
import { type Base, Daemon, endsWithinMs, type Weight } from './daemon.ts';
import { daemonEnv, readySlower, seconds } from './form.ts';
import { HonestPair } from './honest.ts';
import { type Facts, outcomeFault } from './outcome.ts';
import { Scene } from './scene.ts';

/** Until the base is back: what ends in the background has its time, a leak has not. */
const backWithinMs = 15_000;
/** Promises that come and go with what is under way. */
const promisesSlack = 64;
/** Private memory that an allocator may keep. */
const ownBytesSlack = 96 << 20;
/** How far an attack is under way when SIGTERM comes. */
const underWayMs = 300;
const answersWithinMs = 5000;
/** Between the end of a rest by the clock and its timer, on a busy machine. */
const restSlackMs = 500;
/** Until an attack notices that all it had open is closed; else it waits for what never comes. */
const leavesWithinMs = 20_000;

export class Stage {
  readonly daemon: Daemon;
  readonly #pair: HonestPair;
  readonly #base: Base;
  /** At the start: what each attack leaves is little, and they are many. */
  readonly #weight: Weight;
  readonly #drops: number;
  /** An attacker sent to unknown stations, so its frames reached the pair. */
  #flooded = false;

  private constructor(
    daemon: Daemon,
    pair: HonestPair,
    first: { readonly base: Base; readonly weight: Weight; readonly drops: number },
  ) {
    this.daemon = daemon;
    this.#pair = pair;
    this.#base = first.base;
    this.#weight = first.weight;
    this.#drops = first.drops;
  }

  /** @param attack  Says which ports and words it needs besides. */
  static async start(attack: Pick<Attack, 'ports' | 'words'>): Promise<Stage> {
    const folder = mkdtempSync(join(tmpdir(), 'valenic-hostile-'));
    const path = (name: string) => join(folder, `${name}.sock`);
    const ports = ['a', 'b', 'y']
      .map((name) => `${name},vhost-user=${path(name)}`)
      .concat(
        `x,vhost-user=${path('x')},queues=2`,
        `s,stream=${path('s')}`,
        `d,dgram=${path('d')},peer=${path('d-peer')}`,
        attack.ports?.(folder) ?? [],
      );
    const options = { folder, ports, ...(attack.words && { words: attack.words }) };
    const daemon = await Daemon.start({ ...options, env: daemonEnv });
    const pair = await HonestPair.start([path('a'), path('b')]).catch((error: unknown) => {
      daemon.kill();
      throw error;
    });
    await warmUp(daemon);
    const base = await steady(daemon);
    const { VALENIC_ADDON: addon } = daemonEnv;
    if (addon !== undefined && base.mappings[addon] === undefined) {
      throw new Error(`the daemon did not load ${addon}`);
    }
    const { weight } = await daemon.facts();
    return new Stage(daemon, pair, { base, weight, drops: await pairDrops(daemon) });
  }

  /** One attack, until its attacker has left and all is as it was. */
  async meet(attack: Attack): Promise<void> {
    await this.#nobodyRests();
    const scene = new Scene(this.daemon, seconds);
    this.#flooded ||= attack.floods === true;
    const before = await this.#facts();
    const { weight } = await this.daemon.facts();
    try {
      await attack.run(scene);
      for (const outcome of attack.expect) await this.#expect(outcome, before, scene);
      if (attack.drowns !== true) await this.#pair.progress('beside the attacker');
      await this.#answers();
    } finally {
      await scene.leave();
    }
    await this.#backAtBase(weight);
    await this.#pair.progress('after the attacker');
    await this.#answers();
    this.#logIsClean();
  }

  /** Once more, with SIGTERM in the middle. Then the stage is over. */
  async end(attack: Attack): Promise<void> {
    try {
      await this.#backAtBase(this.#weight);
      await this.#honestSums();
      const scene = new Scene(this.daemon, seconds);
      const attacking = attack.run(scene).catch(() => {});
      await Promise.race([attacking, sleep(underWayMs)]);
      const { status, ms } = await this.daemon.terminate();
      await scene.leave();
      const over = await Promise.race([attacking.then(() => true), readySlower(leavesWithinMs)]);
      if (over === null) throw new Error(`${attack.name} goes on without its attacker`);
      if (status === null) throw new Error(`SIGTERM did not end it within ${endsWithinMs} ms`);
      if (status !== 0) throw new Error(`SIGTERM: status ${status} after ${ms} ms`);
      const left = readdirSync(this.daemon.folder).filter((name) => !name.startsWith('kept'));
      if (left.length > 0) throw new Error(`files are left: ${left.join(' ')}`);
      this.#logIsClean();
    } finally {
      this.discard();
    }
  }

  /** Whatever state it is in. */
  discard(): void {
    this.daemon.kill();
    this.#pair.kill();
    rmSync(this.daemon.folder, { recursive: true, force: true });
    rmSync(`${this.daemon.folder}.witness`, { force: true });
  }

  /** A port that turns everybody away, for what the last attacker cost, lets the next one in. */
  async #nobodyRests(): Promise<void> {
    const faults = (await this.daemon.control.ports()).map(({ endpoint }) => endpoint?.fault);
    const ends = faults
      .filter((fault) => fault != null && costly.includes(fault.code))
      .map((fault) => (fault?.at ?? 0) + defaultTimings.restMs);
    await sleep(Math.max(0, ...ends.map((end) => end - Date.now() + restSlackMs)));
  }

  async #facts(): Promise<Facts> {
    const { ports } = await this.daemon.control.stats();
    return { ports, said: this.daemon.said.length, atMs: Date.now() };
  }

  async #expect(outcome: Outcome, before: Facts, scene: Scene): Promise<void> {
    const { daemon } = this;
    await scene.until(
      JSON.stringify(outcome, (_, value) => (value instanceof RegExp ? String(value) : value)),
      () => outcomeFault(outcome, before, daemon, scene),
      (fault) => fault === null,
    );
  }

  async #answers(): Promise<void> {
    const begun = performance.now();
    await this.daemon.control.ports();
    const ms = performance.now() - begun;
    if (ms > answersWithinMs) throw new Error(`the daemon took ${Math.round(ms)} ms to answer`);
  }

  async #backAtBase(before: Weight): Promise<void> {
    const end = performance.now() + backWithinMs;
    for (;;) {
      const { base, weight } = await this.daemon.facts();
      const fault = baseFault(this.#base, base) ?? weightFault(before, weight);
      if (fault === null) return;
      if (performance.now() > end) throw new Error(`not back at base: ${fault}`);
      await sleep(100);
    }
  }

  /** Of all attacks together: nothing foreign, changed or overtaken; what is lost is counted. */
  async #honestSums(): Promise<void> {
    const sums = await this.#pair.stop();
    const counted = (await pairDrops(this.daemon)) - this.#drops;
    const lost = sums.sent - sums.received;
    const faults = [
      sums.corrupt > 0 && `${sums.corrupt} frames of the pair came changed`,
      sums.reordered > 0 && `${sums.reordered} frames of the pair came late or twice`,
      sums.foreign > 0 && !this.#flooded && `${sums.foreign} frames were not the pair's`,
      lost > counted && `the pair lost ${lost} frames, and ${counted} are counted`,
      sums.flows.some(({ received }) => received === 0) && 'one way of the pair had no frames',
    ].filter((text) => text !== false);
    if (faults.length > 0) throw new Error(faults.join('; '));
  }

  /** Each line is a line of the log, and none of them is about a fault of ours. */
  #logIsClean(): void {
    const { said } = this.daemon;
    // What follows the last end of a line is still to come.
    for (const line of said.slice(0, said.lastIndexOf('\n') + 1).split('\n')) {
      if (line === '') continue;
      const parsed = parseLine(line);
      if (parsed === null) throw new Error(`raw text in the log: ${line}`);
      if (parsed.level >= 50) throw new Error(`an error in the log: ${line}`);
      if (parsed.code === 'internal') throw new Error(`a bug of ours in the log: ${line}`);
    }
  }
}

/** An honest visitor at every door, so that what is made once and kept is there. */
async function warmUp(daemon: Daemon): Promise<void> {
  const scene = new Scene(daemon, 0);
  for (const port of ['x', 'y'] as const) (await scene.guest({}, port)).send();
  await scene.stream();
  await daemon.control.ports();
  await scene.leave();
}

/** The same twice in a row. */
async function steady(daemon: Daemon): Promise<Base> {
  let { base: before } = await daemon.facts();
  for (let turn = 0; turn < 100; ++turn) {
    await sleep(100);
    const { base: now } = await daemon.facts();
    if (isDeepStrictEqual(now, before)) return now;
    before = now;
  }
  throw new Error('the daemon does not come to rest');
}

/** Frames that the ports of the pair did not deliver, whatever the reason. */
async function pairDrops(daemon: Daemon): Promise<number> {
  const { ports } = await daemon.control.stats();
  const drops = ['vale0:a', 'vale0:b'].flatMap((name) => Object.values(ports[name]?.drops ?? {}));
  return drops.reduce((sum, count) => sum + count, 0);
}

/** What differs, for a person. */
/** A pool: threads come with what there is to close, and go two seconds later. */
const pool = 'valenic-fds';

/** What came from an earlier attack may have gone since. */
function poolWentOn(wanted: Base, got: Base): Base {
  const [before = 0, now = 0] = [wanted.threads[pool], got.threads[pool]];
  return now >= before ? got : { ...got, threads: { ...got.threads, [pool]: before } };
}

function baseFault(wanted: Base, now: Base): string | null {
  const got = poolWentOn(wanted, now);
  for (const key of Object.keys(wanted) as (keyof Base)[]) {
    if (!isDeepStrictEqual(wanted[key], got[key])) {
      return `${key}: ${JSON.stringify(got[key])} instead of ${JSON.stringify(wanted[key])}`;
    }
  }
  return null;
}

function weightFault(wanted: Weight, got: Weight): string | null {
  const promises = got.promises - wanted.promises;
  if (promises > promisesSlack) return `${promises} promises more than before`;
  const bytes = got.ownBytes - wanted.ownBytes;
  return bytes > ownBytesSlack ? `${bytes >> 20} MiB more than before` : null;
}

function parseLine(line: string): { level: number; code?: string } | null {
  try {
    return JSON.parse(line) as { level: number; code?: string };
  } catch {
    return null;
  }
}
