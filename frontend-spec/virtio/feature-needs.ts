/**
 * Which feature bits mean nothing without others: virtio 1.2, section 5.1.3.1 "Feature bit
 * requirements" of the network device.
 */

import { frozen } from '../table.ts';
import { featureMask, type VirtioFeatureName } from './features.ts';

/** What one feature needs. */
export interface FeatureNeeds {
  /** Of each group at least one must be there too. */
  readonly allOf: readonly (readonly VirtioFeatureName[])[];
  /**
   * `offload`: what a frame may leave to the other side; a backend sees all of these.
   * `control`: the front-end keeps the control virtqueue, so a backend may see these without it.
   */
  readonly kind: 'offload' | 'control';
  readonly spec: string;
}

const spec = 'virtio 1.2, 5.1.3.1 "Feature bit requirements"';
const later = 'virtio 1.3, 5.1.3.1 "Feature bit requirements"';

const offload = <const Names extends readonly VirtioFeatureName[]>(...anyOf: Names) =>
  ({ allOf: [anyOf], kind: 'offload', spec }) as const;
const control = { allOf: [['VIRTIO_NET_F_CTRL_VQ']], kind: 'control', spec } as const;

/** In an order in which what is needed comes before what needs it. */
export const featureNeeds = frozen({
  VIRTIO_NET_F_GUEST_TSO4: offload('VIRTIO_NET_F_GUEST_CSUM'),
  VIRTIO_NET_F_GUEST_TSO6: offload('VIRTIO_NET_F_GUEST_CSUM'),
  VIRTIO_NET_F_GUEST_ECN: offload('VIRTIO_NET_F_GUEST_TSO4', 'VIRTIO_NET_F_GUEST_TSO6'),
  VIRTIO_NET_F_GUEST_UFO: offload('VIRTIO_NET_F_GUEST_CSUM'),
  VIRTIO_NET_F_GUEST_USO4: offload('VIRTIO_NET_F_GUEST_CSUM'),
  VIRTIO_NET_F_GUEST_USO6: offload('VIRTIO_NET_F_GUEST_CSUM'),
  VIRTIO_NET_F_HOST_TSO4: offload('VIRTIO_NET_F_CSUM'),
  VIRTIO_NET_F_HOST_TSO6: offload('VIRTIO_NET_F_CSUM'),
  VIRTIO_NET_F_HOST_ECN: offload('VIRTIO_NET_F_HOST_TSO4', 'VIRTIO_NET_F_HOST_TSO6'),
  VIRTIO_NET_F_HOST_UFO: offload('VIRTIO_NET_F_CSUM'),
  VIRTIO_NET_F_HOST_USO: offload('VIRTIO_NET_F_CSUM'),
  VIRTIO_NET_F_RSC_EXT: offload('VIRTIO_NET_F_HOST_TSO4', 'VIRTIO_NET_F_HOST_TSO6'),
  VIRTIO_NET_F_CTRL_RX: control,
  VIRTIO_NET_F_CTRL_VLAN: control,
  VIRTIO_NET_F_GUEST_ANNOUNCE: control,
  VIRTIO_NET_F_MQ: control,
  VIRTIO_NET_F_CTRL_MAC_ADDR: control,
  VIRTIO_NET_F_NOTF_COAL: control,
  VIRTIO_NET_F_RSS: control,
  VIRTIO_NET_F_VQ_NOTF_COAL: { ...control, spec: later },
  VIRTIO_NET_F_HASH_TUNNEL: {
    allOf: [['VIRTIO_NET_F_CTRL_VQ'], ['VIRTIO_NET_F_RSS', 'VIRTIO_NET_F_HASH_REPORT']],
    kind: 'control',
    spec: later,
  },
} as const satisfies Partial<Record<VirtioFeatureName, FeatureNeeds>>);

const rows = Object.entries(featureNeeds) as [VirtioFeatureName, FeatureNeeds][];

/** A feature of a mask, and the group of which it lacks all. */
export interface UnmetNeed {
  readonly feature: VirtioFeatureName;
  readonly anyOf: readonly VirtioFeatureName[];
}

/** What is missing in a mask, in the order of the table; empty when it is a legal combination. */
export function unmetNeeds(
  mask: bigint,
  kinds: readonly FeatureNeeds['kind'][] = ['offload', 'control'],
): UnmetNeed[] {
  return rows
    .filter(([feature, row]) => kinds.includes(row.kind) && (mask & featureMask([feature])) !== 0n)
    .flatMap(([feature, row]) =>
      row.allOf
        .filter((anyOf) => (mask & featureMask(anyOf)) === 0n)
        .map((anyOf) => ({ feature, anyOf })),
    );
}

/** A mask without the offloads whose needs are not met: what of it means anything. */
export function settleOffloads(mask: bigint): bigint {
  return rows
    .filter(([, row]) => row.kind === 'offload')
    .reduce(
      (left, [feature, row]) =>
        row.allOf.every((anyOf) => (left & featureMask(anyOf)) !== 0n)
          ? left
          : left & ~featureMask([feature]),
      mask,
    );
}
