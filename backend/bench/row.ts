/** A measured row, as scripts read it: keys are never renamed, only added. */

import type { PollingMode } from '../../native/boundary/index.ts';
import type { Environment } from './environment.ts';
import type { Spread } from './spread.ts';
import type { Verdict } from './verdict.ts';

export type Scenario = 'g2g' | 'g2h' | 'h2g';
export type DriverName = 'synthetic' | 'guest-pmd' | 'guest-kernel';

export interface Row extends Verdict {
  readonly scenario: Scenario;
  readonly system: 'valenic';
  readonly driver: DriverName;
  readonly ring: 'split' | 'packed';
  readonly ringSize: number;
  readonly frameBytes: number;
  readonly polling: PollingMode;
  readonly more: boolean;
  /** Frames of a batch at most; absent where it was not chosen (64). */
  readonly batch?: number;
  /** Every cache line was written and read; absent where it was not. */
  readonly touch?: true;
  /** Frames per second that were asked for; 0 = as many as go. */
  readonly ratePps: number;
  readonly mpps: Spread;
  readonly gbps: number;
  /** One way, microseconds; null where sender and receiver share no clock. */
  readonly latencyUs: { readonly p50: number; readonly p99: number; readonly p999: number } | null;
  readonly sent: number;
  readonly received: number;
  /** Frames that were sent and not received, by reason, over the whole measurement. */
  readonly lost: Readonly<Record<string, number>>;
  /** sent = received + the sum of `lost`. */
  readonly exact: boolean;
  readonly corrupt: number;
  /** Cores that all threads of the back-end together used. */
  readonly backendCpu: number;
  /**
   * Share of the time in which the driver moved frames instead of waiting for the back-end, 0..1;
   * null when the driver does not tell. Above `driverIsLimit` the rate is a floor: the driver could
   * not have moved many more.
   */
  readonly driverBusy: number | null;
  readonly kicksPerFrame: number;
  readonly callsPerFrame: number;
  /** One way between the two CPUs, nanoseconds; below about 100 they are near. */
  readonly probeNs: number | null;
  /** The same before and after; they differ when the CPUs were moved meanwhile. */
  readonly probesNs: readonly [number | null, number | null];
  readonly environment: Environment;
}

/** A row that could not be measured. */
export interface SkippedRow {
  readonly scenario: Scenario;
  readonly system: 'valenic';
  readonly driver: DriverName;
  readonly frameBytes: number;
  readonly polling: PollingMode;
  readonly more: boolean;
  readonly skipped: string;
}

/** Busy share from which on a driver, not the back-end, may have set the rate. */
export const driverIsLimit = 0.7;

export function limitedByDriver(row: Row): boolean {
  return row.ratePps === 0 && row.driverBusy !== null && row.driverBusy > driverIsLimit;
}

/** Bits on the wire without preamble and FCS, 10^9 a second. */
export function gbpsOf(mpps: number, frameBytes: number): number {
  return (mpps * frameBytes * 8) / 1000;
}
