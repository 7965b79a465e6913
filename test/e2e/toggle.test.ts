/**
 * Polling mode and `more` change every 100 ms under traffic: each frame is delivered once, or has
 * been dropped under a name. The streams are numbered, so the books close exactly.
 *
 * VALENIC_TOGGLE_SECONDS shortens the minute for work on this.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PollingMode, pollingModes } from '../../native/boundary/index.ts';
import type { PmdReport, StreamReport } from '../../qemu/index.ts';
import { arrived, Counts, eth0, Lab, type Station, steadyPps, until, wholeStream } from './lab.ts';

const seconds = Number(process.env.VALENIC_TOGGLE_SECONDS ?? 60);
/** The part of it with more traffic than the receiver takes. */
const floodSeconds = seconds / 6;
const toggleMs = 100;
const frameBytes = 128;

let lab: Lab;
let a: Station;
let b: Station;

beforeAll(async () => {
  lab = await Lab.create({ workers: 2 });
  [a, b] = await lab.bootAll('a', 'b');
  await lab.announce(a, b);
});
afterAll(() => lab?.close());

/** Changes the settings of all ports until the work is done; returns how often it did. */
async function togglingDuring(work: Promise<unknown>): Promise<number> {
  let changes = 0;
  let over = false;
  const ended = work.finally(() => {
    over = true;
  });
  ended.catch(() => {});
  while (!over) {
    const polling: PollingMode = pollingModes[changes % pollingModes.length] ?? 'busy';
    const more = changes % 2 === 0;
    for (const port of lab.backend.ports()) {
      await port.set({ polling, more });
      expect(port.state().settings).toMatchObject({ polling, more });
    }
    changes += 1;
    await delay(toggleMs);
  }
  await ended;
  return changes;
}

describe('polling mode and more toggled under traffic', () => {
  it('lose nothing below what the receivers take', async () => {
    const counts = new Counts(lab.port('a'), lab.port('b'));
    const sending = seconds - floodSeconds;
    const oneWay = async (from: Station, to: Station, stream: number) => {
      const receiver = await to.agent.packetReceive({ interface: eth0 });
      const frame = { interface: eth0, destination: to.mac, frameBytes, stream };
      const pace = { seconds: sending, ratePps: steadyPps };
      const { sent } = await from.agent.packetSend({ ...frame, ...pace });
      await arrived(receiver, stream, sent, counts);
      const report = await receiver.stop();
      expect(report).toMatchObject({ corrupt: 0, kernelDropped: 0 });
      expect(report.streams).toEqual([wholeStream(stream, sent, frameBytes)]);
      return sent;
    };
    const work = Promise.all([oneWay(a, b, 1), oneWay(b, a, 2)]);
    const changes = await togglingDuring(work);
    expect(counts.drops()).toEqual({});
    const [there, back] = await work;
    expect(there).toBeGreaterThan(sending * 100);
    expect(back).toBeGreaterThan(sending * 100);
    console.log(`${there} and ${back} frames, none lost, during ${changes} changes`);
  });

  it('account for every frame beyond it', async () => {
    const counts = new Counts(lab.port('a'), lab.port('b'));
    const stream = 3;
    // Poll-mode drivers: as fast as the guest can, and no kernel that drops frames on its own.
    const receiver = await b.agent.pmdStart({ interface: eth0 });
    const frame = { interface: eth0, destination: b.mac, source: a.mac, frameBytes, stream };
    const sender = await a.agent.pmdStart({ ...frame, seconds: floodSeconds });
    const changes = await togglingDuring(finished(() => sender.report()));
    const { sent } = await sender.stop();
    const books = async () => ({
      received: (await receiver.report()).received,
      dropped: counts.drops(),
    });
    const last = await until(
      `${sent} frames accounted for`,
      books,
      ({ received }) => received + counts.dropped() >= sent,
    );
    const report = await receiver.stop();
    expect(report.received + counts.dropped()).toBe(sent);
    expect(report.streams).toMatchObject([{ stream, reordered: 0, corrupt: 0 }]);
    // What is missing between the first and the last frame is a gap, and each gap has a name.
    expect(missing(report.streams[0], sent)).toBe(counts.dropped());
    const drops = JSON.stringify(last.dropped);
    console.log(`${sent} sent, ${report.received} received, ${drops}, ${changes} changes`);
  });
});

function missing(stream: StreamReport | undefined, sent: number): number {
  if (stream === undefined) return sent;
  return stream.firstSequence + stream.gaps + (sent - stream.nextSequence);
}

async function finished(report: () => Promise<PmdReport>): Promise<void> {
  while (!(await report()).done) await delay(toggleMs);
}
