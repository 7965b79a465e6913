import { describe, expect, it } from 'vitest';
import {
  featureMask,
  featureNeeds,
  settleOffloads,
  unmetNeeds,
  type VirtioFeatureName,
} from '../../frontend-spec/index.ts';

const names = Object.keys(featureNeeds) as VirtioFeatureName[];

/** Every subset of some features. */
function* subsets(of: readonly VirtioFeatureName[]): Generator<VirtioFeatureName[]> {
  for (let bits = 0; bits < 1 << of.length; bits++) {
    yield of.filter((_, at) => ((bits >> at) & 1) === 1);
  }
}

const sender = [
  'VIRTIO_NET_F_CSUM',
  'VIRTIO_NET_F_HOST_TSO4',
  'VIRTIO_NET_F_HOST_TSO6',
  'VIRTIO_NET_F_HOST_ECN',
  'VIRTIO_NET_F_HOST_UFO',
  'VIRTIO_NET_F_HOST_USO',
] as const satisfies readonly VirtioFeatureName[];
const receiver = [
  'VIRTIO_NET_F_GUEST_CSUM',
  'VIRTIO_NET_F_GUEST_TSO4',
  'VIRTIO_NET_F_GUEST_TSO6',
  'VIRTIO_NET_F_GUEST_ECN',
  'VIRTIO_NET_F_GUEST_UFO',
  'VIRTIO_NET_F_GUEST_USO4',
  'VIRTIO_NET_F_GUEST_USO6',
] as const satisfies readonly VirtioFeatureName[];

/** The rules once more, in words of their own. */
function legal(set: ReadonlySet<VirtioFeatureName>, side: 'HOST' | 'GUEST'): boolean {
  const has = (name: string) => set.has(`VIRTIO_NET_F_${name}` as VirtioFeatureName);
  const checksum = has(side === 'HOST' ? 'CSUM' : 'GUEST_CSUM');
  const tso = has(`${side}_TSO4`) || has(`${side}_TSO6`);
  const other = ['UFO', 'USO', 'USO4', 'USO6'].some((kind) => has(`${side}_${kind}`));
  if (!checksum && (tso || other)) return false;
  return tso || !has(`${side}_ECN`);
}

describe('featureNeeds: virtio 1.2, 5.1.3.1 "Feature bit requirements"', () => {
  it.each([
    ['sender', 'HOST', sender, 29],
    ['receiver', 'GUEST', receiver, 57],
  ] as const)('every combination of a %s: legal or not', (_, side, features, count) => {
    let found = 0;
    for (const subset of subsets(features)) {
      const expected = legal(new Set(subset), side);
      const mask = featureMask(subset);

      expect(unmetNeeds(mask).length === 0, subset.join()).toBe(expected);
      expect(settleOffloads(mask) === mask, subset.join()).toBe(expected);
      expect(unmetNeeds(settleOffloads(mask))).toEqual([]);
      found += Number(expected);
    }
    expect(found).toBe(count);
  });

  it('says what is missing', () => {
    expect(unmetNeeds(featureMask(['VIRTIO_NET_F_GUEST_ECN', 'VIRTIO_NET_F_MQ']))).toEqual([
      {
        feature: 'VIRTIO_NET_F_GUEST_ECN',
        anyOf: ['VIRTIO_NET_F_GUEST_TSO4', 'VIRTIO_NET_F_GUEST_TSO6'],
      },
      { feature: 'VIRTIO_NET_F_MQ', anyOf: ['VIRTIO_NET_F_CTRL_VQ'] },
    ]);
  });

  it('lets a backend overlook what the front-end keeps', () => {
    const mask = featureMask(['VIRTIO_NET_F_MQ', 'VIRTIO_NET_F_CSUM']);
    expect(unmetNeeds(mask, ['offload'])).toEqual([]);
    expect(settleOffloads(mask)).toBe(mask);
  });

  it('needs several things at once: VIRTIO_NET_F_HASH_TUNNEL', () => {
    const missing = (...features: VirtioFeatureName[]) =>
      unmetNeeds(featureMask(['VIRTIO_NET_F_HASH_TUNNEL', ...features])).map(({ anyOf }) => anyOf);
    expect(missing()).toHaveLength(2);
    expect(missing('VIRTIO_NET_F_CTRL_VQ')).toEqual([
      ['VIRTIO_NET_F_RSS', 'VIRTIO_NET_F_HASH_REPORT'],
    ]);
    expect(missing('VIRTIO_NET_F_CTRL_VQ', 'VIRTIO_NET_F_RSS')).toEqual([]);
  });

  it('names what is needed before what needs it, so that one pass settles a mask', () => {
    for (const [at, name] of names.entries()) {
      for (const needed of featureNeeds[name as keyof typeof featureNeeds].allOf.flat()) {
        expect(names.indexOf(needed)).toBeLessThan(at);
      }
    }
  });

  it('cites its section', () => {
    for (const row of Object.values(featureNeeds)) {
      expect(row.spec).toMatch(/^virtio 1\.\d, 5\.1\.3\.1 "Feature bit requirements"$/);
    }
  });
});
