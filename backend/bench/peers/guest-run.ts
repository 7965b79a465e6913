/** One run with real guests: booted once with a NIC on every network, ours and a peer's in turn. */

import { setTimeout as delay } from 'node:timers/promises';
import { ValenicError } from '../../errors.ts';
import { environmentOf } from '../environment.ts';
import { LoadWatch } from '../load-watch.ts';
import type { Watched } from '../tcp/cpu-time.ts';
import { macOf, type Place, TcpGuests } from '../tcp/guests.ts';
import type { TcpGround } from '../tcp/network.ts';
import { peerNetworks } from '../tcp/networks.ts';
import { Places } from '../tcp/places.ts';
import type { PeerName } from './backend.ts';
import { measureFlow } from './guest-leg.ts';
import { guestPeerNames, type PeersOptions } from './options.ts';
import type { Leg, Pair } from './pairs.ts';
import { incompleteText, pairsOf, type RoundTools } from './rounds.ts';
import { type Measurement, pairText, type Side } from './row.ts';
import type { GuestWorkload } from './workload.ts';

export interface GuestRunTools extends RoundTools {
  readonly options: PeersOptions;
  readonly ground: TcpGround;
  say(sentence: string): void;
}

/** What woke up has its timers behind it. */
const wakeMs = 100;
const placement = 'alike';

export class GuestContest {
  readonly #tools: GuestRunTools;
  readonly #places: Places;
  readonly #guests: TcpGuests;
  readonly #qemus: Watched['qemus'];

  private constructor(
    tools: GuestRunTools,
    places: Places,
    guests: TcpGuests,
    qemus: Watched['qemus'],
  ) {
    this.#tools = tools;
    this.#places = places;
    this.#guests = guests;
    this.#qemus = qemus;
  }

  /** @param packed  Whether the guests are offered packed rings, which their kernels then take. */
  static async start(tools: GuestRunTools, packed: boolean): Promise<GuestContest> {
    const { options, ground, signal, say } = tools;
    const wanted = peerNetworks.filter(
      ({ system }) =>
        options.peers.includes(system as PeerName) && guestPeerNames.some((one) => one === system),
    );
    const places = await Places.start(wanted, ground, say);
    let guests: TcpGuests | null = null;
    try {
      guests = await TcpGuests.start(places.there(), {
        ...{ options, programs: [], packed, signal, say },
      });
      const qemus = await guests.watched();
      places.pause();
      return new GuestContest(tools, places, guests, qemus);
    } catch (error) {
      await places.close(guests);
      throw error;
    }
  }

  /** @throws {ValenicError} `bench_failed`, also when the peer is not there. */
  async measure(peer: PeerName, workload: GuestWorkload): Promise<Measurement> {
    const { options, ground, say } = this.#tools;
    const own = this.#places.own;
    const theirs = this.#places.peers.find(({ network }) => network.system === peer)?.place;
    if (typeof theirs !== 'object') throw new ValenicError('bench_failed', `${theirs}`);
    const [pairs = []] = await pairsOf(this.#tools, { settings: 1, placement }, async (round) => {
      const pair = await this.#pair(own, theirs, workload, round);
      say(`${workload.name} ${peer}, ${pairText(pair, workload)}`);
      return [pair];
    });
    return {
      ...{ workload, peer, pairs, ratePps: 0, burst: null, polling: options.polling },
      ...{ own: sideOf(own), theirs: sideOf(theirs), hugePages: ground.hugePages.text },
      incomplete: incompleteText(this.#tools, pairs),
      environment: environmentOf(this.#guests.environment, []),
    };
  }

  async close(): Promise<void> {
    await this.#places.close(this.#guests);
  }

  async #pair(own: Place, peer: Place, workload: GuestWorkload, round: number): Promise<Pair> {
    const ownFirst = round % 2 === 0;
    const first = await this.#leg(ownFirst ? own : peer, workload);
    const second = await this.#leg(ownFirst ? peer : own, workload);
    return ownFirst
      ? { own: first, peer: second, ownFirst, placement }
      : { own: second, peer: first, ownFirst, placement };
  }

  async #leg(place: Place, workload: GuestWorkload): Promise<Leg> {
    const { probe, options, signal } = this.#tools;
    signal.throwIfAborted();
    const { live } = place;
    const index = this.#places.there().indexOf(place);
    const { a, b } = this.#guests;
    const before = await probe();
    live.resume();
    try {
      await delay(wakeMs, undefined, { signal });
      const watch = new LoadWatch();
      watch.start();
      const measured = await measureFlow({
        from: { agent: a.agent, mac: macOf(index, 0) },
        to: { agent: b.agent, mac: macOf(index, 1) },
        ...{ workload, signal, watched: { backendPids: live.pids, qemus: this.#qemus } },
        times: { seconds: options.seconds, warmupSeconds: options.warmup },
      });
      watch.stop();
      if (measured.received === 0) throw new ValenicError('bench_failed', 'no frame came through');
      live.pause();
      return { ...measured, load: watch.report(), probesNs: [before, await probe()] };
    } finally {
      live.pause();
    }
  }
}

function sideOf({ live: { command, version } }: Place): Side {
  return { command, version, refused: [] };
}
