/** A back-end with real guests on its ports; close() ends all of it, whatever failed before. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Backend,
  type BackendOptions,
  createBackend,
  difference,
  type Port,
  type PortSpec,
  type PortStats,
} from '../../backend/index.ts';
import {
  type AgentClient,
  type Guest,
  type GuestDescription,
  type GuestImage,
  type GuestNic,
  type StreamReport,
  startGuest,
} from '../../qemu/index.ts';
import { testImage } from './qemu/image.ts';

export const broadcast = 'ff:ff:ff:ff:ff:ff';
export const eth0 = 'eth0';

/**
 * Receive rings hold half a second of the traffic here: a guest under TCG may not run for a while
 * on a busy machine, and what is lost then is the machine's doing.
 */
export const ringSize = 1024;
/** Frames per second that a guest under TCG takes easily. */
export const modestPps = 2000;
/** And for as long as one likes: a ring holds five seconds of it. */
export const steadyPps = 200;

export interface PortOptions {
  /** Ours, on the port's socket. */
  readonly role?: 'server' | 'client';
  readonly queues?: number;
  readonly offloads?: boolean;
  /** The port's; its guest is told. */
  readonly mtu?: number;
}
export interface GuestOptions extends PortOptions {
  /** Last byte of its MAC and IPv4 addresses, 1..254. */
  readonly station: number;
  readonly cpus?: number;
  /** What the guest sees of its NIC. */
  readonly nic?: Partial<Omit<GuestNic, 'backend'>>;
  readonly extraArgs?: readonly string[];
}

/** A guest, and where it is in the network. */
export interface Station {
  readonly name: string;
  readonly guest: Guest;
  /** Another one after a reboot. */
  readonly agent: AgentClient;
  readonly mac: string;
  /** IPv4; the guest has it after introduce(). */
  readonly address: string;
}

export function macOf(station: number): string {
  return `52:54:00:00:01:${station.toString(16).padStart(2, '0')}`;
}
export function addressOf(station: number): string {
  return `10.11.0.${station}`;
}

export class Lab implements AsyncDisposable {
  readonly image: GuestImage;
  /** What the back-end said, for whoever looks for the cause of a failure. */
  readonly log: string[] = [];
  /** Goes with the lab. */
  readonly dir: string;
  readonly #guests = new Set<Guest>();
  readonly #booting = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  #backend: Backend | null = null;

  private constructor(dir: string, image: GuestImage) {
    this.dir = dir;
    this.image = image;
  }

  /** With a back-end that has no ports yet. */
  static async create(options: BackendOptions = {}): Promise<Lab> {
    const lab = await Lab.withoutBackend();
    await lab.startBackend(options);
    return lab;
  }

  /** For tests that start one elsewhere. */
  static async withoutBackend(): Promise<Lab> {
    const image = await testImage();
    return new Lab(await mkdtemp(join(tmpdir(), 'valenic-lab-')), image);
  }

  get backend(): Backend {
    if (this.#backend === null) throw new Error('the back-end of this lab is closed');
    return this.#backend;
  }

  async startBackend(options: BackendOptions = {}): Promise<void> {
    const note = (context: object, message: string): void => {
      this.log.push(`${message} ${JSON.stringify(context)}`);
    };
    const log = { debug: note, info: note, warn: note, error: note };
    this.#backend = await createBackend({ log, ...options });
  }

  async closeBackend(): Promise<void> {
    await this.#backend?.close();
    this.#backend = null;
  }

  socketOf(name: string): string {
    return join(this.dir, `${name}.sock`);
  }

  /** A port of any kind. */
  addDevice(name: string, device: PortSpec['device']): Promise<Port> {
    return this.backend.addPort(specOf(name, device));
  }

  /** A port of the lab's switch for a guest of the same name. */
  addPort(name: string, options: PortOptions = {}): Promise<Port> {
    const { role = 'server', queues = 1, offloads = true, mtu = 0 } = options;
    const path = this.socketOf(name);
    const device = { kind: 'vhost-user', path, role, queues, offloads } as const;
    return this.backend.addPort({ ...specOf(name, device), settings: { mtu } });
  }

  addHostPort(name: string): Promise<Port> {
    return this.backend.addPort(specOf(name, { kind: 'host' }));
  }

  removePort(name: string): Promise<void> {
    return this.backend.removePort(nameOf(name));
  }

  port(name: string): Port {
    return this.backend.port(nameOf(name));
  }

  describe(name: string, options: GuestOptions): GuestDescription {
    const { kernel, initrd, append } = this.image;
    const { station, role = 'server', queues = 1, cpus = 1, nic = {}, extraArgs = [] } = options;
    const hostMtu = options.mtu ?? 0;
    const backend = { kind: 'vhost-user', path: this.socketOf(name), role, queues } as const;
    return {
      name,
      memoryMiB: 192,
      cpus,
      // IPv6 says hello on its own, which no count here expects.
      boot: { kind: 'kernel', kernel, initrd, append: `${append} ipv6.disable=1` },
      nics: [{ mac: macOf(station), rxQueueSize: ringSize, hostMtu, ...nic, backend }],
      extraArgs,
    };
  }

  /**
   * Boots a guest on the socket of the port of its name. Its interface is up but has no address, so
   * it says nothing unasked: what is counted then is what a test sent.
   */
  async boot(name: string, options: GuestOptions): Promise<Station> {
    const station = await this.bootAs(name, options.station, this.describe(name, options));
    if (this.#backend !== null) await this.started(name);
    return station;
  }

  /**
   * Waits for the messages that start the rings of a port: a guest's agent answers us on a way of
   * its own, and may do so before its VMM's messages are read.
   */
  async started(name: string): Promise<void> {
    await until(
      `the rings of ${name}`,
      () => this.port(name).state().endpoint?.rings ?? [],
      (rings) => rings.length >= 2 && rings.every(({ started }) => started),
    );
    await this.enabled(name, 1);
  }

  /** Waits for the messages that start this many queue pairs; `exactly`: and no others. */
  async enabled(name: string, pairs: number, exactly = false): Promise<void> {
    await until(
      `${pairs} queue pairs of ${name} enabled`,
      () => (this.port(name).state().endpoint?.rings ?? []).map(({ enabled }) => enabled),
      (rings) =>
        rings.length >= 2 * pairs &&
        rings.every((enabled, ring) => (ring < 2 * pairs ? enabled : !exactly || !enabled)),
    );
  }

  /** As boot(), for a description of one's own. */
  async bootAs(name: string, station: number, description: GuestDescription): Promise<Station> {
    const guest = await this.start(description);
    await guest.agent.link(eth0, true);
    const [mac, address] = [macOf(station), addressOf(station)];
    return {
      ...{ name, guest, mac, address },
      get agent() {
        return guest.agent;
      },
    };
  }

  /** Boots a guest as it is described. */
  async start(description: GuestDescription): Promise<Guest> {
    const starting = startGuest(description, { signal: this.#closing.signal });
    this.#booting.add(starting);
    try {
      const guest = await starting;
      this.#guests.add(guest);
      return guest;
    } finally {
      this.#booting.delete(starting);
    }
  }

  /** A port and a guest for each name, stations 1, 2 …; all boot at once. */
  bootAll<const Names extends readonly string[]>(
    ...names: Names
  ): Promise<{ readonly [Index in keyof Names]: Station }> {
    const booting = names.map(async (name, index) => {
      await this.addPort(name);
      return this.boot(name, { station: index + 1 });
    });
    return Promise.all(booting) as Promise<{ readonly [Index in keyof Names]: Station }>;
  }

  /**
   * Has each station send one broadcast frame, and waits until it was handled at every other port:
   * from here on the switch knows where the stations are.
   */
  async announce(...stations: readonly Station[]): Promise<void> {
    for (const { name, agent } of stations) {
      const others = this.backend.ports().filter((port) => port !== this.port(name));
      const counts = new Counts(...others);
      const frame = { interface: eth0, destination: broadcast, frameBytes: 60, stream: 0 };
      await agent.packetSend({ ...frame, count: 1 });
      const handled = () => counts.received() + counts.dropped();
      await until(`the frame of ${name} at every port`, handled, (done) => done >= others.length);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#booting);
    await Promise.all([...this.#guests].map((guest) => guest.kill()));
    await this.closeBackend();
    await rm(this.dir, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function nameOf(port: string): PortSpec['name'] {
  return { switch: 'vale0', port };
}
function specOf(port: string, device: PortSpec['device']): PortSpec {
  return { name: nameOf(port), device, settings: {} };
}

/** Gives guests their addresses, and waits until each reaches the first, and is reached. */
export async function introduce(...stations: readonly Station[]): Promise<void> {
  for (const { agent, address } of stations) {
    await agent.configure({ interface: eth0, address: `${address}/24`, up: true });
  }
  const [first, ...others] = stations;
  for (const other of others) {
    const answers = first === undefined ? 0 : await pinged(first, other, 3);
    if (answers !== 3) throw new Error(`${answers} of 3 pings to ${other.name} were answered`);
  }
}

/** Pings of `count` that were answered. */
export async function pinged(from: Station, to: Station, count: number): Promise<number> {
  return (await from.agent.ping({ address: to.address, count })).received;
}

/** Counters of some ports since `start`. */
export class Counts {
  readonly #ports: readonly Port[];
  readonly #start: readonly PortStats[];

  constructor(...ports: readonly Port[]) {
    this.#ports = ports;
    this.#start = ports.map((port) => port.stats());
  }

  /** Frames dropped on all of them together, by name; {} when there were none. */
  drops(): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const { drops } of this.changes()) {
      for (const [reason, frames] of Object.entries(drops)) {
        if (frames > 0) sums[reason] = (sums[reason] ?? 0) + frames;
      }
    }
    return sums;
  }

  dropped(): number {
    return Object.values(this.drops()).reduce((sum, frames) => sum + frames, 0);
  }

  /** Frames that reached a guest or a sink. */
  received(): number {
    return this.changes().reduce((sum, { counters }) => sum + counters.rx_frames, 0);
  }

  changes(): readonly PortStats[] {
    return this.#ports.map((port, index) => {
      const earlier = this.#start[index];
      return earlier === undefined ? port.stats() : difference(port.stats(), earlier);
    });
  }
}

/** How long anything may take to happen: TCG guests on a busy machine. */
export const patienceMs = 30_000;

/** Looks again and again until it sees what is wanted; the error shows what it saw last. */
export async function until<Seen>(
  what: string,
  look: () => Seen | Promise<Seen>,
  wanted: (seen: Seen) => boolean,
  timeoutMs = patienceMs,
): Promise<Seen> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (wanted(seen)) return seen;
    if (Date.now() > deadline) {
      throw new Error(`${what}: not within ${timeoutMs} ms, but ${JSON.stringify(seen)}`);
    }
    await delay(50);
  }
}

/** Waits until a receiver has this many frames of a stream; the error shows what was dropped. */
export async function arrived(
  receiver: { report(): Promise<{ readonly streams: readonly StreamReport[] }> },
  stream: number,
  frames: number,
  counts = new Counts(),
): Promise<void> {
  const seen = async () => ({
    frames: framesOf(await receiver.report(), stream),
    dropped: counts.drops(),
  });
  await until(`${frames} frames of stream ${stream}`, seen, (now) => now.frames >= frames);
}

export function framesOf(
  report: { readonly streams: readonly StreamReport[] },
  stream: number,
): number {
  return report.streams.find((found) => found.stream === stream)?.frames ?? 0;
}

/** What a receiver tells of a stream that came whole, in order, and once. */
export function wholeStream(stream: number, frames: number, frameBytes: number): StreamReport {
  return {
    ...{ stream, frames, bytes: frames * frameBytes },
    ...{ firstSequence: 0, nextSequence: frames, gaps: 0, reordered: 0, corrupt: 0 },
  };
}
