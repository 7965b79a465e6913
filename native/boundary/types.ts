// GENERATED from native/boundary by `npm run spec`. Do not edit.
import type { FaultCode } from './faults.ts';
import type { NetHeaderUse, PollingMode, PortKind, WorkerAct } from './kinds.ts';

/** VLANs from the first to the last. */
export type VlanRange = readonly [first: number, last: number];

/**
 * The VLANs of a port (docs/decisions/0013-vlans.md). `none`: it takes part in none, reaches the
 * ports that are like it, and frames stay as they are. `access`: untagged frames, of one VLAN.
 * `trunk`: tagged frames of these VLANs, and untagged ones of `native`. `tunnel`: frames with or
 * without tags, in one VLAN, behind a tag of a provider's.
 */
export type PortVlan =
  | { readonly mode: 'none' }
  | { readonly mode: 'access'; readonly vlan: number }
  | { readonly mode: 'tunnel'; readonly vlan: number }
  | { readonly mode: 'trunk'; readonly vlans: readonly VlanRange[]; readonly native?: number };

/** A station that may be behind a port. */
export interface AllowedStation {
  /** Its address; not a group's. */
  readonly mac: string;
  /** Its IPv4 and IPv6 addresses; none: any. */
  readonly ips: readonly string[];
}

/** Settings of a port. They can change under traffic. */
export interface PortSettings {
  /** How the worker waits for work. */
  readonly polling: PollingMode;
  /**
   * Adaptive mode: microseconds to spin without work before sleeping. `auto`: the worker learns it
   * from the gaps in each queue's traffic (native/src/io/spin_tuner.hpp). 0..1000000 microseconds.
   */
  readonly spinUs: number | 'auto';
  /** `false`: every frame is its own transaction, published and notified alone. */
  readonly more: boolean;
  /**
   * Notification moderation: a call is sent after this many frames, 1 = at once... 1..1024 frames.
   */
  readonly moderationFrames: number;
  /** ...or this many microseconds after the first of them, 0 = at once. 0..1000000 microseconds. */
  readonly moderationUs: number;
  /** Most frames taken from one queue per round: the size of a batch. 1..256 frames. */
  readonly budget: number;
  /** Most MAC addresses learned on this port. 0..65536 addresses. */
  readonly macLimit: number;
  /** Largest Ethernet frame the port may send, without FCS. 60..65550 bytes. */
  readonly maxFrameBytes: number;
  /**
   * Longest IP packet the port gets; big frames are measured cut. 0: any length. 68..65535 bytes.
   */
  readonly mtu: number;
  /** Administrative state. A down port neither sends nor receives; its MACs are forgotten. */
  readonly up: boolean;
  /** The VLANs of the port. */
  readonly vlan: PortVlan;
  /**
   * Whether frames for 01:80:c2:00:00:00 to :0f (LACP, LLDP, STP ...) pass, from this port and to
   * it. A bridge keeps them; a wire does not.
   */
  readonly linkLocal: boolean;
  /**
   * Who may be behind the port; none: anybody. Nobody behind another port may say that he is one of
   * these (docs/decisions/0019-port-security.md).
   */
  readonly allow: readonly AllowedStation[];
  /** Addresses that were learned here stay here: no frame from them may come from another port. */
  readonly stickyMacs: boolean;
  /** `true`: IPv6 router advertisements and redirects are dropped. */
  readonly raGuard: boolean;
  /** `true`: it reaches no other port that is isolated, and none of those reaches it. */
  readonly isolate: boolean;
  /** Whether the port gets frames for addresses that nobody was seen with. */
  readonly unknownUnicast: boolean;
  /** Most broadcasts that the port may send. 0..100000000 frames a second. */
  readonly stormBroadcast: number | 'auto';
  /** Most multicasts that the port may send. 0..100000000 frames a second. */
  readonly stormMulticast: number | 'auto';
  /**
   * Most frames for addresses that nobody was seen with that the port may send. 0..100000000 frames
   * a second.
   */
  readonly stormUnknownUnicast: number | 'auto';
  /**
   * Whether TCP segments that follow each other reach the port as one big frame, where it takes
   * such. Off: each frame as it was sent, for what counts or forwards them.
   */
  readonly coalesce: boolean;
}

/** One memory region as the front-end described it. Addresses are 64-bit: bigint. */
export interface MemoryRegion {
  /** Guest-physical. */
  readonly guestAddr: bigint;
  /** The front-end's. */
  readonly userAddr: bigint;
  /** Of the region. */
  readonly sizeBytes: bigint;
  /** Where it begins in the file. */
  readonly offsetBytes: bigint;
  /** The file. It moves to the datapath, also when the command fails. */
  readonly fd: number;
}

/** What starts one ring. Addresses are the front-end's user addresses, as in SET_VRING_ADDR. */
export interface RingStart {
  /** Slots. */
  readonly size: number;
  /**
   * Position of the next chain to take. Split: an index that counts on. Packed: the index in the
   * ring, and the wrap counter in bit 15.
   */
  readonly base: number;
  /** A ring of ours stopped there: nobody else's word, so a packed ring is not asked for proof. */
  readonly resumed: boolean;
  /** Of the descriptors. */
  readonly descAddr: bigint;
  /** Packed: of the driver's event suppression structure. */
  readonly availAddr: bigint;
  /** Packed: of the device's. */
  readonly usedAddr: bigint;
}

/** One ring as it is. */
export interface RingState {
  /** Virtqueue number. */
  readonly ring: number;
  /** It was started. */
  readonly running: boolean;
  /** As the front-end said last. */
  readonly enabled: boolean;
  /** Slots. */
  readonly size: number;
  /** Position of the next chain to take. */
  readonly availIndex: number;
  /** Position of the next chain to hand back. */
  readonly usedIndex: number;
  /** Why it was stopped. */
  readonly fault: FaultCode;
}

/** A stream of probe frames that a host port sends. See native/src/net/probe.hpp. */
export interface HostSource {
  /** Number of the stream. */
  readonly stream: number;
  /** Whole Ethernet frame. 60..9014 bytes. */
  readonly frameBytes: number;
  /** Frames per second; 0 = as fast as they are taken. */
  readonly ratePps: number;
  /** Frames to send; 0n = until stopped. */
  readonly count: bigint;
  /** Twelve hexadecimal digits with colons. */
  readonly destination: string;
  /** Of one station. */
  readonly source: string;
}

/** One-way delay in nanoseconds, from log-linear buckets. */
export interface HostLatency {
  /** Half of the frames took no longer. */
  readonly p50: number;
  /** 99 %. */
  readonly p99: number;
  /** 99.9 %. */
  readonly p999: number;
}

/** What a host port's sink saw of one stream. It copied every frame and checked it. */
export interface HostSinkReport {
  /** Number of the stream. */
  readonly stream: number;
  /** Good probes. */
  readonly frames: bigint;
  /** Of whole frames. */
  readonly bytes: bigint;
  /** The first number seen. */
  readonly firstSequence: bigint;
  /** One more than the highest seen. */
  readonly nextSequence: bigint;
  /** Numbers that were skipped, less those that came late. */
  readonly gaps: bigint;
  /** Came after a higher number (or twice). */
  readonly reordered: bigint;
  /** Others. */
  readonly corrupt: bigint;
  /** Where the sender shares our clock. */
  readonly latencyNs: HostLatency;
}

/** Starts a worker. */
export interface WorkerAdd {
  /** The CPU that it is bound to. */
  readonly cpu?: number;
}
export interface WorkerAddAnswer {
  /** Its number. */
  readonly worker: number;
  /** The number that the system has for its thread. */
  readonly tid: number;
}

/** Makes a switch without ports. */
export interface SwitchCreate {
  /** Its name. */
  readonly name: string;
  /** An address that was silent for so long is forgotten. 1..1000000 seconds. */
  readonly ageingSeconds?: number;
  /** Addresses that it can hold. 64..1048576 addresses. */
  readonly macTableSize?: number;
}
export interface SwitchCreateAnswer {
  /** Its number. */
  readonly switch: number;
}

/** Removes a switch that has no port. */
export interface SwitchRemove {
  /** Its number. */
  readonly switch: number;
}
export type SwitchRemoveAnswer = Record<string, never>;

/** Makes a port on a switch. */
export interface PortCreate {
  /** Number of the switch. */
  readonly switch: number;
  /** Its name, which no other port of the switch has. */
  readonly name: string;
  /** What is at its other end. */
  readonly kind: PortKind;
  /** Queue pairs. 1..16 queue pairs. */
  readonly queues: number;
  /** Worker of queue pair i is workers[i % workers.length]. */
  readonly workers: readonly number[];
  /** Those that are not as by default. */
  readonly settings?: Partial<PortSettings>;
}
export interface PortCreateAnswer {
  /** Its number. */
  readonly port: number;
  /** Its place on the switch. */
  readonly slot: number;
  /** First block in the stats page; one block for each worker follows from there. */
  readonly statsBlock: number;
}

/** Removes a port. */
export interface PortRemove {
  /** Number of the port. */
  readonly port: number;
}
export type PortRemoveAnswer = Record<string, never>;

/** Changes settings of a port. */
export interface PortSet {
  /** Number of the port. */
  readonly port: number;
  /** Those that change. */
  readonly settings: Partial<PortSettings>;
}
export type PortSetAnswer = Record<string, never>;

/**
 * Another worker owns the queue pair from here on; answers when it does. No frame is lost by it and
 * none overtakes another.
 */
export interface QueueMove {
  /** Number of the port. */
  readonly port: number;
  /** Number of the queue pair. */
  readonly pair: number;
  /** Number of the worker. */
  readonly worker: number;
}
export type QueueMoveAnswer = Record<string, never>;

/** The addresses learned on a port. */
export interface PortMacs {
  /** Number of the port. */
  readonly port: number;
}
export interface PortMacsAnswer {
  /** All of them. */
  readonly macs: readonly string[];
}

/** Replaces all regions. Rings that run are re-resolved in the new map without losing a frame. */
export interface VhostMemory {
  /** Number of the port. */
  readonly port: number;
  /** The whole memory. */
  readonly regions: readonly MemoryRegion[];
}
export type VhostMemoryAnswer = Record<string, never>;

/** Feature bits the driver acknowledged. Only while no ring runs. */
export interface VhostFeatures {
  /** Number of the port. */
  readonly port: number;
  /** Virtio feature bits. */
  readonly features: bigint;
}
export type VhostFeaturesAnswer = Record<string, never>;

/** Starts a ring. */
export interface VhostRingStart {
  /** Number of the port. */
  readonly port: number;
  /** Virtqueue number: even = RX (to the guest), odd = TX. */
  readonly ring: number;
  /** Where it is. */
  readonly start: RingStart;
  /** The kick eventfd. It moves to the datapath. -1: the ring is polled. */
  readonly kickFd: number;
  /** The call eventfd. It moves to the datapath. -1: the guest polls. */
  readonly callFd: number;
  /** Whether frames go through it. */
  readonly enabled: boolean;
}
export interface VhostRingStartAnswer {
  /** Where it begins. A split ring begins at the used index in guest memory. */
  readonly base: number;
}

/** Answers only after every worker let go of the ring. */
export interface VhostRingStop {
  /** Number of the port. */
  readonly port: number;
  /** Virtqueue number: even = RX (to the guest), odd = TX. */
  readonly ring: number;
}
export interface VhostRingStopAnswer {
  /** Next available index not taken. */
  readonly base: number;
}

/** Says whether frames go through a ring. */
export interface VhostRingEnable {
  /** Number of the port. */
  readonly port: number;
  /** Virtqueue number: even = RX (to the guest), odd = TX. */
  readonly ring: number;
  /** Whether. */
  readonly enabled: boolean;
}
export type VhostRingEnableAnswer = Record<string, never>;

/** New call descriptor for a running ring. */
export interface VhostRingCall {
  /** Number of the port. */
  readonly port: number;
  /** Virtqueue number: even = RX (to the guest), odd = TX. */
  readonly ring: number;
  /** It moves to the datapath. -1: the guest polls. */
  readonly callFd: number;
}
export type VhostRingCallAnswer = Record<string, never>;

/** New kick descriptor for a running ring. */
export interface VhostRingKick {
  /** Number of the port. */
  readonly port: number;
  /** Virtqueue number: even = RX (to the guest), odd = TX. */
  readonly ring: number;
  /** It moves to the datapath. -1: the ring is polled. */
  readonly kickFd: number;
}
export type VhostRingKickAnswer = Record<string, never>;

/** New addresses for a running ring; its indices stay. */
export interface VhostRingAddresses {
  /** Number of the port. */
  readonly port: number;
  /** Virtqueue number: even = RX (to the guest), odd = TX. */
  readonly ring: number;
  /** Where it is now. */
  readonly start: RingStart;
}
export type VhostRingAddressesAnswer = Record<string, never>;

/** The rings of a port as they are. */
export interface VhostRings {
  /** Number of the port. */
  readonly port: number;
}
export interface VhostRingsAnswer {
  /** All of them. */
  readonly rings: readonly RingState[];
}

/** Sends one frame from a port into its switch (SEND_RARP). */
export interface PortInject {
  /** Number of the port. */
  readonly port: number;
  /** The whole frame, without FCS. */
  readonly frame: Uint8Array;
}
export type PortInjectAnswer = Record<string, never>;

/** A host port begins to send. */
export interface HostStart {
  /** Number of the port. */
  readonly port: number;
  /** What it sends. */
  readonly source: HostSource;
}
export type HostStartAnswer = Record<string, never>;

/** A host port sends no more. */
export interface HostStop {
  /** Number of the port. */
  readonly port: number;
}
export interface HostStopAnswer {
  /** Frames. */
  readonly sent: bigint;
  /** The same. A side of version 1 reads no answer without it. */
  readonly attempts: bigint;
}

/** What a host port saw. */
export interface HostReport {
  /** Number of the port. */
  readonly port: number;
  /** Start again from zero. */
  readonly reset?: boolean;
}
export interface HostReportAnswer {
  /** Frames that it sent. */
  readonly sent: bigint;
  /** What it got. */
  readonly streams: readonly HostSinkReport[];
}

/** Gives a link port its descriptors. They move to the datapath in every case. */
export interface LinkAttach {
  /** Number of the port. */
  readonly port: number;
  /** One for each queue. */
  readonly fds: readonly number[];
  /** Where an unconnected datagram socket sends to, a path. */
  readonly peer?: string;
  /** What stands before each frame. */
  readonly netHeader?: NetHeaderUse;
  /** What the queues of the port have together. */
  readonly sharedFds?: readonly number[];
}
export type LinkAttachAnswer = Record<string, never>;

/** Closes the port's descriptors. Answers after every worker let go of them. */
export interface LinkDetach {
  /** Number of the port. */
  readonly port: number;
}
export type LinkDetachAnswer = Record<string, never>;

/** One-way cache-line ping-pong between two CPUs: are the cores near or far? */
export interface ProbePlacement {
  /** The one. */
  readonly cpuA: number;
  /** The other. */
  readonly cpuB: number;
}
export interface ProbePlacementAnswer {
  /** Nanoseconds. */
  readonly ns: number;
}

/** Forgets the addresses learned on a port, sticky ones too. */
export interface PortForget {
  /** Number of the port. */
  readonly port: number;
}
export interface PortForgetAnswer {
  /** How many. */
  readonly forgotten: number;
}

/** Commands by name: argument and answer. */
export interface Commands {
  'worker.add': [WorkerAdd, WorkerAddAnswer];
  'switch.create': [SwitchCreate, SwitchCreateAnswer];
  'switch.remove': [SwitchRemove, SwitchRemoveAnswer];
  'port.create': [PortCreate, PortCreateAnswer];
  'port.remove': [PortRemove, PortRemoveAnswer];
  'port.set': [PortSet, PortSetAnswer];
  'queue.move': [QueueMove, QueueMoveAnswer];
  'port.macs': [PortMacs, PortMacsAnswer];
  'vhost.memory': [VhostMemory, VhostMemoryAnswer];
  'vhost.features': [VhostFeatures, VhostFeaturesAnswer];
  'vhost.ring.start': [VhostRingStart, VhostRingStartAnswer];
  'vhost.ring.stop': [VhostRingStop, VhostRingStopAnswer];
  'vhost.ring.enable': [VhostRingEnable, VhostRingEnableAnswer];
  'vhost.ring.call': [VhostRingCall, VhostRingCallAnswer];
  'vhost.ring.kick': [VhostRingKick, VhostRingKickAnswer];
  'vhost.ring.addresses': [VhostRingAddresses, VhostRingAddressesAnswer];
  'vhost.rings': [VhostRings, VhostRingsAnswer];
  'port.inject': [PortInject, PortInjectAnswer];
  'host.start': [HostStart, HostStartAnswer];
  'host.stop': [HostStop, HostStopAnswer];
  'host.report': [HostReport, HostReportAnswer];
  'link.attach': [LinkAttach, LinkAttachAnswer];
  'link.detach': [LinkDetach, LinkDetachAnswer];
  'probe.placement': [ProbePlacement, ProbePlacementAnswer];
  'port.forget': [PortForget, PortForgetAnswer];
}
export type CommandName = keyof Commands;

/** A peer broke a rule of a ring, which was stopped. */
export interface RingFaultEvent {
  readonly event: 'ring_fault';
  /** Number of the port. */
  readonly port: number;
  /** Virtqueue number. */
  readonly ring: number;
  /** What was wrong. */
  readonly fault: FaultCode;
}

/** A peer did what closes its device. */
export interface DeviceFaultEvent {
  readonly event: 'device_fault';
  /** Number of the port. */
  readonly port: number;
  /** What was wrong. */
  readonly fault: FaultCode;
}

/** A worker sleeps inside a batch. Port 0, act `nothing`: nobody's. */
export interface WorkerLateEvent {
  readonly event: 'worker_late';
  /** Number of the port. */
  readonly port: number;
  /** Number of the worker. */
  readonly worker: number;
  /** Which queue of the port. */
  readonly queue: number;
  /** What it does for it. */
  readonly act: WorkerAct;
  /** For how long. 0..4294967295 milliseconds. */
  readonly asleepMs: number;
}

/** A descriptor of link.attach is of no more use; `none`: the peer just left. */
export interface LinkDownEvent {
  readonly event: 'link_down';
  /** Number of the port. */
  readonly port: number;
  /** Which queue of the port. */
  readonly queue: number;
  /** What was wrong. */
  readonly fault: FaultCode;
}

/** Kicks came but the available index never left 0: the guest's memory is not the one we mapped. */
export interface MemoryNotSharedEvent {
  readonly event: 'memory_not_shared';
  /** Number of the port. */
  readonly port: number;
  /** Virtqueue number. */
  readonly ring: number;
}

/**
 * An address was seen behind this port and behind another, in turn, `moves` times in `seconds`: a
 * loop, or two hosts with one address. Told once, until `mac_rests`. All all address events
 * together are a few a second, independent of the guests.
 */
export interface MacMovesEvent {
  readonly event: 'mac_moves';
  /** Number of the port. */
  readonly port: number;
  /** Number of the other port. */
  readonly other: number;
  /** The address. */
  readonly mac: string;
  /** Its VLAN; 0: in none. */
  readonly vlan: number;
  /** How often. */
  readonly moves: number;
  /** In what time. 0..4294967295 seconds. */
  readonly seconds: number;
}

/** No address of the port has moved for a while. */
export interface MacRestsEvent {
  readonly event: 'mac_rests';
  /** Number of the port. */
  readonly port: number;
}

/** The address table was full: so many addresses of this port were pushed out since last told. */
export interface MacsEvictedEvent {
  readonly event: 'macs_evicted';
  /** Number of the port. */
  readonly port: number;
  /** How many. */
  readonly evicted: number;
}

/** The first that a datapath in a process of its own says to a new connection. */
export interface ReadyEvent {
  readonly event: 'ready';
  /** Length of the stats page. 0..9007199254740991 bytes. */
  readonly statsBytes: number;
  /** The memory file of the stats page; it cannot shrink. */
  readonly stats: number;
}

/**
 * Frames that the port sent were dropped by port security or storm control. Told of a port once a
 * minute at most.
 */
export interface FramesRefusedEvent {
  readonly event: 'frames_refused';
  /** Number of the port. */
  readonly port: number;
  /** How many since last told; the most there can be. */
  readonly frames: number;
}

/** What the datapath says unasked. */
export type DatapathEvent =
  | RingFaultEvent
  | DeviceFaultEvent
  | WorkerLateEvent
  | LinkDownEvent
  | MemoryNotSharedEvent
  | MacMovesEvent
  | MacRestsEvent
  | MacsEvictedEvent
  | ReadyEvent
  | FramesRefusedEvent;
