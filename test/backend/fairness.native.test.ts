/** How much of what all share one peer may use. docs/THREAT_MODEL.md names these tests. */

import { describe, expect, it } from 'vitest';
import type { HostSource, Port } from '../../backend/index.ts';
import { testBackend, until } from './support.ts';

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

/** Of all ports together: as many that a round more or less of one is no matter. */
const manyFrames = 300_000;
/** What the worker may send between two looks: it goes on while we look, or while we are not. */
const skewFrames = manyFrames / 100;

/** What each port has sent, all at one moment. */
async function sentBy(ports: readonly Port[]): Promise<readonly number[]> {
  const look = () => ports.map((port) => port.stats().counters.tx_frames);
  const [frames = []] = await until(
    () => [look(), look()],
    ([first = [], second = []]) => sum(second) - sum(first) < skewFrames,
  );
  return frames;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

/** What each sent of the next frames of all together. */
async function shares(ports: readonly Port[]): Promise<readonly number[]> {
  const before = await sentBy(ports);
  const sent = async () => (await sentBy(ports)).map((now, index) => now - (before[index] ?? 0));
  return until(sent, (frames) => sum(frames) > manyFrames);
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
    await until(
      () => greedy.stats().counters.tx_frames,
      (frames) => frames > 0,
    );
    await second.startSource(endless(2));
    await third.startSource(endless(3));
    const all = [greedy, second, third];
    const [sent = 0, ...others] = await shares(all);
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
    const [ofLarge = 0, ofSmall = 0] = await shares([large, small]);
    const ratio = ofLarge / ofSmall;
    await large.stopSource();
    await small.stopSource();

    expect(ratio).toBeGreaterThan(6);
    expect(ratio).toBeLessThan(10);
  });
});
