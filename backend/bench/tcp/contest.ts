/** One run: the networks set up, two guests on all of them, each peer measured in turn with us. */

import { setTimeout as delay } from 'node:timers/promises';
import { ValenicError } from '../../errors.ts';
import { environmentOf } from '../environment.ts';
import { LoadWatch } from '../load-watch.ts';
import type { Scenario } from '../row.ts';
import { spent, takeSnapshot, type Watched } from './cpu-time.ts';
import { type Place, TcpGuests } from './guests.ts';
import type { TcpGround } from './network.ts';
import { peerNetworks } from './networks.ts';
import type { TcpOptions } from './options.ts';
import { type PeerPlace, Places, sentenceOf } from './places.ts';
import {
  type AnyTcpRow,
  earlierPairs,
  rateOf,
  skippedRow,
  type TcpLeg,
  type TcpPair,
  tcpRowsOf,
} from './row.ts';
import { type Ends, programsOf, runFlow, Servers } from './traffic.ts';

export interface ContestTools {
  readonly options: TcpOptions;
  readonly ground: TcpGround;
  readonly signal: AbortSignal;
  say(sentence: string): void;
}

/** Timers of what just woke up are over. */
const wakeMs = 100;

export class Contest {
  readonly #tools: ContestTools;
  readonly #earlier: readonly AnyTcpRow[];
  #places: Places | null = null;
  #guests: TcpGuests | null = null;
  #qemus: Watched['qemus'] = [];
  #servers: Servers | null = null;

  /** @param earlier  Rows whose pairs these are added to. */
  constructor(tools: ContestTools, earlier: readonly AnyTcpRow[]) {
    this.#tools = tools;
    this.#earlier = earlier;
  }

  /** The rows of one comparison after the other, as they come. */
  async *rows(): AsyncGenerator<readonly AnyTcpRow[]> {
    const { options } = this.#tools;
    await this.#start();
    for (const peer of this.#places?.peers ?? []) {
      const scenarios = options.scenarios.filter((scenario) =>
        peer.network.scenarios.includes(scenario),
      );
      for (const scenario of scenarios) {
        if (this.#tools.signal.aborted) throw new ValenicError('interrupted', 'stopped');
        yield await this.#compared(peer, scenario);
      }
    }
  }

  async close(): Promise<void> {
    await this.#servers?.close();
    await this.#places?.close(this.#guests);
  }

  async #start(): Promise<void> {
    const { options, ground, signal, say } = this.#tools;
    const wanted = peerNetworks.filter(({ system }) => options.peers.includes(system));
    const places = await Places.start(wanted, ground, say);
    this.#places = places;
    const programs = programsOf(options.test);
    const tools = { options, programs, packed: false, signal, say };
    this.#guests = await TcpGuests.start(places.there(), tools);
    this.#qemus = await this.#guests.watched();
    this.#servers = await Servers.start(this.#ends());
    places.pause();
  }

  async #compared(peer: PeerPlace, scenario: Scenario): Promise<readonly AnyTcpRow[]> {
    const { options, signal } = this.#tools;
    const { system } = peer.network;
    const skip = (why: string) => [skippedRow(options.test, scenario, system, why)];
    if (typeof peer.place === 'string') return skip(peer.place);
    try {
      const comparison = { test: options.test, scenario, peer: system };
      const pairs = await this.#pairs(peer.place, system, scenario);
      return tcpRowsOf({
        ...comparison,
        pairs: [...earlierPairs(this.#earlier, comparison), ...pairs],
        own: this.#own().live,
        theirs: peer.place.live,
        environment: environmentOf(this.#environment(), []),
      });
    } catch (error) {
      if (signal.aborted) throw error;
      return skip(sentenceOf(error));
    }
  }

  /** Ours first, then the peer first, and so on: a drift favours nobody. */
  async #pairs(peer: Place, system: string, scenario: Scenario): Promise<readonly TcpPair[]> {
    const own = this.#own();
    const pairs: TcpPair[] = [];
    for (let round = 0; round < this.#tools.options.pairs; round++) {
      const ownFirst = round % 2 === 0;
      const first = await this.#leg(ownFirst ? own : peer, scenario);
      const second = await this.#leg(ownFirst ? peer : own, scenario);
      const pair = ownFirst
        ? { own: first, peer: second, ownFirst }
        : { own: second, peer: first, ownFirst };
      pairs.push(pair);
      const [ours, theirs] = [rateOf(pair.own), rateOf(pair.peer)].map((rate) => rate.toFixed(3));
      this.#tools.say(`${scenario} ${system}: ${ours} / ${theirs}`);
    }
    return pairs;
  }

  async #leg({ live, addresses }: Place, scenario: Scenario): Promise<TcpLeg> {
    const { options, signal } = this.#tools;
    signal.throwIfAborted();
    const address = scenario === 'g2g' ? addresses.b : addresses.host;
    const watched = { backendPids: live.pids, qemus: this.#qemus };
    live.resume();
    try {
      await delay(wakeMs, undefined, { signal });
      const watch = new LoadWatch();
      watch.start();
      const before = takeSnapshot(watched);
      const flow = await runFlow(this.#ends(), scenario, address, options.seconds);
      const cpu = spent(watched, before, takeSnapshot(watched));
      watch.stop();
      return { ...flow, cpu, load: watch.report() };
    } finally {
      live.pause();
    }
  }

  #own(): Place {
    if (this.#places === null) throw new ValenicError('internal', 'our network was not started');
    return this.#places.own;
  }

  #ends(): Ends {
    if (this.#guests === null) throw new ValenicError('internal', 'no guest was started');
    const { a, b } = this.#guests;
    return { a: a.agent, b: b.agent, test: this.#tools.options.test };
  }

  #environment() {
    if (this.#guests === null) throw new ValenicError('internal', 'no guest was started');
    return this.#guests.environment;
  }
}
