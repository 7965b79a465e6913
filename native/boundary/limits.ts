/** Bounds that both sides keep and that are not the range of one field. */

import { u32 } from './fields.ts';

/** The longest frame that any port may carry: an Ethernet header of 14 bytes, and 64 KiB. */
export const largestFrameBytes = 65_550;

/** Of one datapath. */
export const datapathLimits = {
  /**
   * Host I/O threads, the control thread's own injections included. Each has a counter block in
   * every port, and at most one open reservation in every receive ring.
   */
  workerBlocks: 16,
  /** Ports: places in its stats page. */
  ports: { given: 256, most: 4096 },
} as const;
/** Host I/O threads that can be asked for: the last block is the control thread's. */
export const workerCount = u32({ min: 1, max: datapathLimits.workerBlocks - 1, unit: 'workers' });
