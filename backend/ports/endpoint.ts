/** What the kinds of ports with a descriptor behind them share: their context, state and faults. */

import {
  type DatapathEvent,
  type FaultCode,
  faults,
  type NativeAddon,
  type NativeDatapath,
} from '../../native/boundary/index.ts';
import { type FaultReport, faultReport } from '../fault-report.ts';
import type { PeerLog } from '../log.ts';

export interface LinkContext {
  readonly addon: NativeAddon;
  readonly datapath: NativeDatapath;
  /** The port's number in the datapath; only this endpoint commands its descriptors. */
  readonly port: number;
  /** `vale0:t`, for sentences. */
  readonly name: string;
  /** The port's; 0: none. */
  readonly mtu: () => number;
  readonly log: PeerLog;
  /** state() would now say something else. */
  readonly onChange: () => void;
}

/** What a packet port goes through. */
export interface LinkIo {
  readonly mode: 'af-packet' | 'af-xdp';
  /** Of AF_XDP: the interface reads and writes our memory itself. */
  readonly zeroCopy?: boolean;
  /** Of AF_XDP: the driver runs the program, or the kernel behind it. */
  readonly xdp?: 'native' | 'generic';
  /** Of AF_XDP: the kernel says when it needs a call to send or to fill. */
  readonly needWakeup?: boolean;
  /** Of AF_XDP: the interface takes VLAN tags off. */
  readonly losesTags?: boolean;
  /** Why it is not AF_XDP. Null: it is, or another was asked for. */
  readonly why: string | null;
}

/** What `port show` tells; plain data. */
export interface LinkState {
  /** Of stream ports. */
  readonly role?: 'server' | 'client';
  /** A socket's path, `tcp:HOST:PORT`, `udp:HOST:PORT`, or an interface's name. */
  readonly address: string;
  /** Where datagrams go. */
  readonly peerAddress?: string;
  /** What both sides leave to each other: of tap ports. Empty: nothing. */
  readonly offloads?: readonly string[];
  /** Of packet ports. */
  readonly io?: LinkIo;
  /** Frames can pass. */
  readonly connected: boolean;
  /** Who is at the other end of a UNIX stream socket. */
  readonly peer?: { readonly pid: number; readonly uid: number };
  /** The last fault, until the next peer. */
  readonly fault: FaultReport | null;
  /** What the operator should do. */
  readonly notice: string | null;
}

export interface LinkEndpoint {
  /** @throws {ValenicError} and leaves nothing behind. */
  start(): Promise<void>;
  /** Closes sockets and descriptors. Idempotent. */
  close(): Promise<void>;
  handleEvent(event: DatapathEvent): void;
  state(): LinkState;
}

/** Null for a peer that just left. */
export function linkFault(code: FaultCode): FaultReport | null {
  return code === 'none' ? null : faultReport(code, faults[code].text);
}
