/** Two real QEMU guests on the rig's ports: their kernel's own stack, or the poll-mode driver. */

import { setTimeout as delay } from 'node:timers/promises';
import {
  formatVersion,
  type Guest,
  type GuestDescription,
  type GuestImage,
  locateQemu,
  qemuVersion,
  shellQuote,
  startGuest,
} from '../../qemu/index.ts';
import { ValenicError } from '../errors.ts';
import type { CpuMeter } from './cpu-meter.ts';
import type { GuestEnvironment } from './environment.ts';
import { guestImage } from './guest-image.ts';
import {
  type GuestApp,
  type GuestEnd,
  interfaceBack,
  type Receiver,
  receiveFrames,
  sendFrames,
} from './guest-traffic.ts';
import type { Load, Sample, Task } from './load.ts';
import { hostMac, type Rig } from './rig.ts';

const macs = ['52:54:00:00:00:01', '52:54:00:00:00:02'] as const;
const addresses = ['10.77.0.1', '10.77.0.2'] as const;
const interfaceName = 'eth0';
/** After the last frame was sent, until all have surely arrived under TCG. */
const settleMs = 400;

export interface GuestLoadOptions {
  readonly app: GuestApp;
  readonly memoryMiB: number;
  /** QEMU offers packed rings; the poll-mode driver asks for them, a kernel takes them. */
  readonly packed: boolean;
  readonly qemu?: string;
  readonly say: (sentence: string) => void;
  readonly signal: AbortSignal;
}

/** Told to stop, it answers what it sent. */
interface Source {
  stop(): Promise<number>;
}

export class GuestLoad implements Load {
  readonly driver: 'guest-pmd' | 'guest-kernel';
  readonly ring: 'split' | 'packed';
  readonly ringSize = 256;
  readonly frameBytesMax = 1514;
  readonly environment: GuestEnvironment;
  readonly #rig: Rig;
  readonly #guests: readonly [Guest, Guest];
  readonly #options: GuestLoadOptions;

  private constructor(
    rig: Rig,
    guests: readonly [Guest, Guest],
    environment: GuestEnvironment,
    options: GuestLoadOptions,
  ) {
    this.ring = options.packed ? 'packed' : 'split';
    this.driver = options.app === 'pmd' ? 'guest-pmd' : 'guest-kernel';
    this.#rig = rig;
    this.#guests = guests;
    this.environment = environment;
    this.#options = options;
  }

  /** Boots both guests and waits until they reach each other. */
  static async start(rig: Rig, options: GuestLoadOptions): Promise<GuestLoad> {
    const { say } = options;
    const binary = locateQemu(options.qemu);
    say('Preparing the guest image');
    const image = await guestImage();
    say('Booting two guests');
    const boot = (index: 0 | 1) =>
      startGuest(describe(index, rig, image, options), {
        binary,
        signal: options.signal,
      });
    const guests = await bothOrNone([boot(0), boot(1)]);
    try {
      say(shellQuote([binary, ...guests[0].argv]));
      const version = formatVersion(await qemuVersion(binary));
      const accelerator = guests[0].accel;
      const environment = { qemu: version, accelerator, guestKernel: image.kernelVersion };
      const load = new GuestLoad(rig, guests, environment, options);
      await load.#meet();
      return load;
    } catch (error) {
      await Promise.all(guests.map((guest) => guest.kill()));
      throw error;
    }
  }

  /** Round trip between the guests' kernels, milliseconds. */
  async ping(count: number): Promise<{ received: number; sent: number; avgMs: number | null }> {
    const report = await this.#guests[0].agent.ping({ address: addresses[1], count });
    const avgMs = report.rttUs === null ? null : report.rttUs.avg / 1000;
    return { received: report.received, sent: report.sent, avgMs };
  }

  async measure(task: Task, meter: CpuMeter): Promise<Sample> {
    const receiver = await this.#receiver(task);
    const sender = await this.#sender(task);
    const mpps: number[] = [];
    let failure: unknown = null;
    try {
      await delay(task.warmupSeconds * 1000, undefined, { signal: task.signal });
      this.#checkRings(task);
      meter.start();
      for (let run = 0; run < task.repeat; run++) mpps.push(await this.#rate(receiver, task));
    } catch (error) {
      failure = error;
    }
    meter.stop();
    const sent = await sender.stop();
    await delay(settleMs);
    const { frames, corrupt } = await receiver.stop();
    for (const index of [0, 1] as const) await this.#interfaceBack(index);
    if (failure !== null) throw failure;
    return { mpps, sent, received: frames, corrupt, driverBusy: null, latencyNs: null };
  }

  async close(): Promise<void> {
    await Promise.all(this.#guests.map((guest) => guest.shutdown(3000)));
  }

  async #rate(receiver: Receiver, task: Task): Promise<number> {
    const [before, begun] = [await receiver.look(), performance.now()];
    await delay(task.seconds * 1000, undefined, { signal: task.signal });
    const [after, ended] = [await receiver.look(), performance.now()];
    return (after.frames - before.frames) / (ended - begun) / 1000;
  }

  /** The rings must be what the row says. @throws {ValenicError} */
  #checkRings(task: Task): void {
    for (const port of this.#rig.portsOf(task.scenario)) {
      const { endpoint } = port.state();
      if (endpoint === undefined) continue;
      const packed = endpoint.features?.includes('VIRTIO_F_RING_PACKED');
      if (packed === this.#options.packed) continue;
      const got = packed ? 'packed' : 'split';
      throw new ValenicError('bench_failed', `a guest uses ${got} rings, not ${this.ring} ones`);
    }
  }

  #receiver(task: Task): Promise<Receiver> {
    if (task.scenario === 'g2h') return Promise.resolve(hostReceiver(this.#rig));
    const index = task.scenario === 'h2g' ? 0 : 1;
    return receiveFrames(this.#end(index));
  }

  #end(index: 0 | 1): GuestEnd {
    const { agent } = this.#guests[index];
    const { app } = this.#options;
    return { agent, interface: interfaceName, mac: macs[index], app, ring: this.ring };
  }

  async #sender(task: Task): Promise<Source> {
    const { frameBytes, ratePps } = task;
    if (task.scenario === 'h2g') {
      const to = { destination: macs[0], stream: 1, frameBytes, ratePps, count: 0n };
      await this.#rig.runSource(to);
      return { stop: async () => Number(await this.#rig.host.stopSource()) };
    }
    const destination = task.scenario === 'g2h' ? hostMac : macs[1];
    const seconds = task.warmupSeconds + task.repeat * (task.seconds + 0.2) + 0.2;
    return sendFrames(this.#end(0), { destination, frameBytes, ratePps, seconds });
  }

  /** Addresses on both, and the first ping: from here on the switch knows them. */
  async #meet(): Promise<void> {
    for (const [index, guest] of this.#guests.entries()) {
      const address = `${addresses[index]}/24`;
      await guest.agent.configure({ interface: interfaceName, address, up: true });
    }
    const { received } = await this.ping(3);
    if (received > 0) return;
    throw new ValenicError('bench_failed', 'the guests cannot reach each other');
  }

  async #interfaceBack(index: 0 | 1): Promise<void> {
    if (this.#options.app !== 'pmd') return;
    await interfaceBack(this.#guests[index].agent, macs[index]);
  }
}

function describe(
  index: 0 | 1,
  rig: Rig,
  image: GuestImage,
  { memoryMiB, packed }: GuestLoadOptions,
): GuestDescription {
  const { kernel, initrd, append } = image;
  const path = rig.sockets[index];
  return {
    name: `bench-${index === 0 ? 'a' : 'b'}`,
    memoryMiB,
    cpus: 1,
    boot: { kind: 'kernel', kernel, initrd, append },
    nics: [
      {
        mac: macs[index],
        packed,
        backend: { kind: 'vhost-user', path, role: 'server', queues: 1 },
      },
    ],
  };
}

async function bothOrNone(boots: readonly Promise<Guest>[]): Promise<readonly [Guest, Guest]> {
  const ended = await Promise.allSettled(boots);
  const guests = ended.flatMap((boot) => (boot.status === 'fulfilled' ? [boot.value] : []));
  const [a, b] = guests;
  if (a !== undefined && b !== undefined) return [a, b];
  await Promise.all(guests.map((guest) => guest.kill()));
  const failed = ended.find((boot) => boot.status === 'rejected');
  throw failed?.reason ?? new ValenicError('guest_failed', 'a guest did not start');
}

function hostReceiver(rig: Rig): Receiver {
  return {
    look: async () => ({ frames: rig.host.stats().counters.rx_frames, corrupt: 0 }),
    busySeconds: async () => null,
    features: async () => null,
    stop: async () => {
      const { streams } = await rig.host.report({ reset: true });
      const stream = streams.find((found) => found.stream === 1);
      return { frames: Number(stream?.frames ?? 0n), corrupt: Number(stream?.corrupt ?? 0n) };
    },
  };
}
