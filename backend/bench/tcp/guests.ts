/** Two guests with a NIC on each network: booted once, so that networks are measured in turn. */

import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import {
  formatVersion,
  type Guest,
  type GuestDescription,
  type GuestImage,
  type GuestNic,
  locateQemu,
  type NicBackend,
  qemuVersion,
  shellQuote,
  startGuest,
} from '../../../qemu/index.ts';
import { ValenicError } from '../../errors.ts';
import type { GuestEnvironment } from '../environment.ts';
import { guestImage } from '../guest-image.ts';
import type { Watched } from './cpu-time.ts';
import type { Addresses, LiveNetwork } from './network.ts';
import type { TcpOptions } from './options.ts';

/** A network that the guests are on. */
export interface Place {
  readonly live: LiveNetwork;
  readonly addresses: Addresses;
}

export interface GuestTools {
  readonly options: Pick<TcpOptions, 'qemu' | 'memory'>;
  readonly programs: readonly string[];
  /** QEMU offers packed rings. */
  readonly packed: boolean;
  readonly signal: AbortSignal;
  say(sentence: string): void;
}

/**
 * MAC of a guest's NIC on a network: also how the guest's interface is found.
 *
 * @param network  Its number among the places.
 */
export function macOf(network: number, guest: 0 | 1): string {
  return `52:54:00:78:${network.toString(16).padStart(2, '0')}:0${guest + 1}`;
}

export class TcpGuests {
  readonly a: Guest;
  readonly b: Guest;
  readonly environment: GuestEnvironment;
  readonly #places: readonly Place[];

  private constructor(
    guests: readonly [Guest, Guest],
    environment: GuestEnvironment,
    places: readonly Place[],
  ) {
    [this.a, this.b] = guests;
    this.environment = environment;
    this.#places = places;
  }

  static async start(places: readonly Place[], tools: GuestTools): Promise<TcpGuests> {
    const { say, options, signal, programs } = tools;
    const binary = locateQemu(options.qemu ?? undefined);
    const image = await guestImage(programs);
    say(`Booting two guests with a NIC on each of ${places.length} networks`);
    const boot = (guest: 0 | 1) =>
      startGuest(describe(guest, places, image, tools), { binary, signal });
    const first = boot(0);
    first.catch(() => {});
    // The second one connects to what the first one listens on, once.
    await untilListening(places, first, signal);
    const guests = await both(first, boot(1));
    say(shellQuote([binary, ...guests[0].argv]));
    const environment = {
      qemu: formatVersion(await qemuVersion(binary)),
      accelerator: guests[0].accel,
      guestKernel: image.kernelVersion,
    };
    const started = new TcpGuests(guests, environment, places);
    try {
      for (const index of places.keys()) await started.#settle(index);
      return started;
    } catch (error) {
      await started.close();
      throw error;
    }
  }

  /** Threads of QEMU that are virtual CPUs. */
  async watched(): Promise<Watched['qemus']> {
    return Promise.all(
      [this.a, this.b].map(async (guest) => {
        const cpus = (await guest.qmp.execute('query-cpus-fast')) as readonly {
          readonly 'thread-id': number;
        }[];
        return { pid: guest.pid, vcpuThreads: cpus.map((cpu) => cpu['thread-id']) };
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.a.kill(), this.b.kill()]);
  }

  /** Addresses and MTU of a network. */
  async #settle(index: number): Promise<void> {
    const place = this.#places[index];
    if (place === undefined) return;
    const { live, addresses } = place;
    for (const [guest, station] of [this.a, this.b].entries()) {
      const mac = macOf(index, guest === 0 ? 0 : 1);
      const found = station.hello.interfaces.find((at) => at.mac === mac);
      if (found === undefined) continue;
      const address = `${guest === 0 ? addresses.a : addresses.b}/24`;
      const mtu = live.mtu === undefined ? {} : { mtu: live.mtu };
      await station.agent.configure({ interface: found.name, address, up: true, ...mtu });
    }
  }
}

function describe(
  guest: 0 | 1,
  places: readonly Place[],
  image: GuestImage,
  { options, packed }: GuestTools,
): GuestDescription {
  const { kernel, initrd, append } = image;
  const nics = places.flatMap(({ live }, index): readonly GuestNic[] => {
    const backend: NicBackend | null = guest === 0 ? live.a : live.b;
    return backend === null ? [] : [{ mac: macOf(index, guest), backend, packed }];
  });
  return {
    ...{ name: `bench-${guest === 0 ? 'a' : 'b'}`, memoryMiB: options.memory, cpus: 1, nics },
    // IPv6 says hello on its own, on every network.
    boot: { kind: 'kernel', kernel, initrd, append: `${append} ipv6.disable=1` },
  };
}

/** The stream sockets that the first guest makes. */
async function untilListening(
  places: readonly Place[],
  first: Promise<Guest>,
  signal: AbortSignal,
): Promise<void> {
  let failed = false;
  first.catch(() => {
    failed = true;
  });
  const paths = places.flatMap(({ live: { a } }) =>
    a.kind === 'stream' && a.listen && typeof a.path === 'string' ? [a.path] : [],
  );
  for (const path of paths) {
    while (!failed && (await stat(path).catch(() => null)) === null) {
      await delay(20, undefined, { signal });
    }
  }
}

async function both(a: Promise<Guest>, b: Promise<Guest>): Promise<readonly [Guest, Guest]> {
  const [first, second] = await Promise.allSettled([a, b]);
  if (first.status === 'fulfilled' && second.status === 'fulfilled') {
    return [first.value, second.value];
  }
  for (const ended of [first, second]) {
    if (ended.status === 'fulfilled') await ended.value.kill();
  }
  const failed = [first, second].find((ended) => ended.status === 'rejected');
  throw failed?.reason ?? new ValenicError('guest_failed', 'a guest did not start');
}
