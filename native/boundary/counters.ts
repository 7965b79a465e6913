/** What is counted, and the page in which it stands: tables of the boundary. */

/**
 * Counters of one port, one block of 64-bit words for each worker (one writer per block). The drop
 * reasons follow, in their order. TX and RX as the guest sees them: TX is guest -> us.
 */
export const portCounterTexts = {
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
  macs_refused: 'addresses not learned, because of mac-limit',
  macs_evicted: 'addresses of the port pushed out of a full table',
  queue_faults: 'rings and connections closed because of a fault',
  turns: 'times a worker came to a queue of the port that had credit and was not known to be empty',
  turns_empty: 'turns that found nothing',
  turn_ns: 'nanoseconds of CPU charged to the port for what it sent and for costly receive buffers',
} as const satisfies Record<string, string>;
export type PortCounter = keyof typeof portCounterTexts;

/** Counters of one worker. */
export const workerCounterTexts = {
  rounds: 'rounds over the queues',
  rounds_with_work: 'rounds that moved a frame',
  sleeps: 'times it went to sleep',
  wakeups: 'times it was woken',
  commands: 'topology changes that it stopped for',
  busy_ns: 'nanoseconds spent in rounds with work',
  kicks_missed: 'queues found with work a second after their last kick: a driver without barriers',
  asleep_ns: 'nanoseconds asleep; what neither this nor busy_ns has, it polled in vain',
} as const satisfies Record<string, string>;
export type WorkerCounter = keyof typeof workerCounterTexts;

/** Their names in their order. */
export const portCounters = Object.keys(portCounterTexts) as readonly PortCounter[];
export const workerCounters = Object.keys(workerCounterTexts) as readonly WorkerCounter[];

/** The stats page: blocks of `wordsPerBlock` 64-bit words; block 0 is the header. */
export const statsPage = { magic: 0x56414c4553544154n, version: 5, wordsPerBlock: 128 } as const;
