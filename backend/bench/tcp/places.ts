/** The networks of a run: ours and those of the peers, set up before the guests boot on them. */

import type { Place, TcpGuests } from './guests.ts';
import { type Addresses, addressesOf, type Network, type TcpGround } from './network.ts';
import { ownNetwork, type PeerNetwork } from './networks.ts';

export interface PeerPlace {
  readonly network: PeerNetwork;
  /** Or why it cannot be measured. */
  readonly place: Place | string;
}

export class Places {
  readonly own: Place;
  readonly peers: readonly PeerPlace[];

  private constructor(own: Place, peers: readonly PeerPlace[]) {
    this.own = own;
    this.peers = peers;
  }

  /** @throws {ValenicError} `bench_failed`: not even ours is there. */
  static async start(
    networks: readonly PeerNetwork[],
    ground: TcpGround,
    say: (sentence: string) => void,
  ): Promise<Places> {
    const start = async (network: Network, addresses: Addresses): Promise<Place> => {
      const live = await network.start(ground, addresses);
      say(`${network.system}: ${live.command}`);
      return { live, addresses };
    };
    const own = await start(ownNetwork, addressesOf(0));
    const peers: PeerPlace[] = [];
    for (const [index, network] of networks.entries()) {
      const missing = network.missing();
      const place = missing ?? (await start(network, addressesOf(index + 1)).catch(sentenceOf));
      peers.push({ network, place });
    }
    return new Places(own, peers);
  }

  /** Those that the guests have a NIC on, in the order of the NICs; ours is the first. */
  there(): readonly Place[] {
    const places = [this.own, ...this.peers.map(({ place }) => place)];
    return places.filter((place): place is Place => typeof place !== 'string');
  }

  pause(): void {
    for (const { live } of this.there()) live.pause();
  }

  /** Whatever goes wrong now: the namespace goes, and what is in it. */
  async close(guests: TcpGuests | null): Promise<void> {
    await guests?.close();
    for (const { live } of this.there().toReversed()) {
      live.resume();
      await live.close().catch(() => {});
    }
  }
}

export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
