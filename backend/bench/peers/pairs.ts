/** Which legs are compared, and which pairs count. docs/decisions/0010 has the reasons. */

import { type Spread, spreadOf } from '../row.ts';

/**
 * Nanoseconds from one of the two CPUs to the other, above which they are far apart.
 *
 * The probe has two states, seen over thousands of runs: 43 to 75 ns where the CPUs share a cache,
 * 207 to 243 ns where they do not. Nothing lies between, so any limit there separates them; it is
 * in the code so that nobody chooses it after seeing the rates.
 */
export const nearNs = 100;
/** Above this somebody else had one of the CPUs while it was probed: that is no placement. */
export const disturbedNs = 1000;

/** One measured run of one backend, between two probes. */
export interface Leg {
  /** Before and after; null: it could not be probed. */
  readonly probesNs: readonly [number | null, number | null];
  readonly mpps: number;
  readonly latencyNs: { readonly p50: number; readonly p99: number; readonly p999: number } | null;
  /** Of the front-end's rounds, those with work; null: it does not say. */
  readonly driverBusy: number | null;
  readonly sent: number;
  readonly received: number;
  /** Of virtio, negotiated by front-end and backend. */
  readonly features: readonly string[];
  /** Of real guests: who used how many CPUs. */
  readonly cores?: Cores;
}

/** Seconds of CPU for each second. */
export interface Cores {
  /** The process that moves frames, and the kernel's softirq threads. */
  readonly backend: number;
  /** QEMU's threads but for the virtual CPUs. */
  readonly devices: number;
  /** The virtual CPUs of both guests. */
  readonly guests: number;
}

export interface Pair {
  readonly own: Leg;
  readonly peer: Leg;
  /** Ours was measured before the peer. */
  readonly ownFirst: boolean;
  /**
   * What the four probes must be; `near` when absent. Real guests and what is between them go from
   * one CPU to the other as the scheduler likes, and emulation sets their rate: for them it is
   * enough that the CPUs were `alike`, all near or all far.
   */
  readonly placement?: Placement;
}

export type Placement = 'near' | 'alike';

export function isNear(probeNs: number | null): boolean {
  return probeNs !== null && probeNs < nearNs;
}

function isFar(probeNs: number | null): boolean {
  return probeNs !== null && probeNs >= nearNs && probeNs < disturbedNs;
}

/** The four probes. Nothing else decides, least of all the rates. */
export function counts({ own, peer, placement = 'near' }: Pair): boolean {
  const probes = [...own.probesNs, ...peer.probesNs];
  return probes.every(isNear) || (placement === 'alike' && probes.every(isFar));
}

export type Turn = 'own' | 0 | 1;

/**
 * Who is measured in which order: ours is next to each setting of the peer, and the order turns
 * round with each round, so that a drift favours nobody.
 *
 * @param settings  Of the peer: one (A B, B A, …) or two (A own B, B own A, …).
 */
export function turnsOf(settings: number, round: number): readonly Turn[] {
  const turns: readonly Turn[] = settings === 1 ? ['own', 0] : [0, 'own', 1];
  return round % 2 === 0 ? turns : turns.toReversed();
}

/** What is compared: a leg's figure, and whether more of it is better. */
export interface Yardstick {
  readonly of: 'mpps' | 'p99';
  valueOf(leg: Leg): number;
}
export const byRate: Yardstick = { of: 'mpps', valueOf: (leg) => leg.mpps };
export const byDelay: Yardstick = { of: 'p99', valueOf: (leg) => (leg.latencyNs?.p99 ?? 0) / 1000 };

/** How many times better ours is: of rates ours / theirs, of delays theirs / ours. */
export function advantage(pair: Pair, stick: Yardstick): number {
  const [own, peer] = [stick.valueOf(pair.own), stick.valueOf(pair.peer)];
  const [over, under] = stick.of === 'mpps' ? [own, peer] : [peer, own];
  return under === 0 ? 0 : over / under;
}

export interface Comparison {
  readonly own: Spread;
  readonly peer: Spread;
  readonly ratio: Spread;
  /** Pairs that were measured and do not count. */
  readonly far: number;
}

export function compare(pairs: readonly Pair[], stick: Yardstick): Comparison {
  const near = pairs.filter(counts);
  const spread = (value: (pair: Pair) => number) => spreadOf(near.map(value).map(rounded));
  return {
    own: spread((pair) => stick.valueOf(pair.own)),
    peer: spread((pair) => stick.valueOf(pair.peer)),
    ratio: spread((pair) => advantage(pair, stick)),
    far: pairs.length - near.length,
  };
}

function rounded(value: number): number {
  return Number(value.toFixed(6));
}
