/** What this backend offers: virtio features, protocol features, configuration space. */

import {
  featureMask,
  netConfig,
  netStatus,
  type ProtocolFeatureName,
  protocolFeatureMask,
  settleOffloads,
  type VirtioFeatureName,
  virtioFeatures,
} from '../../frontend-spec/index.ts';
import { queuePairs } from '../../native/boundary/index.ts';
import { writeFields } from './payload.ts';

/** What GET_FEATURES and GET_PROTOCOL_FEATURES tell. */
export interface Offer {
  readonly features: bigint;
  readonly protocolFeatures: bigint;
}

const offeredFeatures = [
  'VIRTIO_F_VERSION_1',
  'VIRTIO_F_INDIRECT_DESC',
  'VIRTIO_F_EVENT_IDX',
  'VIRTIO_F_RING_PACKED',
  'VIRTIO_F_IN_ORDER',
  'VIRTIO_F_ANY_LAYOUT',
  'VIRTIO_F_NOTIFY_ON_EMPTY',
  'VIRTIO_NET_F_MRG_RXBUF',
  'VIRTIO_NET_F_MTU',
  'VHOST_USER_F_PROTOCOL_FEATURES',
] as const satisfies readonly VirtioFeatureName[];

/** What guests and the switch leave to each other: checksums and segmentation, without UFO. */
const offloadFeatures = [
  'VIRTIO_NET_F_CSUM',
  'VIRTIO_NET_F_HOST_TSO4',
  'VIRTIO_NET_F_HOST_TSO6',
  'VIRTIO_NET_F_HOST_ECN',
  'VIRTIO_NET_F_HOST_USO',
  'VIRTIO_NET_F_GUEST_CSUM',
  'VIRTIO_NET_F_GUEST_TSO4',
  'VIRTIO_NET_F_GUEST_TSO6',
  'VIRTIO_NET_F_GUEST_ECN',
  'VIRTIO_NET_F_GUEST_USO4',
  'VIRTIO_NET_F_GUEST_USO6',
] as const satisfies readonly VirtioFeatureName[];

const offeredProtocolFeatures = [
  'MQ',
  'RARP',
  'REPLY_ACK',
  'MTU',
  'CONFIGURE_MEM_SLOTS',
  'STATUS',
  'RESET_DEVICE',
  'GET_VRING_BASE_SKIP_DRAIN',
] as const satisfies readonly ProtocolFeatureName[];

/** What a port offers beside the features of virtio that its guest's driver may take. */
export const transportBits =
  (1n << BigInt(virtioFeatures.VHOST_USER_F_PROTOCOL_FEATURES.bit)) |
  (1n << BigInt(virtioFeatures.VIRTIO_F_NOTIFY_ON_EMPTY.bit));

/** Most queue pairs of a port. */
export const mostQueues = Number(queuePairs.max);

/**
 * @param options.queues  Queue pairs. With one, VIRTIO_NET_F_MQ is left out; QEMU takes the bit
 *   from its guest unless the backend has it.
 * @param options.offerConfig  Offer the protocol feature CONFIG. Off by default: QEMU's network
 *   device keeps the configuration space itself and warns, once a queue pair, about backends that
 *   offer it.
 * @param options.offloads  Offer checksum and segmentation offloads. On by default.
 * @param options.featuresMask  Feature bits that may be offered. An offload whose needs it takes
 *   away is not offered either.
 */
export function offerOf(options: {
  readonly queues: number;
  readonly offerConfig?: boolean;
  readonly offloads?: boolean;
  readonly featuresMask?: bigint;
}): Offer {
  const features = featureMask([
    ...offeredFeatures,
    ...(options.queues > 1 ? (['VIRTIO_NET_F_MQ'] as const) : []),
    ...(options.offloads === false ? [] : offloadFeatures),
  ]);
  return {
    features: settleOffloads(features & (options.featuresMask ?? ~0n)),
    protocolFeatures: protocolFeatureMask(
      options.offerConfig === true
        ? [...offeredProtocolFeatures, 'CONFIG']
        : offeredProtocolFeatures,
    ),
  };
}

/** All that a port can be told to offer. */
export const mostOffered: Offer = offerOf({ queues: mostQueues, offerConfig: true });

/** For sentences: `1 queue pair`. */
export function pairsText(queues: number): string {
  return queues === 1 ? '1 queue pair' : `${queues} queue pairs`;
}

/** The configuration space of the network device: virtio 1.2, 5.1.4. The MAC is the front-end's. */
export function netConfigBytes(queuePairs: number, mtu: number): Buffer {
  return writeFields(netConfig, {
    status: netStatus.rows.VIRTIO_NET_S_LINK_UP.value,
    max_virtqueue_pairs: queuePairs,
    mtu,
  });
}
