/** Commands of the datapath, their arguments and answers: a table of the boundary. */

import { faultCode } from './faults.ts';
import {
  all,
  boolean,
  bytes,
  type Fields,
  fd,
  field,
  list,
  mac,
  oneOf,
  optional,
  partial,
  real,
  type Struct,
  text,
  u8,
  u16,
  u32,
  u53,
  u64,
} from './fields.ts';
import { netHeaderUse, portKind } from './kinds.ts';
import { largestFrameBytes } from './limits.ts';
import { portSettings } from './settings.ts';

export interface CommandRow {
  /** Never given to another command. */
  readonly number: number;
  readonly text: string;
  readonly argument: Fields;
  readonly answer: Fields;
}

const port = field(1, u32(), 'Number of the port.');
/** Queue pairs of a port. */
export const queuePairs = u8({ min: 1, max: 16, unit: 'queue pairs' });
const ring = field(2, u32(), 'Virtqueue number: even = RX (to the guest), odd = TX.');
const cpu = u32({ max: 1023 });
/** Time after which a silent address is forgotten. */
export const ageingSeconds = u32({ min: 1, max: 1_000_000, unit: 'seconds' });
/** Addresses that the table of a switch can hold. */
export const macTableSize = u32({ min: 64, max: 1 << 20, unit: 'addresses' });

const memoryRegion: Struct = {
  name: 'MemoryRegion',
  text: 'One memory region as the front-end described it. Addresses are 64-bit: bigint.',
  fields: {
    guestAddr: field(1, u64(), 'Guest-physical.'),
    userAddr: field(2, u64(), "The front-end's."),
    sizeBytes: field(3, u64(), 'Of the region.'),
    offsetBytes: field(4, u64(), 'Where it begins in the file.'),
    fd: field(5, fd, 'The file. It moves to the datapath, also when the command fails.'),
  },
};

const ringStart: Struct = {
  name: 'RingStart',
  text: "What starts one ring. Addresses are the front-end's user addresses, as in SET_VRING_ADDR.",
  fields: {
    size: field(1, u16(), 'Slots.'),
    base: field(
      2,
      u16(),
      'Position of the next chain to take. Split: an index that counts on. Packed: the index in ' +
        'the ring, and the wrap counter in bit 15.',
    ),
    resumed: field(
      3,
      boolean,
      "A ring of ours stopped there: nobody else's word, so a packed ring is not asked for proof.",
    ),
    descAddr: field(4, u64(), 'Of the descriptors.'),
    availAddr: field(5, u64(), "Packed: of the driver's event suppression structure."),
    usedAddr: field(6, u64(), "Packed: of the device's."),
  },
};

const ringState: Struct = {
  name: 'RingState',
  text: 'One ring as it is.',
  fields: {
    ring: field(1, u32(), 'Virtqueue number.'),
    running: field(2, boolean, 'It was started.'),
    enabled: field(3, boolean, 'As the front-end said last.'),
    size: field(4, u16(), 'Slots.'),
    availIndex: field(5, u16(), 'Position of the next chain to take.'),
    usedIndex: field(6, u16(), 'Position of the next chain to hand back.'),
    fault: field(7, oneOf(faultCode), 'Why it was stopped.'),
  },
};

const hostSource: Struct = {
  name: 'HostSource',
  text: 'A stream of probe frames that a host port sends. See native/src/net/probe.hpp.',
  fields: {
    stream: field(1, u32(), 'Number of the stream.'),
    frameBytes: field(2, u32({ min: 60, max: 9014, unit: 'bytes' }), 'Whole Ethernet frame.'),
    ratePps: field(3, u32(), 'Frames per second; 0 = as fast as they are taken.'),
    count: field(4, u64(), 'Frames to send; 0n = until stopped.'),
    destination: field(5, mac, 'Twelve hexadecimal digits with colons.'),
    source: field(6, mac, 'Of one station.'),
  },
};

const latency: Struct = {
  name: 'HostLatency',
  text: 'One-way delay in nanoseconds, from log-linear buckets.',
  fields: {
    p50: field(1, u53(), 'Half of the frames took no longer.'),
    p99: field(2, u53(), '99 %.'),
    p999: field(3, u53(), '99.9 %.'),
  },
};

const hostSinkReport: Struct = {
  name: 'HostSinkReport',
  text: "What a host port's sink saw of one stream. It copied every frame and checked it.",
  fields: {
    stream: field(1, u32(), 'Number of the stream.'),
    frames: field(2, u64(), 'Good probes.'),
    bytes: field(3, u64(), 'Of whole frames.'),
    firstSequence: field(4, u64(), 'The first number seen.'),
    nextSequence: field(5, u64(), 'One more than the highest seen.'),
    gaps: field(6, u64(), 'Numbers that were skipped, less those that came late.'),
    reordered: field(7, u64(), 'Came after a higher number (or twice).'),
    corrupt: field(8, u64(), 'Others.'),
    latencyNs: field(9, all(latency), 'Where the sender shares our clock.'),
  },
};

/**
 * `Datapath.command(name, argument)` resolves with the answer once every worker that matters has
 * passed a batch boundary, or rejects with a DatapathError whose `nativeCode` is a FaultCode or one
 * of `commandErrors`.
 */
export const commands = {
  'worker.add': {
    number: 1,
    text: 'Starts a worker.',
    argument: { cpu: optional(1, cpu, 'The CPU that it is bound to.') },
    answer: {
      worker: field(1, u32(), 'Its number.'),
      tid: field(2, u32(), 'The number that the system has for its thread.'),
    },
  },
  'switch.create': {
    number: 2,
    text: 'Makes a switch without ports.',
    argument: {
      name: field(1, text(255), 'Its name.'),
      ageingSeconds: field(
        2,
        ageingSeconds,
        'An address that was silent for so long is forgotten.',
        300,
      ),
      macTableSize: field(3, macTableSize, 'Addresses that it can hold.', 8192),
    },
    answer: { switch: field(1, u32(), 'Its number.') },
  },
  'switch.remove': {
    number: 3,
    text: 'Removes a switch that has no port.',
    argument: { switch: field(1, u32(), 'Its number.') },
    answer: {},
  },
  'port.create': {
    number: 4,
    text: 'Makes a port on a switch.',
    argument: {
      switch: field(1, u32(), 'Number of the switch.'),
      name: field(2, text(255), 'Its name, which no other port of the switch has.'),
      kind: field(3, oneOf(portKind), 'What is at its other end.'),
      queues: field(4, queuePairs, 'Queue pairs.'),
      workers: field(
        5,
        list(u32(), 16, 1),
        'Worker of queue pair i is workers[i % workers.length].',
      ),
      settings: optional(6, partial(portSettings), 'Those that are not as by default.'),
    },
    answer: {
      port: field(1, u32(), 'Its number.'),
      slot: field(2, u32(), 'Its place on the switch.'),
      statsBlock: field(
        3,
        u32(),
        'First block in the stats page; one block for each worker follows from there.',
      ),
    },
  },
  'port.remove': {
    number: 5,
    text: 'Removes a port.',
    argument: { port },
    answer: {},
  },
  'port.set': {
    number: 6,
    text: 'Changes settings of a port.',
    argument: {
      port,
      settings: field(2, partial(portSettings), 'Those that change.'),
    },
    answer: {},
  },
  'queue.move': {
    number: 7,
    text:
      'Another worker owns the queue pair from here on; answers when it does. No frame is lost ' +
      'by it and none overtakes another.',
    argument: {
      port,
      pair: field(2, u32(), 'Number of the queue pair.'),
      worker: field(3, u32(), 'Number of the worker.'),
    },
    answer: {},
  },
  'port.macs': {
    number: 8,
    text: 'The addresses learned on a port.',
    argument: { port },
    answer: { macs: field(1, list(mac, 1 << 17), 'All of them.') },
  },
  'vhost.memory': {
    number: 9,
    text:
      'Replaces all regions. Rings that run are re-resolved in the new map without losing a ' +
      'frame.',
    argument: {
      port,
      regions: field(2, list(all(memoryRegion), 512), 'The whole memory.'),
    },
    answer: {},
  },
  'vhost.features': {
    number: 10,
    text: 'Feature bits the driver acknowledged. Only while no ring runs.',
    argument: { port, features: field(2, u64(), 'Virtio feature bits.') },
    answer: {},
  },
  'vhost.ring.start': {
    number: 11,
    text: 'Starts a ring.',
    argument: {
      port,
      ring,
      start: field(3, all(ringStart), 'Where it is.'),
      kickFd: field(4, fd, 'The kick eventfd. It moves to the datapath. -1: the ring is polled.'),
      callFd: field(5, fd, 'The call eventfd. It moves to the datapath. -1: the guest polls.'),
      enabled: field(6, boolean, 'Whether frames go through it.'),
    },
    answer: {
      base: field(
        1,
        u16(),
        'Where it begins. A split ring begins at the used index in guest memory.',
      ),
    },
  },
  'vhost.ring.stop': {
    number: 12,
    text: 'Answers only after every worker let go of the ring.',
    argument: { port, ring },
    answer: { base: field(1, u16(), 'Next available index not taken.') },
  },
  'vhost.ring.enable': {
    number: 13,
    text: 'Says whether frames go through a ring.',
    argument: { port, ring, enabled: field(3, boolean, 'Whether.') },
    answer: {},
  },
  'vhost.ring.call': {
    number: 14,
    text: 'New call descriptor for a running ring.',
    argument: {
      port,
      ring,
      callFd: field(3, fd, 'It moves to the datapath. -1: the guest polls.'),
    },
    answer: {},
  },
  'vhost.ring.kick': {
    number: 15,
    text: 'New kick descriptor for a running ring.',
    argument: {
      port,
      ring,
      kickFd: field(3, fd, 'It moves to the datapath. -1: the ring is polled.'),
    },
    answer: {},
  },
  'vhost.ring.addresses': {
    number: 16,
    text: 'New addresses for a running ring; its indices stay.',
    argument: { port, ring, start: field(3, all(ringStart), 'Where it is now.') },
    answer: {},
  },
  'vhost.rings': {
    number: 17,
    text: 'The rings of a port as they are.',
    argument: { port },
    answer: { rings: field(1, list(all(ringState), 64), 'All of them.') },
  },
  'port.inject': {
    number: 18,
    text: 'Sends one frame from a port into its switch (SEND_RARP).',
    argument: {
      port,
      frame: field(2, bytes(14, largestFrameBytes), 'The whole frame, without FCS.'),
    },
    answer: {},
  },
  'host.start': {
    number: 19,
    text: 'A host port begins to send.',
    argument: { port, source: field(2, all(hostSource), 'What it sends.') },
    answer: {},
  },
  'host.stop': {
    number: 20,
    text: 'A host port sends no more.',
    argument: { port },
    answer: {
      sent: field(1, u64(), 'Frames.'),
      attempts: field(2, u64(), 'The same. A side of version 1 reads no answer without it.'),
    },
  },
  'host.report': {
    number: 21,
    text: 'What a host port saw.',
    argument: { port, reset: field(2, boolean, 'Start again from zero.', false) },
    answer: {
      sent: field(1, u64(), 'Frames that it sent.'),
      streams: field(2, list(all(hostSinkReport), 512), 'What it got.'),
    },
  },
  'link.attach': {
    number: 22,
    text: 'Gives a link port its descriptors. They move to the datapath in every case.',
    argument: {
      port,
      fds: field(2, list(fd, 16), 'One for each queue.'),
      peer: field(3, text(107), 'Where an unconnected datagram socket sends to, a path.', ''),
      netHeader: field(4, oneOf(netHeaderUse), 'What stands before each frame.', 'none'),
      sharedFds: field(5, list(fd, 16), 'What the queues of the port have together.', []),
    },
    answer: {},
  },
  'link.detach': {
    number: 23,
    text: "Closes the port's descriptors. Answers after every worker let go of them.",
    argument: { port },
    answer: {},
  },
  'probe.placement': {
    number: 24,
    text: 'One-way cache-line ping-pong between two CPUs: are the cores near or far?',
    argument: {
      cpuA: field(1, cpu, 'The one.'),
      cpuB: field(2, cpu, 'The other.'),
    },
    answer: { ns: field(1, real, 'Nanoseconds.') },
  },
  'port.forget': {
    number: 25,
    text: 'Forgets the addresses learned on a port, sticky ones too.',
    argument: { port },
    answer: { forgotten: field(1, u32(), 'How many.') },
  },
} as const satisfies Readonly<Record<string, CommandRow>>;

export const commandNames = Object.keys(commands) as readonly (keyof typeof commands)[];
