/** The network device: virtio 1.2, section 5.1 "Network Device". All fields little-endian. */

import { type ConstantTable, frozen, type StructTable } from '../table.ts';

export const netHeader = frozen({
  cpp: 'NetHeader',
  bytes: 12,
  spec: 'virtio 1.2, 5.1.6 "Device Operation" (virtio_net_hdr)',
  text: 'What comes before each frame. Without VERSION_1 and MRG_RXBUF num_buffers is absent.',
  fields: [
    ['flags', 'u8', 0, 'net_hdr_f_*'],
    ['gso_type', 'u8', 1, 'net_hdr_gso_*'],
    ['hdr_len', 'u16', 2, 'bytes of the headers that each segment repeats'],
    ['gso_size', 'u16', 4, 'payload bytes of each segment'],
    ['csum_start', 'u16', 6, 'where checksumming starts, from the start of the frame'],
    ['csum_offset', 'u16', 8, 'where the checksum goes, from csum_start'],
    ['num_buffers', 'u16', 10, 'receive chains this frame fills; 0 in what is sent'],
  ],
  kernel: { struct: 'virtio_net_hdr_v1' },
} as const satisfies StructTable);

export const netConfig = frozen({
  cpp: 'NetConfig',
  bytes: 24,
  packed: true,
  spec: 'virtio 1.2, 5.1.4 "Device configuration layout"',
  text: 'The configuration space. Each field exists with its feature only.',
  fields: [
    ['mac', 'u8[6]', 0, 'VIRTIO_NET_F_MAC'],
    ['status', 'u16', 6, 'VIRTIO_NET_F_STATUS: net_status_*'],
    ['max_virtqueue_pairs', 'u16', 8, 'VIRTIO_NET_F_MQ or RSS: 1..32768'],
    ['mtu', 'u16', 10, 'VIRTIO_NET_F_MTU: at least 68'],
    ['speed', 'u32', 12, 'VIRTIO_NET_F_SPEED_DUPLEX: Mbit/s; above 0x7fffffff unknown'],
    ['duplex', 'u8', 16, 'VIRTIO_NET_F_SPEED_DUPLEX: 1 full, 0 half, else unknown'],
    ['rss_max_key_size', 'u8', 17, 'VIRTIO_NET_F_RSS or HASH_REPORT'],
    ['rss_max_indirection_table_length', 'u16', 18, 'VIRTIO_NET_F_RSS'],
    ['supported_hash_types', 'u32', 20, 'VIRTIO_NET_F_RSS or HASH_REPORT'],
  ],
  kernel: { struct: 'virtio_net_config' },
} as const satisfies StructTable);

export const netHeaderSizes = frozen({
  type: 'size_t',
  spec: 'virtio 1.2, 5.1.6 and 5.1.6.1 "Legacy Interface: Device Operation"',
  text: 'Bytes of the header before each frame.',
  rows: {
    NET_HEADER_BYTES: {
      cpp: 'net_header_bytes',
      value: 12,
      text: 'with VIRTIO_F_VERSION_1 or VIRTIO_NET_F_MRG_RXBUF',
    },
    NET_HEADER_LEGACY_BYTES: { cpp: 'net_header_legacy_bytes', value: 10, text: 'without both' },
  },
} as const satisfies ConstantTable);

export const netHeaderFlags = frozen({
  type: 'uint8_t',
  spec: 'virtio 1.2, 5.1.6 "Device Operation"',
  text: 'NetHeader.flags.',
  hex: true,
  rows: {
    VIRTIO_NET_HDR_F_NEEDS_CSUM: {
      cpp: 'net_hdr_f_needs_csum',
      value: 1,
      text: 'the checksum is partial: csum_start and csum_offset are set',
      kernel: 'VIRTIO_NET_HDR_F_NEEDS_CSUM',
    },
    VIRTIO_NET_HDR_F_DATA_VALID: {
      cpp: 'net_hdr_f_data_valid',
      value: 2,
      text: 'the checksum was verified; to the driver only',
      kernel: 'VIRTIO_NET_HDR_F_DATA_VALID',
    },
    VIRTIO_NET_HDR_F_RSC_INFO: {
      cpp: 'net_hdr_f_rsc_info',
      value: 4,
      text: 'csum_start and csum_offset hold counts of coalesced segments',
      kernel: 'VIRTIO_NET_HDR_F_RSC_INFO',
    },
  },
} as const satisfies ConstantTable);

export const netHeaderGso = frozen({
  type: 'uint8_t',
  spec: 'virtio 1.2, 5.1.6 "Device Operation"',
  text: 'NetHeader.gso_type: one kind, and the ECN bit.',
  rows: {
    VIRTIO_NET_HDR_GSO_NONE: {
      cpp: 'net_hdr_gso_none',
      value: 0,
      text: 'an ordinary frame',
      kernel: 'VIRTIO_NET_HDR_GSO_NONE',
    },
    VIRTIO_NET_HDR_GSO_TCPV4: {
      cpp: 'net_hdr_gso_tcpv4',
      value: 1,
      text: 'TCP over IPv4 to split',
      kernel: 'VIRTIO_NET_HDR_GSO_TCPV4',
    },
    VIRTIO_NET_HDR_GSO_UDP: {
      cpp: 'net_hdr_gso_udp',
      value: 3,
      text: 'UDP to fragment (UFO)',
      kernel: 'VIRTIO_NET_HDR_GSO_UDP',
    },
    VIRTIO_NET_HDR_GSO_TCPV6: {
      cpp: 'net_hdr_gso_tcpv6',
      value: 4,
      text: 'TCP over IPv6 to split',
      kernel: 'VIRTIO_NET_HDR_GSO_TCPV6',
    },
    VIRTIO_NET_HDR_GSO_UDP_L4: {
      cpp: 'net_hdr_gso_udp_l4',
      value: 5,
      text: 'UDP datagrams to split (USO)',
      kernel: 'VIRTIO_NET_HDR_GSO_UDP_L4',
      newer: true,
    },
    VIRTIO_NET_HDR_GSO_ECN: {
      cpp: 'net_hdr_gso_ecn',
      value: 0x80,
      text: 'bit: the TCP header has CWR set',
      kernel: 'VIRTIO_NET_HDR_GSO_ECN',
    },
  },
} as const satisfies ConstantTable);

export const netReceiveSizes = frozen({
  type: 'size_t',
  spec: 'virtio 1.2, 5.1.6.3.1 "Driver Requirements: Setting Up Receive Buffers"',
  text: 'Least bytes of a receive buffer without VIRTIO_NET_F_MRG_RXBUF, the net header included.',
  rows: {
    NET_RECEIVE_BYTES: {
      cpp: 'net_receive_bytes',
      value: 1526,
      text: 'when no segmentation is left to the driver',
    },
    NET_RECEIVE_SEGMENTATION_BYTES: {
      cpp: 'net_receive_segmentation_bytes',
      value: 65562,
      text: 'with VIRTIO_NET_F_GUEST_TSO4, TSO6, UFO, USO4 or USO6',
    },
  },
} as const satisfies ConstantTable);

export const netStatus = frozen({
  type: 'uint16_t',
  spec: 'virtio 1.2, 5.1.4 "Device configuration layout"',
  text: 'NetConfig.status.',
  hex: true,
  rows: {
    VIRTIO_NET_S_LINK_UP: {
      cpp: 'net_status_link_up',
      value: 1,
      text: 'the link is up',
      kernel: 'VIRTIO_NET_S_LINK_UP',
    },
    VIRTIO_NET_S_ANNOUNCE: {
      cpp: 'net_status_announce',
      value: 2,
      text: 'the driver is asked to announce itself',
      kernel: 'VIRTIO_NET_S_ANNOUNCE',
    },
  },
} as const satisfies ConstantTable);
