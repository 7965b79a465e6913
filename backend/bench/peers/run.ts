/** One run: each workload over us and over each peer, in turn, until the pairs have come. */

import { setTimeout as delay } from 'node:timers/promises';
import { ValenicError } from '../../errors.ts';
import { environmentOf, noGuest } from '../environment.ts';
import { LoadWatch } from '../load-watch.ts';
import type { Backend, Ground, Peer } from './backend.ts';
import type { PeersOptions } from './options.ts';
import { startOwn } from './own.ts';
import { type Leg, type Pair, type Turn, turnsOf } from './pairs.ts';
import { incompleteText, pairsOf, type RoundTools } from './rounds.ts';
import { type Measurement, pairText } from './row.ts';
import type { Frontend } from './synthetic.ts';
import type { FrontendName, SyntheticWorkload } from './workload.ts';

/** The backend wakes up, its timers with it, before the front-end comes. */
const wakeMs = 30;
/** It must see the front-end leave before it is stopped. */
const leaveMs = 50;

export interface RunTools extends RoundTools {
  readonly options: PeersOptions;
  readonly ground: Ground;
  readonly frontends: Readonly<Record<FrontendName, Frontend>>;
  say(sentence: string): void;
}

/** One peer's backends and ours; all are stopped except the one that is measured. */
export class Contest {
  readonly #tools: RunTools;
  readonly #peer: Peer;
  readonly #settings: (Backend | null)[];
  #own: Backend | null = null;
  /** Round trips a second of the slowest backend here; measured when it is first asked for. */
  #slowestPps: number | null = null;

  constructor(tools: RunTools, peer: Peer) {
    this.#tools = tools;
    this.#peer = peer;
    this.#settings = peer.variants.map(() => null);
  }

  /** @throws {ValenicError} when a backend or the front-end cannot do it. */
  async measure(workload: SyntheticWorkload): Promise<readonly Measurement[]> {
    const { say } = this.#tools;
    await this.#startAll();
    const ratePps = await this.#rateOf(workload);
    const settings = this.#settings.length;
    const pairs = await pairsOf(this.#tools, { settings, placement: 'near' }, async (round) => {
      const found = await this.#round(workload, ratePps, round);
      for (const [setting, pair] of found.entries()) {
        say(`${workload.name} ${this.#nameOf(setting)}, ${pairText(pair, workload)}`);
      }
      return found;
    });
    return this.#settings.map((_, setting) =>
      this.#measurement({ workload, ratePps }, setting, pairs[setting] ?? []),
    );
  }

  async close(): Promise<void> {
    for (const backend of [this.#own, ...this.#settings]) await backend?.close();
  }

  /** Those that are not there, or not any more. */
  async #startAll(): Promise<void> {
    const { ground, say } = this.#tools;
    if (this.#own === null || this.#own.over) {
      this.#own = await startOwn(ground);
      say(`valenic: ${this.#own.command}`);
      this.#own.pause();
    }
    for (const [index, variant] of this.#peer.variants.entries()) {
      if (this.#settings[index]?.over === false) continue;
      const backend = await variant.start(ground);
      say(`${this.#nameOf(index)}: ${backend.command}`);
      say(`${this.#nameOf(index)}: ${[backend.version, ...backend.refused].join('; ')}`);
      backend.pause();
      this.#settings[index] = backend;
    }
  }

  /** 0: as fast as it goes. Both sides get the same, which the slowest can still do. */
  async #rateOf(workload: SyntheticWorkload): Promise<number> {
    if (workload.load === null) return 0;
    for (const backend of this.#slowestPps === null ? [this.#own, ...this.#settings] : []) {
      if (backend === null) throw notStarted();
      const { mpps } = await this.#leg(backend, workload, 0);
      const pps = Math.round(mpps * 1e6);
      this.#tools.say(`${backend.system}: ${mpps.toFixed(2)} million round trips a second`);
      this.#slowestPps = Math.min(this.#slowestPps ?? pps, pps);
    }
    return Math.max(1, Math.round(workload.load * (this.#slowestPps ?? 0)));
  }

  async #round(
    workload: SyntheticWorkload,
    ratePps: number,
    round: number,
  ): Promise<readonly Pair[]> {
    const turns = turnsOf(this.#settings.length, round);
    const legs = new Map<Turn, Leg>();
    for (const turn of turns) {
      const backend = turn === 'own' ? this.#own : this.#settings[turn];
      if (backend === null || backend === undefined) throw notStarted();
      legs.set(turn, await this.#leg(backend, workload, ratePps));
    }
    const own = legs.get('own');
    return this.#settings.map((_, setting) => {
      const peer = legs.get(setting === 0 ? 0 : 1);
      if (own === undefined || peer === undefined) throw notStarted();
      return { own, peer, ownFirst: turns.indexOf('own') < turns.indexOf(setting === 0 ? 0 : 1) };
    });
  }

  async #leg(backend: Backend, workload: SyntheticWorkload, ratePps: number): Promise<Leg> {
    const { probe, frontends, options } = this.#tools;
    const before = await probe();
    backend.resume();
    try {
      await delay(wakeMs);
      const watch = new LoadWatch();
      watch.start();
      const measured = await frontends[workload.frontend].measure(workload, backend.sockets, {
        seconds: options.seconds,
        warmupSeconds: options.warmup,
        ratePps,
      });
      watch.stop();
      if (measured.received > 0) {
        await delay(leaveMs);
        backend.pause();
        return { ...measured, load: watch.report(), probesNs: [before, await probe()] };
      }
      throw new ValenicError('bench_failed', 'no frame came through');
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const state = backend.over ? ' (it has ended)' : '';
      throw new ValenicError('bench_failed', `${backend.system}${state}: ${why}`, { cause: error });
    } finally {
      backend.pause();
    }
  }

  #measurement(
    load: Pick<Measurement, 'workload' | 'ratePps'>,
    setting: number,
    pairs: readonly Pair[],
  ): Measurement {
    const { ground } = this.#tools;
    const [own, theirs] = [this.#own, this.#settings[setting]];
    if (own === null || theirs === null || theirs === undefined) throw notStarted();
    return {
      ...{ ...load, pairs, peer: this.#peer.name },
      burst: this.#peer.variants[setting]?.burst ?? null,
      own,
      theirs,
      hugePages: ground.hugePages.text,
      incomplete: incompleteText(this.#tools, pairs),
      polling: 'busy',
      environment: environmentOf(noGuest, []),
    };
  }

  #nameOf(setting: number): string {
    const burst = this.#peer.variants[setting]?.burst ?? null;
    return burst === null ? this.#peer.name : `${this.#peer.name} burst ${burst}`;
  }
}

function notStarted(): ValenicError {
  return new ValenicError('internal', 'a backend of the comparison was not started');
}
