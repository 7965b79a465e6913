/** What is behind a port: how the port commands it, and what can be shown of it. */

import {
  type DatapathEvent,
  type FaultCode,
  faults,
  type NativeAddon,
  type NativeDatapath,
} from '../../native/boundary/index.ts';
import { type FaultReport, faultReport } from '../fault-report.ts';
import type { PeerLog } from '../log.ts';
import type { KeptGuest } from '../vhost-user/index.ts';

/** What an endpoint needs of its port. */
export interface EndpointContext {
  readonly addon: NativeAddon;
  readonly datapath: NativeDatapath;
  /** The port's number in the datapath; only this endpoint commands its device. */
  readonly port: number;
  /** `vale0:t`, for sentences. */
  readonly name: string;
  /** The port's; 0: none. */
  readonly mtu: () => number;
  /** Names the port in each line. */
  readonly log: PeerLog;
  /** What the kind's recall() found. */
  readonly kept?: KeptGuest | undefined;
  /** state() would now say something else. */
  readonly onChange: () => void;
}

/**
 * What `port show` tells of what is behind a port, whatever its kind; plain data. A kind that knows
 * more says so in its row: Kind.own.
 */
export interface CommonState {
  /** Of sockets with connections. */
  readonly role?: 'server' | 'client';
  /** A socket's path, `tcp:HOST:PORT`, `udp:HOST:PORT`, an interface's name, or a network. */
  readonly address: string;
  /** Frames can pass; of vhost-user: a front-end is connected. */
  readonly connected: boolean;
  /** Who is at the other end of a UNIX stream socket. */
  readonly peer?: { readonly pid: number; readonly uid: number };
  /** The last fault, until the next peer. */
  readonly fault: FaultReport | null;
  /** What the operator should do. */
  readonly notice: string | null;
  /** Where its peer is, if there is no connection. */
  readonly peerAddress?: string;
  /** What both sides leave to each other. Empty: nothing. */
  readonly offloads?: readonly string[];
}

/** One port's; every kind's is one (test/contract/endpoints.native.test.ts). */
export interface PortEndpoint {
  /** A peer's rings run in the datapath. Absent: such a peer has none. */
  readonly started?: boolean;
  /** @throws {ValenicError}; whoever started it closes it then too. */
  start(): Promise<void>;
  /** Closes sockets and descriptors, also those of a start that failed. Idempotent. */
  close(): Promise<void>;
  handleEvent(event: DatapathEvent): void;
  state(): CommonState;
  /** The port's MTU is another from here on; 0: none. Absent: it is read when it is needed. */
  setMtu?(mtu: number): void;
}

/** Null for a peer that just left. */
export function linkFault(code: FaultCode): FaultReport | null {
  return code === 'none' ? null : faultReport(code, faults[code].text);
}
