/** Which legs are compared, and which pairs count. docs/decisions/0010 has the reasons. */

import type { LoadReport } from '../load-watch.ts';
import { isFar, isNear } from '../placement.ts';
import { type Spread, spreadOf } from '../spread.ts';

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
  /** Who else used the machine meanwhile. */
  readonly load?: LoadReport;
}

/** Seconds of CPU for each second. */
export interface Cores {
  /** The process that moves frames, and the kernel's softirq threads. */
  readonly backend: number;
  /** QEMU's threads except the virtual CPUs. */
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

/** The four probes. Nothing else decides, least of all the rates. */
export function counts(pair: Pair): boolean {
  const probes = probesOf(pair);
  return probes.every(isNear) || (pair.placement === 'alike' && probes.every(isFar));
}

/** It does not count, and yet it says something: of CPUs that are far apart throughout. */
export function countsFar(pair: Pair): boolean {
  return !counts(pair) && probesOf(pair).every(isFar);
}

function probesOf({ own, peer }: Pair): readonly (number | null)[] {
  return [...own.probesNs, ...peer.probesNs];
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
  /** Pairs that were measured and are not in it. */
  readonly others: number;
}

/** @param which  Of the pairs: those that count, or those of far CPUs; never both together. */
export function compare(
  pairs: readonly Pair[],
  stick: Yardstick,
  which: (pair: Pair) => boolean = counts,
): Comparison {
  const some = pairs.filter(which);
  const spread = (value: (pair: Pair) => number) => spreadOf(some.map(value).map(rounded));
  return {
    own: spread((pair) => stick.valueOf(pair.own)),
    peer: spread((pair) => stick.valueOf(pair.peer)),
    ratio: spread((pair) => advantage(pair, stick)),
    others: pairs.length - some.length,
  };
}

function rounded(value: number): number {
  return Number(value.toFixed(6));
}
