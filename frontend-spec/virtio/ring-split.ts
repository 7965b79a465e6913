/** The split virtqueue: virtio 1.2, section 2.7 "Split Virtqueues". All fields little-endian. */

import { type ConstantTable, frozen, type StructTable } from '../table.ts';

export const splitDesc = frozen({
  cpp: 'SplitDesc',
  bytes: 16,
  spec: 'virtio 1.2, 2.7.5 "The Virtqueue Descriptor Table"',
  text: 'One buffer, or one link of a chain of buffers. The driver writes, the device reads.',
  fields: [
    ['addr', 'u64', 0, 'guest-physical address'],
    ['len', 'u32', 8, 'bytes'],
    ['flags', 'u16', 12, 'desc_f_*'],
    ['next', 'u16', 14, 'table index; meaningful only with desc_f_next'],
  ],
  kernel: { struct: 'vring_desc' },
} as const satisfies StructTable);

export const splitAvail = frozen({
  cpp: 'SplitAvail',
  bytes: 4,
  spec: 'virtio 1.2, 2.7.6 "The Virtqueue Available Ring"',
  text: 'Head of the available ring; u16 ring[size] and u16 used_event follow. The driver writes.',
  fields: [
    ['flags', 'u16', 0, 'avail_f_*'],
    ['idx', 'u16', 2, 'where the driver puts the next entry, modulo 65536'],
  ],
  kernel: { struct: 'vring_avail' },
} as const satisfies StructTable);

export const splitUsedElem = frozen({
  cpp: 'SplitUsedElem',
  bytes: 8,
  spec: 'virtio 1.2, 2.7.8 "The Virtqueue Used Ring"',
  text: 'A chain that the device has finished with. The device writes.',
  fields: [
    ['id', 'u32', 0, 'table index of the head of the chain'],
    ['len', 'u32', 4, 'bytes the device wrote into the chain'],
  ],
  kernel: { struct: 'vring_used_elem' },
} as const satisfies StructTable);

export const splitUsed = frozen({
  cpp: 'SplitUsed',
  bytes: 4,
  spec: 'virtio 1.2, 2.7.8 "The Virtqueue Used Ring"',
  text: 'Head of the used ring; SplitUsedElem ring[size] and u16 avail_event follow. We write.',
  fields: [
    ['flags', 'u16', 0, 'used_f_*'],
    ['idx', 'u16', 2, 'where the device puts the next entry, modulo 65536'],
  ],
  kernel: { struct: 'vring_used' },
} as const satisfies StructTable);

export const descFlags = frozen({
  type: 'uint16_t',
  spec: 'virtio 1.2, 2.7.5 and 2.8.1',
  text: 'Flags of a descriptor, split and packed alike.',
  hex: true,
  rows: {
    VIRTQ_DESC_F_NEXT: {
      cpp: 'desc_f_next',
      value: 1,
      text: 'the chain goes on',
      kernel: 'VRING_DESC_F_NEXT',
    },
    VIRTQ_DESC_F_WRITE: {
      cpp: 'desc_f_write',
      value: 2,
      text: 'for the device to write; otherwise to read',
      kernel: 'VRING_DESC_F_WRITE',
    },
    VIRTQ_DESC_F_INDIRECT: {
      cpp: 'desc_f_indirect',
      value: 4,
      text: 'the buffer holds a table of descriptors',
      kernel: 'VRING_DESC_F_INDIRECT',
    },
  },
} as const satisfies ConstantTable);

export const splitNotifyFlags = frozen({
  type: 'uint16_t',
  spec: 'virtio 1.2, 2.7.7 and 2.7.10 "Available Buffer Notification Suppression"',
  text: 'Hints of one side that it polls. Without VIRTIO_F_EVENT_IDX only.',
  hex: true,
  rows: {
    VIRTQ_AVAIL_F_NO_INTERRUPT: {
      cpp: 'avail_f_no_interrupt',
      value: 1,
      text: 'the driver asks for no calls',
      kernel: 'VRING_AVAIL_F_NO_INTERRUPT',
    },
    VIRTQ_USED_F_NO_NOTIFY: {
      cpp: 'used_f_no_notify',
      value: 1,
      text: 'the device asks for no kicks',
      kernel: 'VRING_USED_F_NO_NOTIFY',
    },
  },
} as const satisfies ConstantTable);

export const splitLimits = frozen({
  type: 'size_t',
  spec: 'virtio 1.2, 2.7 "Split Virtqueues"',
  text: 'Alignments of the three parts in bytes, and the largest Queue Size.',
  rows: {
    VIRTQ_DESC_ALIGN: {
      cpp: 'split_desc_align',
      value: 16,
      text: 'descriptor table',
      kernel: 'VRING_DESC_ALIGN_SIZE',
    },
    VIRTQ_AVAIL_ALIGN: {
      cpp: 'split_avail_align',
      value: 2,
      text: 'available ring',
      kernel: 'VRING_AVAIL_ALIGN_SIZE',
    },
    VIRTQ_USED_ALIGN: {
      cpp: 'split_used_align',
      value: 4,
      text: 'used ring',
      kernel: 'VRING_USED_ALIGN_SIZE',
    },
    QUEUE_SIZE_MAX: { cpp: 'ring_size_max', value: 32768, text: 'split: and a power of two' },
  },
} as const satisfies ConstantTable);
