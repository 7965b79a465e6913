/** What plays the guests: the synthetic driver or real ones. One interface for both. */

import type { CpuMeter } from './cpu-meter.ts';
import type { GuestEnvironment } from './environment.ts';
import type { DriverName, Scenario } from './row.ts';

/** One measurement: repeated runs after a warm-up. */
export interface Task {
  readonly scenario: Scenario;
  readonly frameBytes: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly repeat: number;
  /** 0 = as many as go. */
  readonly ratePps: number;
  /** Measure delays; the sender stamps every frame. */
  readonly latency: boolean;
  readonly signal: AbortSignal;
}

/** What came out. Frames count for the whole measurement, rates for its runs. */
export interface Sample {
  /** Frames received per second, in millions, in each run. */
  readonly mpps: readonly number[];
  readonly sent: number;
  readonly received: number;
  readonly corrupt: number;
  /** Share of the time in which the driver moved frames, 0..1; null when it does not tell. */
  readonly driverBusy: number | null;
  /** Kicks and calls per frame that the guests counted; null when only the back-end counts them. */
  readonly latencyNs: { readonly p50: number; readonly p99: number; readonly p999: number } | null;
}

export interface Load {
  readonly driver: DriverName;
  readonly ring: 'split' | 'packed';
  readonly ringSize: number;
  readonly environment: GuestEnvironment;
  /** Largest frame it can send. */
  readonly frameBytesMax: number;
  /** @param meter  To be started and stopped with the measured time. */
  measure(task: Task, meter: CpuMeter): Promise<Sample>;
  close(): Promise<void>;
}
