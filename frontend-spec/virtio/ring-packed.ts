/** The packed virtqueue: virtio 1.2, section 2.8 "Packed Virtqueues". All fields little-endian. */

import { type ConstantTable, frozen, type StructTable } from '../table.ts';

export const packedDesc = frozen({
  cpp: 'PackedDesc',
  bytes: 16,
  spec: 'virtio 1.2, 2.8.13 "The Virtqueue Descriptor Format" (pvirtq_desc)',
  text: 'One buffer. Both sides write: the driver makes it available, the device marks it used.',
  fields: [
    ['addr', 'u64', 0, 'guest-physical address'],
    ['len', 'u32', 8, 'bytes; in a used descriptor the bytes written'],
    ['id', 'u16', 12, 'buffer id, in the last descriptor of a chain'],
    ['flags', 'u16', 14, 'desc_f_* and packed_desc_f_*'],
  ],
  kernel: { struct: 'vring_packed_desc' },
} as const satisfies StructTable);

export const packedEvent = frozen({
  cpp: 'PackedEvent',
  bytes: 4,
  spec: 'virtio 1.2, 2.8.14 "Event Suppression Structure Format" (pvirtq_event_suppress)',
  text: 'When one side wants to hear from the other. One for each direction.',
  fields: [
    ['off_wrap', 'u16', 0, 'descriptor index, and the wrap counter in packed_event_wrap_bit'],
    ['flags', 'u16', 2, 'packed_event_flag_*'],
  ],
  kernel: { struct: 'vring_packed_desc_event' },
} as const satisfies StructTable);

export const packedDescBits = frozen({
  type: 'unsigned',
  spec: 'virtio 1.2, 2.8.1 "Driver and Device Ring Wrap Counters"',
  text: 'Bit numbers in flags and off_wrap.',
  rows: {
    VIRTQ_DESC_F_AVAIL_BIT: {
      cpp: 'packed_desc_avail_bit',
      value: 7,
      text: "made available: equals the driver's wrap counter",
      kernel: 'VRING_PACKED_DESC_F_AVAIL',
    },
    VIRTQ_DESC_F_USED_BIT: {
      cpp: 'packed_desc_used_bit',
      value: 15,
      text: "used: equals the device's wrap counter",
      kernel: 'VRING_PACKED_DESC_F_USED',
    },
    RING_EVENT_WRAP_BIT: {
      cpp: 'packed_event_wrap_bit',
      value: 15,
      text: 'wrap counter in off_wrap, and in a vring base',
      kernel: 'VRING_PACKED_EVENT_F_WRAP_CTR',
    },
  },
} as const satisfies ConstantTable);

export const packedDescFlags = frozen({
  type: 'uint16_t',
  spec: 'virtio 1.2, 2.8.1 "Driver and Device Ring Wrap Counters"',
  text: 'Flags of a packed descriptor.',
  hex: true,
  rows: {
    VIRTQ_DESC_F_AVAIL: { cpp: 'packed_desc_f_avail', value: 0x80, text: 'made available' },
    VIRTQ_DESC_F_USED: { cpp: 'packed_desc_f_used', value: 0x8000, text: 'used' },
  },
} as const satisfies ConstantTable);

export const packedEventFlags = frozen({
  type: 'uint16_t',
  spec: 'virtio 1.2, 2.8.14 "Event Suppression Structure Format"',
  text: 'What a side asks for.',
  hex: true,
  rows: {
    RING_EVENT_FLAGS_ENABLE: {
      cpp: 'packed_event_flag_enable',
      value: 0,
      text: 'notify always',
      kernel: 'VRING_PACKED_EVENT_FLAG_ENABLE',
    },
    RING_EVENT_FLAGS_DISABLE: {
      cpp: 'packed_event_flag_disable',
      value: 1,
      text: 'notify never',
      kernel: 'VRING_PACKED_EVENT_FLAG_DISABLE',
    },
    RING_EVENT_FLAGS_DESC: {
      cpp: 'packed_event_flag_desc',
      value: 2,
      text: 'notify when off_wrap is reached; VIRTIO_F_EVENT_IDX only',
      kernel: 'VRING_PACKED_EVENT_FLAG_DESC',
    },
  },
} as const satisfies ConstantTable);

export const packedLimits = frozen({
  type: 'size_t',
  spec: 'virtio 1.2, 2.8.10.1 "Structure Size and Alignment"',
  text: 'Alignments of the three parts in bytes.',
  rows: {
    DESC_RING_ALIGN: { cpp: 'packed_desc_align', value: 16, text: 'descriptor ring' },
    EVENT_ALIGN: { cpp: 'packed_event_align', value: 4, text: 'each event suppression structure' },
  },
} as const satisfies ConstantTable);
