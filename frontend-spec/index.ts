/**
 * What the guest and its VMM see, as data. Tables of names and numbers that cite the specification.
 */

export * from './table.ts';
export * from './vhost-user/payloads.ts';
export * from './vhost-user/protocol-features.ts';
export * from './vhost-user/requests.ts';
export * from './virtio/feature-needs.ts';
export * from './virtio/features.ts';
export * from './virtio/net.ts';
export * from './virtio/pci.ts';
export * from './virtio/ring-packed.ts';
export * from './virtio/ring-split.ts';
