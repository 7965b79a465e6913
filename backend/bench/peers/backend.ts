/** A backend under comparison: ours or a peer's, always a process of its own. */

import type { HugePages } from './hugepages.ts';

/** Systems of a row; see README for what each is. */
export type PeerName =
  | 'dpdk-testpmd-io'
  | 'dpdk-testpmd-mac'
  | 'ovs-dpdk'
  | 'tap-bridge'
  | 'qemu-stream'
  | OwnPeerName;
/** Ourselves, otherwise: the datapath in a process of its own, or another checkout. */
export type OwnPeerName = 'valenic-process' | 'valenic-other';
export type SystemName = 'valenic' | PeerName;

/** What all backends of a run share. */
export interface Ground {
  /** Of this run; sockets and files go into folders of their own below it. */
  readonly folder: string;
  /** Where the backend's worker polls. */
  readonly workerCpu: number;
  /** For its other threads, and the front-end. */
  readonly otherCpu: number;
  readonly hugePages: HugePages;
}

export interface Backend {
  readonly system: SystemName;
  /** Frames it takes at once; null: it decides itself. */
  readonly burst: number | null;
  /** How it was started. */
  readonly command: string;
  /** As it says itself. */
  readonly version: string;
  /** Settings that this build of it did not take, with its answer. */
  readonly refused: readonly string[];
  /** vhost-user sockets it listens on; what comes in through one leaves through the other. */
  readonly sockets: readonly [string, string];
  readonly over: boolean;
  /** Stands still from here on: only one backend of a run is active at a time. */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}

/** One setting of a peer, not started yet. */
export interface Variant {
  readonly system: PeerName;
  readonly burst: number | null;
  start(ground: Ground): Promise<Backend>;
}

export interface Peer {
  readonly name: PeerName;
  /** Why it cannot run here, or null. */
  missing(): string | null;
  readonly variants: readonly Variant[];
}
