/**
 * What follows the header of a message: vhost-user, "Message Specification": Header, Payload.
 * Fields are in the byte order of the machine, which on every machine Valenic runs on is
 * little-endian.
 */

import { type ConstantTable, type FieldType, frozen, type KernelStruct } from '../table.ts';

/** One field of a payload: its name, its type, its offset in bytes. */
export type PayloadField = readonly [name: string, type: FieldType, offset: number];

/** What comes after the fixed part. */
export type PayloadTail =
  /** As many rows of another payload as the field `count` says, at most `max`. */
  | { readonly kind: 'rows'; readonly of: string; readonly count: string; readonly max: number }
  /** As many bytes as the field `count` says, at most `max`. */
  | { readonly kind: 'bytes'; readonly count: string; readonly max: number };

/** One payload. */
export interface PayloadTable {
  /** The name of the C++ type, where there is a structure. */
  readonly cpp?: string;
  /** Bytes of the fixed part. */
  readonly bytes: number;
  readonly fields: readonly PayloadField[];
  readonly tail?: PayloadTail;
  readonly spec: string;
  readonly kernel?: KernelStruct;
}

const region = [
  ['guestAddress', 'u64'],
  ['size', 'u64'],
  ['userAddress', 'u64'],
  ['mmapOffset', 'u64'],
] as const;

export const payloads = frozen({
  none: { bytes: 0, fields: [], spec: 'Payload' },
  u64: { bytes: 8, fields: [['value', 'u64', 0]], spec: 'A single 64-bit integer' },
  vringState: {
    cpp: 'VringState',
    bytes: 8,
    fields: [
      ['index', 'u32', 0],
      ['num', 'u32', 4],
    ],
    spec: 'A vring state description',
    kernel: { struct: 'vhost_vring_state' },
  },
  vringAddr: {
    cpp: 'VringAddr',
    bytes: 40,
    fields: [
      ['index', 'u32', 0],
      ['flags', 'u32', 4],
      ['descriptor', 'u64', 8],
      ['used', 'u64', 16],
      ['available', 'u64', 24],
      ['log', 'u64', 32],
    ],
    spec: 'A vring address description',
    kernel: {
      struct: 'vhost_vring_addr',
      rename: {
        descriptor: 'desc_user_addr',
        used: 'used_user_addr',
        available: 'avail_user_addr',
        log: 'log_guest_addr',
      },
    },
  },
  memoryRegion: {
    cpp: 'MemoryRegionRow',
    bytes: 32,
    fields: region.map(([name, type], row) => [name, type, row * 8] as const),
    spec: 'Memory region description',
    kernel: {
      struct: 'vhost_memory_region',
      rename: {
        guestAddress: 'guest_phys_addr',
        size: 'memory_size',
        userAddress: 'userspace_addr',
        mmapOffset: 'flags_padding',
      },
    },
  },
  memoryTable: {
    cpp: 'MemoryTable',
    bytes: 8,
    fields: [
      ['numRegions', 'u32', 0],
      ['padding', 'u32', 4],
    ],
    tail: { kind: 'rows', of: 'memoryRegion', count: 'numRegions', max: 8 },
    spec: 'Multiple memory regions description',
    kernel: { struct: 'vhost_memory', rename: { numRegions: 'nregions' } },
  },
  singleMemoryRegion: {
    cpp: 'SingleMemoryRegion',
    bytes: 40,
    fields: [
      ['padding', 'u64', 0] as const,
      ...region.map(([name, type], row) => [name, type, 8 + row * 8] as const),
    ],
    spec: 'Single memory region description',
  },
  log: {
    cpp: 'Log',
    bytes: 16,
    fields: [
      ['logSize', 'u64', 0],
      ['logOffset', 'u64', 8],
    ],
    spec: 'Log description',
  },
  /** Six bytes of padding at the end, as the kernel's structure has them. */
  iotlb: {
    cpp: 'Iotlb',
    bytes: 32,
    fields: [
      ['iova', 'u64', 0],
      ['size', 'u64', 8],
      ['userAddress', 'u64', 16],
      ['permissions', 'u8', 24],
      ['type', 'u8', 25],
      ['padding', 'u8[6]', 26],
    ],
    spec: 'An IOTLB message',
    kernel: {
      struct: 'vhost_iotlb_msg',
      rename: { userAddress: 'uaddr', permissions: 'perm', padding: null },
    },
  },
  config: {
    cpp: 'ConfigSpace',
    bytes: 12,
    fields: [
      ['offset', 'u32', 0],
      ['size', 'u32', 4],
      ['flags', 'u32', 8],
    ],
    tail: { kind: 'bytes', count: 'size', max: 256 },
    spec: 'Virtio device config space',
  },
  vringArea: {
    cpp: 'VringArea',
    bytes: 24,
    fields: [
      ['indexAndFlags', 'u64', 0],
      ['size', 'u64', 8],
      ['offset', 'u64', 16],
    ],
    spec: 'Vring area description',
  },
  /** The specification names 20 bytes; QEMU sends its structure, which the compiler fills to 24. */
  inflight: {
    cpp: 'Inflight',
    bytes: 24,
    fields: [
      ['mmapSize', 'u64', 0],
      ['mmapOffset', 'u64', 8],
      ['numQueues', 'u16', 16],
      ['queueSize', 'u16', 18],
      ['padding', 'u8[4]', 20],
    ],
    spec: 'Inflight description',
  },
  sharedObject: {
    cpp: 'SharedObject',
    bytes: 16,
    fields: [['uuid', 'u8[16]', 0]],
    spec: 'VhostUserShared',
  },
  deviceState: {
    cpp: 'DeviceState',
    bytes: 8,
    fields: [
      ['direction', 'u32', 0],
      ['phase', 'u32', 4],
    ],
    spec: 'Device state transfer parameters',
  },
  mmapRequest: {
    cpp: 'MmapRequest',
    bytes: 40,
    fields: [
      ['shmid', 'u8', 0],
      ['padding', 'u8[7]', 1],
      ['fdOffset', 'u64', 8],
      ['shmOffset', 'u64', 16],
      ['len', 'u64', 24],
      ['flags', 'u64', 32],
    ],
    spec: 'MMAP request',
  },
  shmemConfig: {
    cpp: 'ShmemConfig',
    bytes: 2056,
    fields: [
      ['numRegions', 'u32', 0],
      ['padding', 'u32', 4],
      ['sizes', 'u64[256]', 8],
    ],
    spec: 'VIRTIO Shared Memory Region configuration',
  },
  /** Of crypto devices: not laid out here, since no network device has it. */
  crypto: { bytes: 0, fields: [], spec: 'VHOST_USER_CREATE_CRYPTO_SESSION' },
} as const satisfies Record<string, PayloadTable>);
export type PayloadName = keyof typeof payloads;

/** The header of every message. */
export const messageHeader = frozen({
  cpp: 'VhostUserHeader',
  bytes: 12,
  fields: [
    ['request', 'u32', 0],
    ['flags', 'u32', 4],
    ['size', 'u32', 8],
  ],
  spec: 'Header',
} as const satisfies PayloadTable);

export const headerFlags = frozen({
  type: 'uint32_t',
  spec: 'vhost-user, "Header"',
  text: 'VhostUserHeader.flags.',
  hex: true,
  rows: {
    VERSION_MASK: { cpp: 'vhost_user_version_mask', value: 0x3, text: 'where the version is' },
    VERSION: { cpp: 'vhost_user_version', value: 0x1, text: 'the only version' },
    REPLY: { cpp: 'vhost_user_reply', value: 0x4, text: 'an answer of the backend' },
    NEED_REPLY: { cpp: 'vhost_user_need_reply', value: 0x8, text: 'REPLY_ACK: an answer, please' },
  },
} as const satisfies ConstantTable);

export const vringFd = frozen({
  type: 'uint32_t',
  spec: 'vhost-user, "VHOST_USER_SET_VRING_KICK", "_CALL", "_ERR"',
  text: 'The 64-bit payload that names the ring of a descriptor.',
  hex: true,
  rows: {
    INDEX_MASK: { cpp: 'vring_fd_index_mask', value: 0xff, text: 'virtqueue number' },
    NO_FD: { cpp: 'vring_fd_none', value: 0x100, text: 'no descriptor comes: poll' },
  },
} as const satisfies ConstantTable);

export const vringBasePacked = frozen({
  type: 'unsigned',
  spec: 'vhost-user, "Vring descriptor indices for packed virtqueues"',
  text: 'VringState.num of a packed ring in SET_VRING_BASE and GET_VRING_BASE.',
  rows: {
    INDEX_BITS: { cpp: 'packed_base_index_bits', value: 15, text: 'width of each index' },
    AVAIL_WRAP: { cpp: 'packed_base_avail_wrap_bit', value: 15, text: "the driver's wrap counter" },
    USED_SHIFT: { cpp: 'packed_base_used_shift', value: 16, text: 'where the used index begins' },
    USED_WRAP: { cpp: 'packed_base_used_wrap_bit', value: 31, text: "the device's wrap counter" },
  },
} as const satisfies ConstantTable);

export const vringAddrFlags = frozen({
  type: 'uint32_t',
  spec: 'vhost-user, "Migration"',
  text: 'VringAddr.flags.',
  hex: true,
  rows: {
    VHOST_VRING_F_LOG: {
      cpp: 'vring_f_log',
      value: 1,
      text: 'log writes into the used ring, from VringAddr.log on',
      kernel: '1 << VHOST_VRING_F_LOG',
    },
  },
} as const satisfies ConstantTable);

export const vhostUserLimits = frozen({
  type: 'size_t',
  spec: 'vhost-user, "Multiple memory regions description", "Virtio device config space"',
  text: 'Most of each.',
  rows: {
    MAX_REGIONS: { cpp: 'memory_table_max', value: 8, text: 'regions in one SET_MEM_TABLE' },
    MAX_CONFIG: { cpp: 'config_space_max', value: 256, text: 'bytes of configuration space' },
    LOG_PAGE: {
      cpp: 'log_page_bytes',
      value: 4096,
      text: 'guest memory for each bit of the log',
      kernel: 'VHOST_PAGE_SIZE',
    },
  },
} as const satisfies ConstantTable);
