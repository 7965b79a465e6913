/** A way from guest to guest, or from a guest to its host: ours or what people use today. */

import type { PollingMode } from '../../../native/boundary/index.ts';
import type { NicBackend } from '../../../qemu/index.ts';
import type { Ground } from '../peers/backend.ts';
import type { Scenario } from '../row.ts';

export const tcpPeerNames = [
  'tap-bridge',
  'qemu-stream',
  'dpdk-testpmd-io',
  'qemu-user',
  'passt',
] as const;
export type TcpPeerName = (typeof tcpPeerNames)[number];
export type TcpSystem = 'valenic' | TcpPeerName;

/** What the networks of a run share. */
export interface TcpGround extends Ground {
  /** Of our ports. */
  readonly polling: PollingMode;
}

/** IPv4 addresses of one network; each network of a run has a subnet of its own. */
export interface Addresses {
  readonly subnet: string;
  readonly a: string;
  readonly b: string;
  readonly host: string;
}

export function addressesOf(index: number): Addresses {
  const at = (station: number) => `10.78.${index}.${station}`;
  return { subnet: `${at(0)}/24`, a: at(1), b: at(2), host: at(254) };
}

/** A network that is set up: the guests are started on it afterwards. */
export interface LiveNetwork {
  readonly command: string;
  readonly version: string;
  /** Where the guests' NICs go; null: the second guest has none here. */
  readonly a: NicBackend;
  readonly b: NicBackend | null;
  /** What suits it best; 1500 when absent. */
  readonly mtu?: number;
  /** Processes that move the frames, besides QEMU. */
  readonly pids: readonly number[];
  /** Stops it while another is measured, if it would not be idle on its own. */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}

export interface Network {
  readonly system: TcpSystem;
  readonly scenarios: readonly Scenario[];
  /** Why it cannot run here, or null. */
  missing(): string | null;
  /** @throws {ValenicError} `bench_failed` */
  start(ground: TcpGround, addresses: Addresses): Promise<LiveNetwork>;
}

/** For networks without a process of their own, or whose process sleeps when idle. */
export const sleepsByItself = { pause: () => {}, resume: () => {} } as const;
