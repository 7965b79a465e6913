/**
 * What crosses between TypeScript and the datapath: commands, events, counters, drops, faults.
 *
 * All is plain data (numbers, strings, descriptors), so the datapath can move to a process of its
 * own. The C++ side (`native/src/spec/boundary.hpp`) is generated from these tables.
 */

import type { LinkOpened } from './addon.ts';
import type { FaultCode } from './faults.ts';
import type { PortSettings } from './port-settings.ts';

/**
 * Why a frame was not delivered, and which port counts it. `idle`: nobody was there to miss it, so
 * that it is counted and is no loss, as of a flood to a port that nobody uses.
 */
export const dropReasons = {
  tx_too_short: { at: 'source', text: 'shorter than an Ethernet header (14 bytes)' },
  tx_too_long: { at: 'source', text: 'longer than the largest frame of the port' },
  tx_too_many_segments: { at: 'source', text: 'spread over more buffers than one frame may use' },
  tx_offload_not_negotiated: {
    at: 'source',
    text: 'its virtio-net header asks for an offload that was not negotiated',
  },
  tx_csum_misplaced: {
    at: 'source',
    text: 'its virtio-net header puts the checksum beyond the frame or where there is none',
  },
  tx_gso_headers_invalid: {
    at: 'source',
    text: 'its headers do not match its virtio-net header',
  },
  tx_gso_size_invalid: {
    at: 'source',
    text: 'its segment size is zero, too small, or gives more than 256 segments',
  },
  tx_vlan_refused: { at: 'source', text: 'the sending port is not in its VLAN' },
  tx_link_local: { at: 'source', text: 'link-local (LACP, LLDP, STP), and the port drops these' },
  tx_no_destination: {
    at: 'source',
    text: 'no other port is on the switch or in its VLAN',
    idle: true,
  },
  tx_reflected: {
    at: 'source',
    text: 'its destination is behind the port it came from',
    idle: true,
  },
  tx_port_down: { at: 'source', text: 'the sending port is administratively down' },
  tx_ring_overflow: { at: 'source', text: 'it arrived at an interface whose ring was full' },
  tx_memory_unreadable: {
    at: 'source',
    text: 'its memory could not be read: the file was truncated',
  },
  rx_no_buffer: { at: 'destination', text: 'the receiver has no free buffer in its ring' },
  rx_overdrawn: {
    at: 'destination',
    text: "the receiver's buffers cost more work than its share of the worker allows",
  },
  rx_too_long: { at: 'destination', text: "longer than the receiver's buffers can hold" },
  rx_above_mtu: { at: 'destination', text: 'longer than the MTU of the receiving port' },
  rx_ring_stopped: {
    at: 'destination',
    text: 'the receiver has not started its ring',
    idle: true,
  },
  rx_vlan_refused: {
    at: 'destination',
    text: 'the receiver is not in its VLAN, or would see a second tag',
  },
  rx_vlan_no_room: { at: 'destination', text: 'it has no room for the VLAN tag it needs' },
  rx_link_local: {
    at: 'destination',
    text: 'link-local (LACP, LLDP, STP), and the port drops these',
  },
  rx_port_down: {
    at: 'destination',
    text: 'the receiving port is administratively down',
    idle: true,
  },
  rx_ring_broken: {
    at: 'destination',
    text: 'the receiver broke a rule of its ring and was stopped',
  },
  rx_not_connected: {
    at: 'destination',
    text: 'nobody is at the other end of the port',
    idle: true,
  },
  rx_backlog_full: {
    at: 'destination',
    text: 'the receiver reads too slowly and its backlog is full',
  },
  rx_link_down: { at: 'destination', text: 'the interface of the port is down' },
  rx_refused_by_host: { at: 'destination', text: 'the kernel had no memory, or a rule forbade it' },
} as const satisfies Record<string, { at: 'source' | 'destination'; text: string; idle?: true }>;
export type DropReason = keyof typeof dropReasons;

/**
 * Counters of one port, one block of 64-bit words for each worker (one writer per block).
 * TX and RX as the guest sees them: TX is guest -> us. The drop reasons follow, in their order.
 * Big frames are those with segmentation asked for (TSO, USO): `rx_big_whole` went to the receiver
 * untouched (`rx_big_full`: 60000 bytes or more of it), `rx_big_cut` became `rx_segments_made`;
 * `rx_checksums_made` counts the others whose partial checksum was not taken, `rx_coalesced` TCP
 * segments appended to the one before, from a source that has no big frames.
 * `macs_refused`: above the port's limit; `macs_evicted`: pushed out of a full table, of this port.
 * `turns`: how often the worker came to a queue of the port that had credit and was not known to be
 * empty; `turns_empty` of them found nothing. `turn_ns`: CPU time charged to the port, for what it
 * sent and for what its receive buffers cost above plain ones.
 */
export const portCounters = [
  'tx_frames',
  'tx_bytes',
  'tx_batches',
  'rx_frames',
  'rx_bytes',
  'rx_batches',
  'rx_flooded',
  'rx_big_whole',
  'rx_big_full',
  'rx_big_cut',
  'rx_segments_made',
  'rx_checksums_made',
  'rx_coalesced',
  'kicks',
  'calls',
  'calls_suppressed',
  'calls_moderated',
  'macs_learned',
  'macs_moved',
  'macs_refused',
  'macs_evicted',
  'queue_faults',
  'turns',
  'turns_empty',
  'turn_ns',
] as const;
export type PortCounter = (typeof portCounters)[number];

/**
 * Counters of one worker. Times in nanoseconds. `kicks_missed`: queues that were found with work
 * while they were waited for, a second after their last kick: a driver without memory barriers.
 */
export const workerCounters = [
  'rounds',
  'rounds_with_work',
  'sleeps',
  'wakeups',
  'commands',
  'busy_ns',
  'kicks_missed',
] as const;
export type WorkerCounter = (typeof workerCounters)[number];

/** The stats page: blocks of `wordsPerBlock` 64-bit words; block 0 is the header. */
export const statsPage = { magic: 0x56414c4553544154n, version: 4, wordsPerBlock: 64 } as const;

export * from './faults.ts';
export * from './port-settings.ts';
/** One memory region as the front-end described it. Addresses are 64-bit: bigint. */
export interface MemoryRegion {
  readonly guestAddr: bigint;
  readonly userAddr: bigint;
  readonly sizeBytes: bigint;
  readonly offsetBytes: bigint;
  /** Ownership moves to the datapath, also when the command fails. */
  readonly fd: number;
}

/** What starts one ring. Addresses are the front-end's user addresses, as in SET_VRING_ADDR. */
export interface RingStart {
  readonly size: number;
  /**
   * Position of the next chain to take, 16 bits. Split: an index that counts on. Packed: the index
   * in the ring, and the wrap counter in bit 15.
   */
  readonly base: number;
  /** A ring of ours stopped there: nobody else's word, so a packed ring is not asked for proof. */
  readonly resumed: boolean;
  readonly descAddr: bigint;
  readonly availAddr: bigint;
  readonly usedAddr: bigint;
}

/** A stream of probe frames that a host port sends. See native/src/net/probe.hpp. */
export interface HostSource {
  readonly stream: number;
  /** Whole Ethernet frame, 60..9014 bytes. */
  readonly frameBytes: number;
  /** Frames per second; 0 = as fast as they are taken. */
  readonly ratePps: number;
  /** Frames to send; 0n = until stopped. */
  readonly count: bigint;
  /** Twelve hexadecimal digits with colons. */
  readonly destination: string;
  readonly source: string;
}

/** What a host port's sink saw of one stream. It copied every frame and checked it. */
export interface HostSinkReport {
  readonly stream: number;
  readonly frames: bigint;
  readonly bytes: bigint;
  readonly firstSequence: bigint;
  readonly nextSequence: bigint;
  readonly gaps: bigint;
  readonly reordered: bigint;
  readonly corrupt: bigint;
  /** One-way delay in nanoseconds where the sender shares our clock: log-linear buckets. */
  readonly latencyNs: { readonly p50: number; readonly p99: number; readonly p999: number };
}

/**
 * `link` kinds have a descriptor: `stream` frames in a byte stream, `dgram` one frame a datagram,
 * `tap` an interface of the host, `packet` the wire of any.
 */
export const portKinds = ['vhost', 'host', 'stream', 'dgram', 'tap', 'packet'] as const;
export type PortKind = (typeof portKinds)[number];

/** Before each frame of a tap port: nothing, a header without offloads, with TSO, with USO too. */
export const netHeaderUses = ['none', 'plain', 'tso', 'uso'] as const;
export type NetHeaderUse = (typeof netHeaderUses)[number];

/**
 * Commands, by name: argument and answer. `Datapath.command(name, argument)` resolves with the
 * answer once every worker that matters has passed a batch boundary, or rejects with a
 * DatapathError whose `code` is a FaultCode or one of `commandErrors`.
 */
export interface Commands {
  'worker.add': [{ cpu?: number }, { worker: number; tid: number }];
  'switch.create': [
    /** macTableSize: addresses that it can hold. */
    { name: string; ageingSeconds?: number; macTableSize?: number },
    { switch: number },
  ];
  'switch.remove': [{ switch: number }, Record<string, never>];
  'port.create': [
    {
      switch: number;
      name: string;
      kind: PortKind;
      /** Queue pairs, 1..16. */
      queues: number;
      /** Worker of queue pair i is workers[i % workers.length]. */
      workers: readonly number[];
      settings?: Partial<PortSettings>;
    },
    /** statsBlock: first block in the stats page; one block for each worker follows from there. */
    { port: number; slot: number; statsBlock: number },
  ];
  'port.remove': [{ port: number }, Record<string, never>];
  'port.set': [{ port: number; settings: Partial<PortSettings> }, Record<string, never>];
  /**
   * Another worker owns the queue pair from here on; answers when it does. No frame is lost by it
   * and none overtakes another.
   */
  'queue.move': [{ port: number; pair: number; worker: number }, Record<string, never>];
  'port.macs': [{ port: number }, { macs: readonly string[] }];
  /** Replaces all regions. Rings that run are re-resolved in the new map without losing a frame. */
  'vhost.memory': [{ port: number; regions: readonly MemoryRegion[] }, Record<string, never>];
  /** Feature bits the driver acknowledged. Only while no ring runs. */
  'vhost.features': [{ port: number; features: bigint }, Record<string, never>];
  /**
   * ring = virtqueue number: even = RX (to the guest), odd = TX. fds move to the datapath; -1 =
   * none.
   */
  'vhost.ring.start': [
    {
      port: number;
      ring: number;
      start: RingStart;
      kickFd: number;
      callFd: number;
      enabled: boolean;
    },
    /** base: where it begins. A split ring begins at the used index in guest memory. */
    { base: number },
  ];
  /** Answers only after every worker let go of the ring. base: next available index not taken. */
  'vhost.ring.stop': [{ port: number; ring: number }, { base: number }];
  'vhost.ring.enable': [{ port: number; ring: number; enabled: boolean }, Record<string, never>];
  /** New call fd for a running ring, -1 = none (poll). */
  'vhost.ring.call': [{ port: number; ring: number; callFd: number }, Record<string, never>];
  /** New kick fd for a running ring, -1 = none: the ring is polled. */
  'vhost.ring.kick': [{ port: number; ring: number; kickFd: number }, Record<string, never>];
  /** New addresses for a running ring; its indices stay. */
  'vhost.ring.addresses': [{ port: number; ring: number; start: RingStart }, Record<string, never>];
  'vhost.rings': [{ port: number }, { rings: readonly RingState[] }];
  /** Sends one frame from a port into its switch (SEND_RARP). */
  'port.inject': [{ port: number; frame: Uint8Array }, Record<string, never>];
  'host.start': [{ port: number; source: HostSource }, Record<string, never>];
  'host.stop': [{ port: number }, { sent: bigint; attempts: bigint }];
  'host.report': [
    { port: number; reset?: boolean },
    { sent: bigint; streams: readonly HostSinkReport[] },
  ];
  /**
   * Gives a link port its descriptors, one for each queue; they move to the datapath in every case.
   * `peer`: where an unconnected datagram socket sends to, a path. `LinkOpened`: how it was opened.
   */
  'link.attach': [
    { port: number; fds: readonly number[]; peer?: string } & LinkOpened,
    Record<string, never>,
  ];
  /** Closes the port's descriptors. Answers after every worker let go of them. */
  'link.detach': [{ port: number }, Record<string, never>];
  /** One-way cache-line ping-pong between two CPUs, nanoseconds: are the cores near or far? */
  'probe.placement': [{ cpuA: number; cpuB: number }, { ns: number }];
}
export type CommandName = keyof Commands;

export interface RingState {
  readonly ring: number;
  readonly running: boolean;
  readonly enabled: boolean;
  readonly size: number;
  readonly availIndex: number;
  readonly usedIndex: number;
  readonly fault: FaultCode;
}

export const commandErrors = {
  unknown_port: 'no port has this number',
  unknown_switch: 'no switch has this number',
  unknown_worker: 'no worker has this number',
  name_in_use: 'the name is taken on this switch',
  switch_full: 'a switch has at most 254 ports',
  switch_not_empty: 'the switch still has ports',
  limit_reached: 'a limit of the datapath has been reached',
  invalid_argument: 'an argument is out of range',
  wrong_state: 'the port or ring is not in a state for this command',
  region_overlaps: 'two memory regions overlap',
  region_overflows: 'a memory region ends beyond the 64-bit address space or the file',
  region_invalid: 'a memory region is empty, or its file cannot be mapped',
  fd_not_eventfd: 'a kick or call descriptor is not an eventfd',
  worker_busy:
    'a worker is stuck in the middle of a batch; try again when the log says that it goes on',
  system: 'the operating system refused',
  closed: 'the datapath is closed',
} as const satisfies Record<string, string>;
export type CommandError = keyof typeof commandErrors;

export type * from './addon.ts';
export * from './events.ts';
