/**
 * Feature bits: virtio 1.2, section 6 "Reserved Feature Bits", section 5.1.3 "Feature bits" of the
 * network device, and the two that vhost uses on the way between VMM and backend.
 */

import { frozen } from '../table.ts';

/** One feature bit. */
export interface FeatureRow {
  readonly bit: number;
  /** The C++ name. */
  readonly cpp: string;
  readonly spec: string;
  readonly text: string;
  /** The macro in the kernel's headers. */
  readonly kernel?: string;
  /** The macro is newer than the headers of Debian 12 (Linux 6.1). */
  readonly newer?: true;
}

const reserved = 'virtio 1.2, 6';
const legacy = 'virtio 1.2, 6.3 (legacy)';
const newer = { newer: true } as const;

/** Bits of any device, and of vhost itself. */
const common = {
  VIRTIO_F_NOTIFY_ON_EMPTY: {
    bit: 24,
    cpp: 'feature_notify_on_empty',
    spec: legacy,
    text: 'a call when the ring runs empty, even if suppressed',
    kernel: 'VIRTIO_F_NOTIFY_ON_EMPTY',
  },
  VHOST_F_LOG_ALL: {
    bit: 26,
    cpp: 'vhost_f_log_all',
    spec: 'vhost-user, "Migration"',
    text: 'log every write into guest memory; not for the driver',
    kernel: 'VHOST_F_LOG_ALL',
  },
  VIRTIO_F_ANY_LAYOUT: {
    bit: 27,
    cpp: 'feature_any_layout',
    spec: legacy,
    text: 'the device takes the header in any number of buffers',
    kernel: 'VIRTIO_F_ANY_LAYOUT',
  },
  VIRTIO_F_INDIRECT_DESC: {
    bit: 28,
    cpp: 'feature_ring_indirect_desc',
    spec: reserved,
    text: 'a descriptor may hold a table of descriptors',
    kernel: 'VIRTIO_RING_F_INDIRECT_DESC',
  },
  VIRTIO_F_EVENT_IDX: {
    bit: 29,
    cpp: 'feature_ring_event_idx',
    spec: reserved,
    text: 'used_event and avail_event say when to notify',
    kernel: 'VIRTIO_RING_F_EVENT_IDX',
  },
  VHOST_USER_F_PROTOCOL_FEATURES: {
    bit: 30,
    cpp: 'vhost_user_feature_protocol_features',
    spec: 'vhost-user, "Communication"',
    text: 'the backend has protocol features to negotiate; not for the driver',
  },
  VIRTIO_F_VERSION_1: {
    bit: 32,
    cpp: 'feature_version_1',
    spec: reserved,
    text: 'complies with virtio 1.0 or later',
    kernel: 'VIRTIO_F_VERSION_1',
  },
  VIRTIO_F_ACCESS_PLATFORM: {
    bit: 33,
    cpp: 'feature_access_platform',
    spec: reserved,
    text: 'addresses go through the platform (IOMMU)',
    kernel: 'VIRTIO_F_ACCESS_PLATFORM',
  },
  VIRTIO_F_RING_PACKED: {
    bit: 34,
    cpp: 'feature_ring_packed',
    spec: reserved,
    text: 'packed virtqueue layout',
    kernel: 'VIRTIO_F_RING_PACKED',
  },
  VIRTIO_F_IN_ORDER: {
    bit: 35,
    cpp: 'feature_in_order',
    spec: reserved,
    text: 'buffers are used in the order they were made available',
    kernel: 'VIRTIO_F_IN_ORDER',
  },
  VIRTIO_F_ORDER_PLATFORM: {
    bit: 36,
    cpp: 'feature_order_platform',
    spec: reserved,
    text: 'memory is ordered as the platform orders it',
    kernel: 'VIRTIO_F_ORDER_PLATFORM',
  },
  VIRTIO_F_SR_IOV: {
    bit: 37,
    cpp: 'feature_sr_iov',
    spec: reserved,
    text: 'single root I/O virtualization',
    kernel: 'VIRTIO_F_SR_IOV',
  },
  VIRTIO_F_NOTIFICATION_DATA: {
    bit: 38,
    cpp: 'feature_notification_data',
    spec: reserved,
    text: 'a kick carries the queue position',
    kernel: 'VIRTIO_F_NOTIFICATION_DATA',
    newer: true,
  },
  VIRTIO_F_NOTIF_CONFIG_DATA: {
    bit: 39,
    cpp: 'feature_notif_config_data',
    spec: reserved,
    text: 'a kick carries the number the device gave the queue',
    kernel: 'VIRTIO_F_NOTIF_CONFIG_DATA',
    newer: true,
  },
  VIRTIO_F_RING_RESET: {
    bit: 40,
    cpp: 'feature_ring_reset',
    spec: reserved,
    text: 'one queue can be reset alone',
    kernel: 'VIRTIO_F_RING_RESET',
  },
  VIRTIO_F_ADMIN_VQ: {
    bit: 41,
    cpp: 'feature_admin_vq',
    spec: 'virtio 1.3, 6',
    text: 'the device has administration virtqueues',
    kernel: 'VIRTIO_F_ADMIN_VQ',
    newer: true,
  },
  VIRTIO_F_SUSPEND: {
    bit: 43,
    cpp: 'feature_suspend',
    spec: 'virtio 1.4, 6',
    text: 'the driver can suspend the device',
  },
} as const satisfies Record<string, FeatureRow>;

const netRow = <const Bit extends number, const Name extends string>(
  bit: Bit,
  name: Name,
  text: string,
) => ({
  bit,
  cpp: `net_feature_${name.toLowerCase()}`,
  spec: 'virtio 1.2, 5.1.3',
  text,
  kernel: `VIRTIO_NET_F_${name}`,
});

/** Bits of the network device. */
const net = {
  VIRTIO_NET_F_CSUM: netRow(0, 'CSUM', 'device takes frames with partial checksums'),
  VIRTIO_NET_F_GUEST_CSUM: netRow(1, 'GUEST_CSUM', 'driver takes frames with partial checksums'),
  VIRTIO_NET_F_CTRL_GUEST_OFFLOADS: netRow(
    2,
    'CTRL_GUEST_OFFLOADS',
    'driver changes its offloads at run time',
  ),
  VIRTIO_NET_F_MTU: netRow(3, 'MTU', 'device tells its MTU'),
  VIRTIO_NET_F_MAC: netRow(5, 'MAC', 'device has a MAC address'),
  VIRTIO_NET_F_GSO: {
    ...netRow(6, 'GSO', 'device takes frames of any GSO type'),
    spec: 'virtio 1.2, 5.1.3.2 (legacy)',
  },
  VIRTIO_NET_F_GUEST_TSO4: netRow(7, 'GUEST_TSO4', 'driver takes TCPv4 segments to split'),
  VIRTIO_NET_F_GUEST_TSO6: netRow(8, 'GUEST_TSO6', 'driver takes TCPv6 segments to split'),
  VIRTIO_NET_F_GUEST_ECN: netRow(9, 'GUEST_ECN', 'driver takes TSO with ECN'),
  VIRTIO_NET_F_GUEST_UFO: netRow(10, 'GUEST_UFO', 'driver takes UDP to fragment'),
  VIRTIO_NET_F_HOST_TSO4: netRow(11, 'HOST_TSO4', 'device takes TCPv4 segments to split'),
  VIRTIO_NET_F_HOST_TSO6: netRow(12, 'HOST_TSO6', 'device takes TCPv6 segments to split'),
  VIRTIO_NET_F_HOST_ECN: netRow(13, 'HOST_ECN', 'device takes TSO with ECN'),
  VIRTIO_NET_F_HOST_UFO: netRow(14, 'HOST_UFO', 'device takes UDP to fragment'),
  VIRTIO_NET_F_MRG_RXBUF: netRow(15, 'MRG_RXBUF', 'one frame may fill several receive chains'),
  VIRTIO_NET_F_STATUS: netRow(16, 'STATUS', 'link state in the configuration'),
  VIRTIO_NET_F_CTRL_VQ: netRow(17, 'CTRL_VQ', 'a control virtqueue'),
  VIRTIO_NET_F_CTRL_RX: netRow(18, 'CTRL_RX', 'receive modes through the control queue'),
  VIRTIO_NET_F_CTRL_VLAN: netRow(19, 'CTRL_VLAN', 'VLAN filter through the control queue'),
  VIRTIO_NET_F_CTRL_RX_EXTRA: netRow(20, 'CTRL_RX_EXTRA', 'more receive modes'),
  VIRTIO_NET_F_GUEST_ANNOUNCE: netRow(
    21,
    'GUEST_ANNOUNCE',
    'driver announces itself when asked, after a migration',
  ),
  VIRTIO_NET_F_MQ: netRow(22, 'MQ', 'several queue pairs'),
  VIRTIO_NET_F_CTRL_MAC_ADDR: netRow(23, 'CTRL_MAC_ADDR', 'MAC through the control queue'),
  VIRTIO_NET_F_DEVICE_STATS: {
    ...netRow(50, 'DEVICE_STATS', 'device tells its counters'),
    spec: 'virtio 1.4, 5.1.3',
    ...newer,
  },
  VIRTIO_NET_F_HASH_TUNNEL: {
    ...netRow(51, 'HASH_TUNNEL', 'hash of the inner header of a tunnel'),
    spec: 'virtio 1.3, 5.1.3',
    ...newer,
  },
  VIRTIO_NET_F_VQ_NOTF_COAL: {
    ...netRow(52, 'VQ_NOTF_COAL', 'notification coalescing of one queue'),
    spec: 'virtio 1.3, 5.1.3',
    ...newer,
  },
  VIRTIO_NET_F_NOTF_COAL: {
    ...netRow(53, 'NOTF_COAL', 'notification coalescing'),
    spec: 'virtio 1.3, 5.1.3',
  },
  VIRTIO_NET_F_GUEST_USO4: {
    ...netRow(54, 'GUEST_USO4', 'driver takes UDPv4 segments to split'),
    ...newer,
  },
  VIRTIO_NET_F_GUEST_USO6: {
    ...netRow(55, 'GUEST_USO6', 'driver takes UDPv6 segments to split'),
    ...newer,
  },
  VIRTIO_NET_F_HOST_USO: {
    ...netRow(56, 'HOST_USO', 'device takes UDP segments to split'),
    ...newer,
  },
  VIRTIO_NET_F_HASH_REPORT: netRow(57, 'HASH_REPORT', 'device reports a hash for each frame'),
  VIRTIO_NET_F_GUEST_HDRLEN: {
    ...netRow(59, 'GUEST_HDRLEN', 'driver gives the exact hdr_len'),
    ...newer,
  },
  VIRTIO_NET_F_RSS: netRow(60, 'RSS', 'receive-side scaling'),
  VIRTIO_NET_F_RSC_EXT: netRow(61, 'RSC_EXT', 'counts of coalesced segments'),
  VIRTIO_NET_F_STANDBY: netRow(62, 'STANDBY', 'stands in for another device of the same MAC'),
  VIRTIO_NET_F_SPEED_DUPLEX: netRow(63, 'SPEED_DUPLEX', 'device tells speed and duplex'),
} as const satisfies Record<string, FeatureRow>;

/**
 * Every feature bit a driver, a front-end or a backend may name, by the name of the specification.
 *
 * Bits from 64 on (virtio 1.4: tunnel offloads, RSS contexts) have no row: vhost-user carries 64.
 * Nor have VIRTIO_NET_F_GUEST_RSC4 and 6 (legacy, bits 41 and 42), whose numbers were given again.
 */
export const virtioFeatures = frozen({ ...common, ...net });
export type VirtioFeatureName = keyof typeof virtioFeatures;

/** The 64-bit mask of some features. */
export function featureMask(names: readonly VirtioFeatureName[]): bigint {
  return names.reduce((mask, name) => mask | (1n << BigInt(virtioFeatures[name].bit)), 0n);
}

/** The names in a mask, in the order of their bits; bits that no row has are left out. */
export function featureNames(mask: bigint): VirtioFeatureName[] {
  return Object.entries(virtioFeatures)
    .filter(([, row]) => ((mask >> BigInt(row.bit)) & 1n) === 1n)
    .sort(([, a], [, b]) => a.bit - b.bit)
    .map(([name]) => name as VirtioFeatureName);
}
