/** What peers do wrong: a table of the boundary, with what closes and what an operator can do. */

import type { Enumeration } from './fields.ts';
import { largestFrameBytes } from './limits.ts';

/** How far a fault reaches: the smallest thing that is closed. */
export type FaultLevel = 'queue' | 'device' | 'connection';

/** What a driver must do before a ring that broke a rule runs again, by any driver. */
const resetDevice =
  'reset the device in its guest (unbind and bind its virtio driver), or reboot the guest';
const restartFrontEnd =
  'restart the front-end (QEMU, or what stands in its place); if it comes again, report it to ' +
  'whoever makes it';
const sameFormat = 'both ends must speak the format of "-netdev stream": a length, then the frame';
const shareAll = 'give every memory backend of the guest share=on';

/**
 * What a peer did wrong, by name. `closes` is the smallest thing that can go. `remedy`: what ends
 * it, where an operator can; it is shown with the text.
 */
export const faults = {
  none: { closes: 'queue', text: 'no fault' },
  ring_size_invalid: {
    closes: 'queue',
    text: 'the ring size is zero, above 32768, or (split ring) not a power of two',
    remedy: resetDevice,
  },
  ring_base_invalid: {
    closes: 'queue',
    text: 'the base of a packed ring is outside the ring',
    remedy: resetDevice,
  },
  used_index_invalid: {
    closes: 'queue',
    text: 'the used index in guest memory does not belong to the available index there',
    remedy: resetDevice,
  },
  packed_position_lost: {
    closes: 'queue',
    text: 'a packed ring was in use before, and is not where the front-end says',
    remedy: `${resetDevice}; packed=off rings survive a restart of this process`,
  },
  ring_address_unmapped: {
    closes: 'queue',
    text: 'a ring is outside the shared guest memory',
    remedy: shareAll,
  },
  ring_address_misaligned: {
    closes: 'queue',
    text: 'a ring address is not aligned as virtio requires',
    remedy: resetDevice,
  },
  ring_memory_not_writable: {
    closes: 'queue',
    text: 'part of a ring that we write to is in read-only memory',
    remedy: resetDevice,
  },
  avail_index_jumped: {
    closes: 'queue',
    text: 'the available index moved by more than the ring size, or backwards',
    remedy: resetDevice,
  },
  index_outside_table: {
    closes: 'queue',
    text: 'a descriptor index is outside its table',
    remedy: resetDevice,
  },
  chain_loops: {
    closes: 'queue',
    text: 'a descriptor chain is longer than its table, so it loops',
    remedy: resetDevice,
  },
  chain_too_long: {
    closes: 'queue',
    text: 'a descriptor chain is too long: more than 1024 to send or 64 to receive',
    remedy: resetDevice,
  },
  writable_in_send_chain: {
    closes: 'queue',
    text: 'a send chain contains a buffer that the device may write',
    remedy: resetDevice,
  },
  readable_in_receive_chain: {
    closes: 'queue',
    text: 'a receive chain contains a buffer that the device may not write',
    remedy: resetDevice,
  },
  address_outside_memory: {
    closes: 'queue',
    text: 'a buffer is outside the shared guest memory',
    remedy: `${shareAll}; if it has, ${resetDevice}`,
  },
  memory_not_writable: {
    closes: 'queue',
    text: 'a receive buffer is in read-only memory',
    remedy: resetDevice,
  },
  indirect_not_negotiated: {
    closes: 'queue',
    text: 'an indirect table was used without its feature bit',
    remedy: resetDevice,
  },
  indirect_nested: {
    closes: 'queue',
    text: 'an indirect table contains an indirect table',
    remedy: resetDevice,
  },
  indirect_size_invalid: {
    closes: 'queue',
    text: 'an indirect table is empty, not a multiple of 16 bytes, or longer than the ring',
    remedy: resetDevice,
  },
  indirect_with_next: {
    closes: 'queue',
    text: 'a descriptor is both indirect and chained',
    remedy: resetDevice,
  },
  header_incomplete: {
    closes: 'queue',
    text: 'a chain is shorter than the virtio-net header',
    remedy: resetDevice,
  },
  buffer_too_small: {
    closes: 'queue',
    text: 'a receive chain is too small for the virtio-net header',
    remedy: resetDevice,
  },
  memory_truncated: {
    closes: 'device',
    text: 'the file behind the guest memory was truncated after it was mapped',
    remedy: 'restart the guest, and do not shorten its memory file',
  },
  notification_blocked: {
    closes: 'device',
    text: 'one of our threads waited on a full call descriptor that was made blocking again',
    remedy: restartFrontEnd,
  },
  worker_stalled: {
    closes: 'device',
    text: 'a worker was stuck for seconds, in the middle of a batch, on something of this device',
    remedy: restartFrontEnd,
  },
  stream_length_zero: {
    closes: 'connection',
    text: 'the stream announces a frame of 0 bytes',
    remedy: sameFormat,
  },
  stream_length_excessive: {
    closes: 'connection',
    text: `the stream announces a frame longer than ${largestFrameBytes} bytes`,
    remedy: sameFormat,
  },
  stream_truncated: {
    closes: 'connection',
    text: 'the stream ended in the middle of a frame',
    remedy: sameFormat,
  },
  interface_gone: {
    closes: 'device',
    text: 'the interface was deleted',
    remedy: 'make the interface again, and the port will use it',
  },
} as const satisfies Record<string, { closes: FaultLevel; text: string; remedy?: string }>;
export type FaultCode = keyof typeof faults;

export const faultCode: Enumeration = {
  name: 'Fault',
  typeScript: 'FaultCode',
  text: 'What a peer did wrong.',
  names: Object.keys(faults),
};
