/** What is offered, the configuration space, the RARP frame. */

import { describe, expect, it } from 'vitest';
import { netConfigBytes, offerOf } from '../../../backend/vhost-user/offer.ts';
import { isStationMac, rarpFrame } from '../../../backend/vhost-user/rarp.ts';
import { featureNames, protocolFeatureNames, unmetNeeds } from '../../../frontend-spec/index.ts';

describe('the features offered', () => {
  it('are those that are built', () => {
    expect(featureNames(offerOf({ queues: 1, offloads: false }).features)).toEqual([
      'VIRTIO_NET_F_MTU',
      'VIRTIO_NET_F_MRG_RXBUF',
      'VIRTIO_F_NOTIFY_ON_EMPTY',
      'VIRTIO_F_ANY_LAYOUT',
      'VIRTIO_F_INDIRECT_DESC',
      'VIRTIO_F_EVENT_IDX',
      'VHOST_USER_F_PROTOCOL_FEATURES',
      'VIRTIO_F_VERSION_1',
      'VIRTIO_F_RING_PACKED',
      'VIRTIO_F_IN_ORDER',
    ]);
  });

  it('have the offloads of checksums and segmentation, UFO excepted, unless told otherwise', () => {
    const offered = (offloads?: boolean): string[] =>
      featureNames(offerOf({ queues: 1, ...(offloads === undefined ? {} : { offloads }) }).features)
        .filter((name) => /CSUM|TSO|ECN|UFO|USO/.test(name))
        .map((name) => name.replace('VIRTIO_NET_F_', ''));
    expect(offered().sort()).toEqual([
      ...[
        'CSUM',
        'GUEST_CSUM',
        'GUEST_ECN',
        'GUEST_TSO4',
        'GUEST_TSO6',
        'GUEST_USO4',
        'GUEST_USO6',
      ],
      ...['HOST_ECN', 'HOST_TSO4', 'HOST_TSO6', 'HOST_USO'],
    ]);
    expect(offered(true)).toEqual(offered());
    expect(offered(false)).toEqual([]);
    expect(unmetNeeds(offerOf({ queues: 1 }).features, ['offload'])).toEqual([]);
  });

  it('have no offload without what it needs, whatever the mask', () => {
    for (let bit = 0n; bit < 64n; bit++) {
      const { features } = offerOf({ queues: 1, featuresMask: ~(1n << bit) });
      expect(unmetNeeds(features, ['offload'])).toEqual([]);
    }
  });

  it('have VIRTIO_NET_F_MQ when there are several queue pairs', () => {
    expect(featureNames(offerOf({ queues: 2 }).features)).toContain('VIRTIO_NET_F_MQ');
    expect(featureNames(offerOf({ queues: 1 }).features)).not.toContain('VIRTIO_NET_F_MQ');
  });

  it('are restricted by a mask, and never widened', () => {
    const offer = offerOf({ queues: 1, featuresMask: 0x1_0000_0001n });
    expect(featureNames(offer.features)).toEqual(['VIRTIO_NET_F_CSUM', 'VIRTIO_F_VERSION_1']);
  });

  it('leave CONFIG out, which QEMU warns about', () => {
    const names = (offerConfig: boolean) =>
      protocolFeatureNames(offerOf({ queues: 1, offerConfig }).protocolFeatures);
    expect(names(false)).toEqual([
      ...['MQ', 'RARP', 'REPLY_ACK', 'MTU', 'RESET_DEVICE', 'CONFIGURE_MEM_SLOTS', 'STATUS'],
      'GET_VRING_BASE_SKIP_DRAIN',
    ]);
    expect(names(true)).toContain('CONFIG');
  });
});

describe('virtio 1.2, 5.1.4 "Device configuration layout"', () => {
  it('mac, status, max_virtqueue_pairs, mtu', () => {
    const bytes = netConfigBytes(4, 9000);
    expect(bytes.length).toBe(24);
    expect(bytes.toString('hex')).toBe(`${'00'.repeat(6)}010004002823${'00'.repeat(12)}`);
  });
});

describe('RFC 903: the frame of SEND_RARP', () => {
  it('is a broadcast of the guest about itself, 60 bytes', () => {
    const frame = rarpFrame(Buffer.from('525400123456', 'hex')).toString('hex');
    const head = 'ffffffffffff5254001234568035';
    const body = '00010800060400035254001234560000000052540012345600000000';
    expect(frame).toBe((head + body).padEnd(120, '0'));
  });

  it.each(['000000000000', '010000000001', 'ffffffffffff'])('no station is %s', (mac) => {
    expect(isStationMac(Buffer.from(mac, 'hex'))).toBe(false);
    expect(isStationMac(Buffer.from('525400123456', 'hex'))).toBe(true);
  });
});
