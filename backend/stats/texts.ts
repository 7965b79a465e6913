/** What each counter counts, for the reference. */

import type { PortCounter, WorkerCounter } from '../../native/boundary.ts';

/** TX and RX as the guest sees them: TX is guest -> us. */
export const portCounterTexts: Readonly<Record<PortCounter, string>> = {
  tx_frames: 'frames taken from the port',
  tx_bytes: 'their bytes',
  tx_batches: 'times that any were taken',
  rx_frames: 'frames delivered to the port',
  rx_bytes: 'their bytes',
  rx_batches: 'times that any were delivered',
  rx_flooded: 'of them, frames that went to every port: broadcasts, and addresses not learned',
  rx_big_whole: 'big frames (TSO, USO) delivered as they were',
  rx_big_full: 'of them, those of 60000 bytes or more',
  rx_big_cut: 'big frames cut, because the receiver does not take them',
  rx_segments_made: 'what they were cut into',
  rx_checksums_made: 'partial checksums completed, because the receiver does not take them',
  rx_coalesced: 'TCP segments appended to the one before',
  kicks: "the guest's notifications",
  calls: 'our notifications (interrupts) to the guest',
  calls_suppressed: 'notifications that the guest did not want',
  calls_moderated: 'notifications held back by moderation',
  macs_learned: 'addresses learned on the port',
  macs_moved: 'addresses that came here from another port',
  macs_evicted: 'addresses of the port that a full table gave up for others',
  macs_refused: 'addresses not learned, because of mac-limit',
  queue_faults: 'rings and connections closed for a fault',
  turns: 'times that a worker came to a queue of the port with credit, not known to be empty',
  turns_empty: 'of them, those that found nothing',
  turn_ns: 'nanoseconds of CPU charged to the port, for what it sent and for dear receive buffers',
};

export const workerCounterTexts: Readonly<Record<WorkerCounter, string>> = {
  rounds: 'rounds over the queues',
  rounds_with_work: 'of them, rounds that moved a frame',
  sleeps: 'times it went to sleep',
  wakeups: 'times it was woken',
  commands: 'changes of the topology that it stopped for',
  busy_ns: 'nanoseconds in rounds with work',
  kicks_missed: 'queues found with work a second after their last kick: a driver without barriers',
};
