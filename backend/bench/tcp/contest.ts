/** One run: the networks set up, two guests on all of them, each peer measured in turn with us. */

import { setTimeout as delay } from 'node:timers/promises';
import { ValenicError } from '../../errors.ts';
import { environmentOf } from '../environment.ts';
import type { Scenario } from '../row.ts';
import { spent, takeSnapshot, type Watched } from './cpu-time.ts';
import { type Place, TcpGuests } from './guests.ts';
import { type Addresses, addressesOf, type Network, type TcpGround } from './network.ts';
import { ownNetwork, type PeerNetwork, peerNetworks } from './networks.ts';
import type { TcpOptions } from './options.ts';
import {
  type AnyTcpRow,
  earlierPairs,
  rateOf,
  skippedRow,
  type TcpLeg,
  type TcpPair,
  tcpRowsOf,
} from './row.ts';
import { type Ends, runFlow, Servers } from './traffic.ts';

export interface ContestTools {
  readonly options: TcpOptions;
  readonly ground: TcpGround;
  readonly signal: AbortSignal;
  say(sentence: string): void;
}

/** Timers of what just woke up are over. */
const wakeMs = 100;

interface Peer {
  readonly network: PeerNetwork;
  /** Or why it cannot be measured. */
  readonly place: Place | string;
}

export class Contest {
  readonly #tools: ContestTools;
  readonly #earlier: readonly AnyTcpRow[];
  readonly #peers: Peer[] = [];
  #own: Place | null = null;
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
    for (const peer of this.#peers) {
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
    await this.#guests?.close();
    for (const { place } of this.#peers) if (typeof place !== 'string') await closed(place);
    if (this.#own !== null) await closed(this.#own);
  }

  async #start(): Promise<void> {
    const { options, ground, signal, say } = this.#tools;
    const start = async (network: Network, addresses: Addresses): Promise<Place> => {
      const live = await network.start(ground, addresses);
      say(`${network.system}: ${live.command}`);
      return { live, addresses };
    };
    this.#own = await start(ownNetwork, addressesOf(0));
    for (const [index, network] of peerNetworks.entries()) {
      if (!options.peers.includes(network.system)) continue;
      const missing = network.missing();
      const place = missing ?? (await start(network, addressesOf(index + 1)).catch(sentenceOf));
      this.#peers.push({ network, place });
    }
    const places = [this.#own, ...this.#peers.map(({ place }) => place)];
    const there = places.filter((place): place is Place => typeof place !== 'string');
    const programs = options.test === 'latency' ? [] : ['iperf3'];
    this.#guests = await TcpGuests.start(there, { options, programs, signal, say });
    this.#qemus = await this.#guests.watched();
    this.#servers = await Servers.start(this.#ends());
    for (const { live } of there) live.pause();
  }

  async #compared(peer: Peer, scenario: Scenario): Promise<readonly AnyTcpRow[]> {
    const { options, signal } = this.#tools;
    const { system } = peer.network;
    const skip = (why: string) => [skippedRow(options.test, scenario, system, why)];
    if (typeof peer.place === 'string' || this.#own === null) return skip(`${peer.place}`);
    try {
      const comparison = { test: options.test, scenario, peer: system };
      const pairs = await this.#pairs(peer.place, system, scenario);
      return tcpRowsOf({
        ...comparison,
        pairs: [...earlierPairs(this.#earlier, comparison), ...pairs],
        own: this.#own.live,
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
    const own = this.#own;
    if (own === null) throw new ValenicError('internal', 'our network was not started');
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
      const before = takeSnapshot(watched);
      const flow = await runFlow(this.#ends(), scenario, address, options.seconds);
      return { ...flow, cpu: spent(watched, before, takeSnapshot(watched)) };
    } finally {
      live.pause();
    }
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

/** Whatever goes wrong now: the namespace goes, and what is in it. */
async function closed({ live }: Place): Promise<void> {
  live.resume();
  await live.close().catch(() => {});
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
