import { describe, expect, it } from 'vitest';
import {
  advantage,
  byDelay,
  byRate,
  compare,
  counts,
  countsFar,
  type Leg,
  type Pair,
  turnsOf,
} from '../../../../backend/bench/peers/pairs.ts';
import { incompleteText, pairsOf } from '../../../../backend/bench/peers/rounds.ts';
import { disturbedNs, isNear, nearNs } from '../../../../backend/bench/placement.ts';

const leg = (mpps: number, probesNs: Leg['probesNs'] = [45, 46], p99 = 0): Leg => ({
  mpps,
  probesNs,
  latencyNs: p99 === 0 ? null : { p50: p99 / 2, p99, p999: p99 * 2 },
  driverBusy: 0.9,
  sent: 100,
  received: 90,
  features: [],
});
const pair = (own: Leg, peer: Leg): Pair => ({ own, peer, ownFirst: true });

describe('the probe', () => {
  it('is near below the limit, which lies between the two states of CPUs', () => {
    expect(nearNs).toBeGreaterThan(75);
    expect(nearNs).toBeLessThan(207);
    expect([43, 75, 99.9].every(isNear)).toBe(true);
    expect([nearNs, 207, 243, null].some(isNear)).toBe(false);
  });
});

describe('a pair', () => {
  it('counts when all four probes are near', () => {
    expect(counts(pair(leg(40), leg(20)))).toBe(true);
  });
  it.each([
    ['before ours', leg(40, [210, 45]), leg(20)],
    ['after ours', leg(40, [45, 210]), leg(20)],
    ['before the peer', leg(40), leg(20, [210, 45])],
    ['after the peer', leg(40), leg(20, [45, 210])],
    ['not known', leg(40, [45, null]), leg(20)],
  ])('does not count when one is far: %s', (_, own, peer) => {
    expect(counts(pair(own, peer))).toBe(false);
  });
  it.each([
    ['all far', [210, 220], [230, 240], true],
    ['near, then far', [45, 45], [210, 220], false],
    ['far, and once disturbed', [210, 220], [230, disturbedNs], false],
    ['far, and once not known', [210, null], [230, 240], false],
  ] as const)('of real guests counts where the CPUs were alike: %s', (_, own, peer, expected) => {
    const both = pair(leg(40, own), leg(20, peer));
    expect(counts({ ...both, placement: 'alike' })).toBe(expected);
    expect(counts(both)).toBe(false);
  });
  it('counts whatever the rates are', () => {
    expect(counts(pair(leg(0.001), leg(90)))).toBe(true);
  });
});

describe('a pair on far CPUs', () => {
  const far = pair(leg(40, [210, 220]), leg(20, [230, 240]));
  it('is neither one that counts nor one of mixed states', () => {
    expect([counts(far), countsFar(far)]).toEqual([false, true]);
    expect(countsFar(pair(leg(40), leg(20, [230, 240])))).toBe(false);
    expect(countsFar(pair(leg(40, [210, disturbedNs]), leg(20, [230, 240])))).toBe(false);
    expect(countsFar({ ...far, placement: 'alike' })).toBe(false);
  });
  it('is compared with its like alone', () => {
    const both = [far, pair(leg(90), leg(30))];
    expect(compare(both, byRate, countsFar).ratio.runs).toEqual([2]);
    expect(compare(both, byRate).ratio.runs).toEqual([3]);
  });
});

describe('the rounds of a row', () => {
  const far = pair(leg(40, [210, 220]), leg(20, [230, 240]));
  const near = pair(leg(40), leg(20));
  const signal = new AbortController().signal;
  const run = async (some: readonly Pair[], options: { nearOnly?: boolean } = {}) => {
    // Its deadline ends it where the pairs do not; `alike` spares the wait for near CPUs.
    const tools = {
      ...{ options: { pairs: 2, deadline: 1 / 600, ...options }, signal },
      probe: async () => null,
    };
    let round = 0;
    const measure = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return [some[Math.min(round++, some.length - 1)] ?? near];
    };
    const [pairs = []] = await pairsOf(tools, { settings: 1, placement: 'alike' }, measure);
    return { pairs, text: incompleteText(tools, pairs) };
  };
  it('are over when as many pairs have come as were wanted', async () => {
    expect(await run([near])).toEqual({ pairs: [near, near], text: null });
  });
  it('are over with as many of far CPUs, where not one was near', async () => {
    const { pairs, text } = await run([far]);
    expect(pairs).toEqual([far, far]);
    expect(text).toBe('0 of 2 pairs came on near CPUs (2 measured, 2 on far ones)');
  });
  it('go on to the deadline once a pair was near, or when near ones alone are wanted', async () => {
    expect((await run([near, far])).pairs.length).toBeGreaterThan(3);
    expect((await run([far], { nearOnly: true })).pairs.length).toBeGreaterThan(3);
  });
});

describe('the order of the legs', () => {
  it('turns round with each round', () => {
    expect(turnsOf(1, 0)).toEqual(['own', 0]);
    expect(turnsOf(1, 1)).toEqual([0, 'own']);
  });
  it('has ours next to both settings of a peer', () => {
    expect(turnsOf(2, 0)).toEqual([0, 'own', 1]);
    expect(turnsOf(2, 1)).toEqual([1, 'own', 0]);
  });
});

describe('the comparison', () => {
  const pairs = [
    pair(leg(40), leg(20)),
    pair(leg(60), leg(20)),
    pair(leg(50), leg(25)),
    pair(leg(10, [220, 221]), leg(10)),
  ];

  it('is the median of the ratios of the pairs that count, not of medians', () => {
    const { ratio, own, peer, others } = compare(pairs, byRate);
    expect(ratio).toEqual({ median: 2, min: 2, max: 3, runs: [2, 3, 2] });
    expect(own.median).toBe(50);
    expect(peer.runs).toEqual([20, 20, 25]);
    expect(others).toBe(1);
  });
  it('of delays has the peer above: more is better for us there too', () => {
    expect(advantage(pair(leg(1, [45, 45], 300), leg(1, [45, 45], 450)), byDelay)).toBe(1.5);
  });
  it('is nothing without pairs', () => {
    expect(compare([], byRate).ratio.runs).toEqual([]);
    expect(advantage(pair(leg(1), leg(0)), byRate)).toBe(0);
  });
});
