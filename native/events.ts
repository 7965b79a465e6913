/** What the datapath says unasked. */

import type { FaultCode } from './boundary.ts';

/** What a worker does for a port. */
export const workerActs = {
  nothing: 'looks for work',
  receive: 'takes frames from',
  transmit: 'delivers frames to',
  release: 'hands buffers back to',
  notify: 'calls',
  acknowledge: 'takes the kicks of',
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
  | { readonly event: 'memory_not_shared'; readonly port: number; readonly ring: number };

/** What it says of one port and its peer. */
export type PortEvent = Exclude<DatapathEvent, { readonly event: 'worker_late' }>;
