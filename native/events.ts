/** What the datapath says unasked: a part of boundary.ts, through which others see it. */

import type { FaultCode } from './boundary.ts';

/** What a worker does for a port. */
export const workerActs = {
  nothing: 'looks for work',
  receive: 'takes frames from',
  transmit: 'delivers frames to',
  release: 'hands buffers back to',
  notify: 'calls',
  acknowledge: 'reads the kicks of',
} as const satisfies Record<string, string>;
export type WorkerAct = keyof typeof workerActs;

/** What the datapath says unasked. */
export type DatapathEvent =
  | {
      readonly event: 'ring_fault';
      readonly port: number;
      readonly ring: number;
      readonly fault: FaultCode;
    }
  | { readonly event: 'device_fault'; readonly port: number; readonly fault: FaultCode }
  /**
   * A worker sleeps inside a batch. `act`: what it does for which queue of which port; port 0, act
   * `nothing`: nobody's.
   */
  | {
      readonly event: 'worker_late';
      readonly port: number;
      readonly worker: number;
      readonly queue: number;
      readonly act: WorkerAct;
      readonly asleepMs: number;
    }
  /** A descriptor of link.attach is of no more use; `none`: the peer just left. */
  | {
      readonly event: 'link_down';
      readonly port: number;
      readonly queue: number;
      readonly fault: FaultCode;
    }
  /**
   * Kicks came but the available index never left 0: the guest's memory is not the one we mapped.
   */
  | { readonly event: 'memory_not_shared'; readonly port: number; readonly ring: number }
  /**
   * An address was seen behind this port and behind another, in turn, `moves` times in `seconds`:
   * a loop, or two hosts with one address. Told once, until `mac_rests`. All events of addresses
   * together are a few a second, whatever the guests do.
   */
  | {
      readonly event: 'mac_moves';
      readonly port: number;
      readonly other: number;
      readonly mac: string;
      /** 0: in none. */
      readonly vlan: number;
      readonly moves: number;
      readonly seconds: number;
    }
  | { readonly event: 'mac_rests'; readonly port: number }
  /** The address table was full: so many addresses of this port were pushed out since last told. */
  | { readonly event: 'macs_evicted'; readonly port: number; readonly evicted: number };
/** News about the addresses behind a port. */
export type AddressEvent = Extract<
  DatapathEvent,
  { event: 'mac_moves' | 'mac_rests' | 'macs_evicted' }
>;
/** What went wrong with a port. */
export type FaultEvent = Exclude<DatapathEvent, AddressEvent | { readonly event: 'worker_late' }>;
