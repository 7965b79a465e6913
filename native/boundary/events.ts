/** What the datapath says unasked: a table of the boundary. */

import { faultCode } from './faults.ts';
import { type Fields, fd, field, mac, oneOf, u32, u53 } from './fields.ts';
import { workerAct } from './kinds.ts';

export interface EventRow {
  /** Never given to another event. */
  readonly number: number;
  readonly text: string;
  readonly fields: Fields;
}

const port = field(1, u32(), 'Number of the port.');
const fault = field(3, oneOf(faultCode), 'What was wrong.');

export const events = {
  ring_fault: {
    number: 1,
    text: 'A peer broke a rule of a ring, which was stopped.',
    fields: { port, ring: field(2, u32(), 'Virtqueue number.'), fault },
  },
  device_fault: {
    number: 2,
    text: 'A peer did what closes its device.',
    fields: { port, fault },
  },
  worker_late: {
    number: 3,
    text: "A worker sleeps inside a batch. Port 0, act `nothing`: nobody's.",
    fields: {
      port,
      worker: field(2, u32(), 'Number of the worker.'),
      queue: field(3, u32(), 'Which queue of the port.'),
      act: field(4, oneOf(workerAct), 'What it does for it.'),
      asleepMs: field(5, u32({ unit: 'milliseconds' }), 'For how long.'),
    },
  },
  link_down: {
    number: 4,
    text: 'A descriptor of link.attach is of no more use; `none`: the peer just left.',
    fields: { port, queue: field(2, u32(), 'Which queue of the port.'), fault },
  },
  memory_not_shared: {
    number: 5,
    text:
      "Kicks came but the available index never left 0: the guest's memory is not the one we " +
      'mapped.',
    fields: { port, ring: field(2, u32(), 'Virtqueue number.') },
  },
  mac_moves: {
    number: 6,
    text:
      'An address was seen behind this port and behind another, in turn, `moves` times in ' +
      '`seconds`: a loop, or two hosts with one address. Told once, until `mac_rests`. All ' +
      'all address events together are a few a second, independent of the guests.',
    fields: {
      port,
      other: field(2, u32(), 'Number of the other port.'),
      mac: field(3, mac, 'The address.'),
      vlan: field(4, u32(), 'Its VLAN; 0: in none.'),
      moves: field(5, u32(), 'How often.'),
      seconds: field(6, u32({ unit: 'seconds' }), 'In what time.'),
    },
  },
  mac_rests: {
    number: 7,
    text: 'No address of the port has moved for a while.',
    fields: { port },
  },
  macs_evicted: {
    number: 8,
    text:
      'The address table was full: so many addresses of this port were pushed out since last ' +
      'told.',
    fields: { port, evicted: field(2, u32(), 'How many.') },
  },
  ready: {
    number: 9,
    text: 'The first that a datapath in a process of its own says to a new connection.',
    fields: {
      statsBytes: field(1, u53({ unit: 'bytes' }), 'Length of the stats page.'),
      stats: field(2, fd, 'The memory file of the stats page; it cannot shrink.'),
    },
  },
  frames_refused: {
    number: 10,
    text:
      'Frames that the port sent were dropped by port security or storm control. Told of a port ' +
      'once a minute at most.',
    fields: { port, frames: field(2, u32(), 'How many since last told; the most there can be.') },
  },
} as const satisfies Readonly<Record<string, EventRow>>;
