/** How much of what all share one peer may use. docs/THREAT_MODEL.md names these tests. */

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { HostSource } from '../../backend/index.ts';
import { testBackend } from './support.ts';

const broadcast = 'ff:ff:ff:ff:ff:ff';
/** Frames must be delivered, however many there are. */
const unlimited = { stormBroadcast: 100_000_000 };

/** As fast as the worker takes them, for ever. */
function endless(stream: number, overrides: Partial<HostSource> = {}): HostSource {
  return {
    stream,
    frameBytes: 60,
    ratePps: 0,
    count: 0n,
    destination: broadcast,
    source: `02:00:00:00:00:0${stream}`,
    ...overrides,
  };
}

describe('a queue that never runs empty', () => {
  it('leaves turns to the others of its worker', async () => {
    const backend = await testBackend({ workers: 1, polling: 'busy' });
    const add = (port: string) =>
      backend.addPort({
        name: { switch: 'vale0', port },
        device: { kind: 'host' },
        settings: unlimited,
      });
    const [greedy, second, third] = [await add('a'), await add('b'), await add('c')];
    await greedy.startSource(endless(1));
    await sleep(100);
    await second.startSource(endless(2));
    await third.startSource(endless(3));
    // All three are read at one instant, so the time between two commands does not matter.
    const all = [greedy, second, third];
    const frames = () => all.map((port) => port.stats().counters.tx_frames);
    const before = frames();
    await sleep(400);
    const [sent = 0, ...others] = frames().map((now, index) => now - (before[index] ?? 0));
    for (const port of all) await port.stopSource();

    for (const other of others) expect(other / sent).toBeGreaterThan(0.7);
    for (const other of others) expect(other / sent).toBeLessThan(1.4);
  });

  it('gets as much as its budget says', async () => {
    const backend = await testBackend({ workers: 1, polling: 'busy' });
    const add = (port: string, budget: number) =>
      backend.addPort({
        name: { switch: 'vale0', port },
        device: { kind: 'host' },
        settings: { budget, ...unlimited },
      });
    const [large, small] = [await add('a', 64), await add('b', 8)];
    await add('c', 64);
    await large.startSource(endless(1));
    await small.startSource(endless(2));
    const frames = () => [large, small].map((port) => port.stats().counters.tx_frames);
    const before = frames();
    await sleep(400);
    const [ofLarge = 0, ofSmall = 0] = frames().map((now, index) => now - (before[index] ?? 0));
    const ratio = ofLarge / ofSmall;
    await large.stopSource();
    await small.stopSource();

    expect(ratio).toBeGreaterThan(6);
    expect(ratio).toBeLessThan(10);
  });
});
