/** What each counter counts, for the reference. */

import type { PortCounter, WorkerCounter } from '../../native/boundary.ts';

/** TX and RX as the guest sees them: TX is guest -> us. */
export const portCounterTexts: Readonly<Record<PortCounter, string>> = {
  tx_frames: 'frames taken from the port',
  tx_bytes: 'their bytes',
  tx_batches: 'batches taken from the port',
  rx_frames: 'frames delivered to the port',
  rx_bytes: 'their bytes',
  rx_batches: 'batches delivered to the port',
  rx_flooded: 'delivered frames that were flooded: broadcasts, and addresses not learned',
  rx_big_whole: 'big frames (TSO, USO) delivered as they were',
  rx_big_full: 'big frames of 60000 bytes or more among these',
  rx_big_cut: 'big frames cut because the receiver does not take them',
  rx_segments_made: 'segments that they were cut into',
  rx_checksums_made: 'partial checksums completed because the receiver does not take them',
  rx_coalesced: 'TCP segments appended to the one before',
  kicks: "the guest's notifications",
  calls: 'our notifications (interrupts) to the guest',
  calls_suppressed: 'notifications not sent because the guest did not want them',
  calls_moderated: 'notifications held back by moderation',
  macs_learned: 'addresses learned on the port',
  macs_moved: 'addresses that moved here from another port',
  macs_evicted: 'addresses of the port pushed out of a full table',
  macs_refused: 'addresses not learned, because of mac-limit',
  queue_faults: 'rings and connections closed because of a fault',
  turns: 'times a worker came to a queue of the port that had credit and was not known to be empty',
  turns_empty: 'turns that found nothing',
  turn_ns: 'nanoseconds of CPU charged to the port for what it sent and for costly receive buffers',
};

export const workerCounterTexts: Readonly<Record<WorkerCounter, string>> = {
  rounds: 'rounds over the queues',
  rounds_with_work: 'rounds that moved a frame',
  sleeps: 'times it went to sleep',
  wakeups: 'times it was woken',
  commands: 'topology changes that it stopped for',
  busy_ns: 'nanoseconds spent in rounds with work',
  kicks_missed: 'queues found with work a second after their last kick: a driver without barriers',
};
