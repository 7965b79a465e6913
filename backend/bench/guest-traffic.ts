/** Frames between guests: the poll-mode driver or the kernel of each sends, receives and counts. */

import { setTimeout as delay } from 'node:timers/promises';
import type { AgentClient, StreamReport } from '../../qemu/index.ts';
import { ValenicError } from '../errors.ts';

export const guestApps = ['pmd', 'kernel'] as const;
export type GuestApp = (typeof guestApps)[number];

export const broadcast = 'ff:ff:ff:ff:ff:ff';
/** Under TCG a program starts slowly. */
const catMs = 20_000;
/** Of frames that only say where somebody is. */
const helloStream = 0;

/** A guest's NIC, and who drives it. */
export interface GuestEnd {
  readonly agent: AgentClient;
  readonly interface: string;
  readonly mac: string;
  readonly app: GuestApp;
  /** What the poll-mode driver asks for; the kernel takes what is offered. */
  readonly ring: 'split' | 'packed';
}

export interface Received {
  /** Good frames so far. */
  readonly frames: number;
  /** Wrong bytes. */
  readonly corrupt: number;
}

/** A receiving side, of any kind. */
export interface Receiver {
  look(): Promise<Received>;
  /** Ends it; its last look. */
  stop(): Promise<Received>;
  /** Seconds in which it moved frames, so far; null: it does not say. */
  busySeconds(): Promise<number | null>;
  /** Of virtio, negotiated by the guest; null: there is no guest. */
  features(): Promise<bigint | null>;
}

/** A side that sends until it is stopped, or its time is over. */
export interface Sender {
  /** What it sent. */
  stop(): Promise<number>;
  busySeconds(): Promise<number | null>;
}

export interface Sending {
  readonly destination: string;
  readonly frameBytes: number;
  readonly ratePps: number;
  readonly seconds: number;
}

/** Says where it is with one frame, and counts from then on. */
export function receiveFrames(end: GuestEnd): Promise<Receiver> {
  return end.app === 'pmd' ? pmdReceiver(end) : kernelReceiver(end);
}

export function sendFrames(end: GuestEnd, sending: Sending): Promise<Sender> {
  return end.app === 'pmd' ? pmdSender(end, sending) : kernelSender(end, sending);
}

/** The kernel's driver takes its device back after the poll-mode driver has left it. */
export async function interfaceBack(agent: AgentClient, mac: string): Promise<string> {
  for (let tries = 0; tries < 50; tries++) {
    const { interfaces } = await agent.hello();
    const found = interfaces.find((at) => at.mac === mac);
    if (found !== undefined) return found.name;
    await delay(100);
  }
  throw new ValenicError('bench_failed', `the guest's kernel no longer has an interface ${mac}`);
}

async function pmdReceiver({ agent, mac, ring, ...end }: GuestEnd): Promise<Receiver> {
  const hello = { destination: broadcast, source: mac, frameBytes: 60, count: 1 };
  const what = { interface: end.interface, ring, ...hello, stream: helloStream };
  const pmd = await agent.pmdStart(what);
  await delay(50);
  return {
    look: async () => receivedOf((await pmd.report()).streams),
    stop: async () => receivedOf((await pmd.stop()).streams),
    busySeconds: async () => (await pmd.report()).busySeconds,
    features: async () => BigInt((await pmd.report()).features),
  };
}

async function pmdSender(
  { agent, mac, ring, ...end }: GuestEnd,
  sending: Sending,
): Promise<Sender> {
  const what = { interface: end.interface, ring, source: mac, ...sending };
  const pmd = await agent.pmdStart(what);
  return {
    stop: async () => (await pmd.stop()).sent,
    busySeconds: async () => (await pmd.report()).busySeconds,
  };
}

async function kernelReceiver({ agent, ...end }: GuestEnd): Promise<Receiver> {
  const where = { interface: end.interface };
  const hello = { ...where, destination: broadcast, frameBytes: 60, count: 1 };
  await agent.packetSend({ ...hello, stream: helloStream });
  const job = await agent.packetReceive(where);
  return {
    look: async () => receivedOf((await job.report()).streams),
    stop: async () => {
      const { streams, corrupt } = await job.stop();
      return { frames: receivedOf(streams).frames, corrupt };
    },
    busySeconds: () => kernelBusySeconds(agent),
    features: () => kernelFeatures(agent, end.interface),
  };
}

async function kernelSender({ agent, ...end }: GuestEnd, sending: Sending): Promise<Sender> {
  const sent = agent.packetSend({ interface: end.interface, ...sending });
  sent.catch(() => {});
  return { stop: async () => (await sent).sent, busySeconds: () => kernelBusySeconds(agent) };
}

/** Of all CPUs of the guest, since its boot. */
async function kernelBusySeconds(agent: AgentClient): Promise<number> {
  const { cpu } = await agent.counters();
  return cpu.busy / 100;
}

/** sysfs has a digit for each bit, the lowest first. */
async function kernelFeatures(agent: AgentClient, name: string): Promise<bigint> {
  const cat = await agent.program('busybox', 'cat', `/sys/class/net/${name}/device/features`);
  const { output } = await cat.finished(catMs);
  return featuresOf(output);
}

/** @throws {ValenicError} `bench_failed` */
export function featuresOf(digits: string): bigint {
  const bits = digits.trim();
  if (/^[01]+$/.test(bits)) return BigInt(`0b${[...bits].toReversed().join('')}`);
  throw new ValenicError('bench_failed', `the guest's features cannot be read: ${bits}`);
}

function receivedOf(streams: readonly StreamReport[]): Received {
  const [frames, corrupt] = (['frames', 'corrupt'] as const).map((key) =>
    streams.filter(({ stream }) => stream !== helloStream).reduce((sum, at) => sum + at[key], 0),
  );
  return { frames: frames ?? 0, corrupt: corrupt ?? 0 };
}
