import { describe, expect, it } from 'vitest';
import {
  type FeatureRow,
  featureMask,
  featureNames,
  protocolFeatureMask,
  protocolFeatureNames,
  protocolFeatures,
  type VirtioFeatureName,
  virtioFeatures,
} from '../../frontend-spec/index.ts';

const rows = Object.entries(virtioFeatures) as [VirtioFeatureName, FeatureRow][];

describe('virtioFeatures: virtio 1.2, 6 and 5.1.3', () => {
  it('give every bit one name, C++ name and place below 64', () => {
    const bits = rows.map(([, row]) => row.bit);
    expect(new Set(bits).size).toBe(bits.length);
    expect(new Set(rows.map(([, row]) => row.cpp)).size).toBe(bits.length);
    for (const bit of bits) expect(bit >= 0 && bit < 64 && Number.isInteger(bit)).toBe(true);
  });

  it.each([
    ['VIRTIO_NET_F_CSUM', 0],
    ['VIRTIO_NET_F_MTU', 3],
    ['VIRTIO_NET_F_MAC', 5],
    ['VIRTIO_NET_F_HOST_TSO4', 11],
    ['VIRTIO_NET_F_MRG_RXBUF', 15],
    ['VIRTIO_NET_F_STATUS', 16],
    ['VIRTIO_NET_F_MQ', 22],
    ['VIRTIO_F_NOTIFY_ON_EMPTY', 24],
    ['VHOST_F_LOG_ALL', 26],
    ['VIRTIO_F_ANY_LAYOUT', 27],
    ['VIRTIO_F_INDIRECT_DESC', 28],
    ['VIRTIO_F_EVENT_IDX', 29],
    ['VHOST_USER_F_PROTOCOL_FEATURES', 30],
    ['VIRTIO_F_VERSION_1', 32],
    ['VIRTIO_F_ACCESS_PLATFORM', 33],
    ['VIRTIO_F_RING_PACKED', 34],
    ['VIRTIO_F_IN_ORDER', 35],
    ['VIRTIO_F_RING_RESET', 40],
    ['VIRTIO_NET_F_HOST_USO', 56],
    ['VIRTIO_NET_F_SPEED_DUPLEX', 63],
  ] as const)('%s is bit %i', (name, bit) => {
    expect(virtioFeatures[name].bit).toBe(bit);
  });
});

describe('featureMask and featureNames', () => {
  it('put names into 64 bits without losing the high ones', () => {
    expect(featureMask(['VIRTIO_F_VERSION_1', 'VIRTIO_NET_F_CSUM'])).toBe(0x1_0000_0001n);
    expect(featureMask(['VIRTIO_NET_F_SPEED_DUPLEX'])).toBe(1n << 63n);
    expect(featureMask([])).toBe(0n);
  });

  it('count a name once, however often it comes', () => {
    expect(featureMask(['VIRTIO_NET_F_MAC', 'VIRTIO_NET_F_MAC'])).toBe(1n << 5n);
  });

  it('are each the inverse of the other, for every feature', () => {
    for (const [name] of rows) expect(featureNames(featureMask([name]))).toEqual([name]);
  });

  it('name the bits in their order and pass over those without a name', () => {
    expect(featureNames((1n << 34n) | (1n << 4n) | 1n)).toEqual([
      'VIRTIO_NET_F_CSUM',
      'VIRTIO_F_RING_PACKED',
    ]);
  });
});

describe('protocolFeatures: vhost-user, "Protocol features"', () => {
  it('are numbered from 0 without a hole, in the order of the specification', () => {
    expect(Object.entries(protocolFeatures).map(([name, row]) => `${row.bit} ${name}`)).toEqual([
      '0 MQ',
      '1 LOG_SHMFD',
      '2 RARP',
      '3 REPLY_ACK',
      '4 MTU',
      '5 BACKEND_REQ',
      '6 CROSS_ENDIAN',
      '7 CRYPTO_SESSION',
      '8 PAGEFAULT',
      '9 CONFIG',
      '10 BACKEND_SEND_FD',
      '11 HOST_NOTIFIER',
      '12 INFLIGHT_SHMFD',
      '13 RESET_DEVICE',
      '14 INBAND_NOTIFICATIONS',
      '15 CONFIGURE_MEM_SLOTS',
      '16 STATUS',
      '17 XEN_MMAP',
      '18 SHARED_OBJECT',
      '19 DEVICE_STATE',
      '20 GET_VRING_BASE_INFLIGHT',
      '21 GPA_ADDRESSES',
      '22 SHMEM',
      '23 GET_VRING_BASE_SKIP_DRAIN',
    ]);
  });

  it('make masks and come back from them', () => {
    const mask = protocolFeatureMask(['MQ', 'REPLY_ACK', 'CONFIGURE_MEM_SLOTS']);

    expect(mask).toBe(0x8009n);
    expect(protocolFeatureNames(mask | (1n << 60n))).toEqual([
      'MQ',
      'REPLY_ACK',
      'CONFIGURE_MEM_SLOTS',
    ]);
  });
});
