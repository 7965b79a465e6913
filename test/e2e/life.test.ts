/**
 * A guest reboots, is killed and started again, its port is removed and added: its neighbours,
 * which talk to each other and to everybody all the while, miss nothing.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Port } from '../../backend/index.ts';
import type { AgentReceiver } from '../../qemu/index.ts';
import {
  arrived,
  broadcast,
  Counts,
  eth0,
  Lab,
  modestPps,
  type Station,
  steadyPps,
  until,
  wholeStream,
} from './lab.ts';

let lab: Lab;
let a: Station;
let b: Station;
let c: Station;
/** Of the guest that comes and goes. */
let port: Port;

beforeAll(async () => {
  lab = await Lab.create();
  [a, b, c] = await lab.bootAll('a', 'b', 'c');
  port = lab.port('c');
  await lab.announce(a, b, c);
});
afterAll(() => lab?.close());

const frameBytes = 300;
/** An agent tells at most 64 streams apart: two of them for each of these. */
const pieceSeconds = 2;

interface Piece {
  readonly receiver: AgentReceiver;
  readonly stream: number;
  readonly sent: number;
}

/** Runs the work while `a` and `b` send to each other and `a` to all, and expects it all there. */
async function undisturbed(work: () => Promise<void>): Promise<void> {
  const counts = new Counts(lab.port('a'), lab.port('b'));
  const [atA, atB] = [
    await a.agent.packetReceive({ interface: eth0 }),
    await b.agent.packetReceive({ interface: eth0 }),
  ];
  const state = { over: false };
  const working = work().finally(() => {
    state.over = true;
  });
  const pieces = async (
    from: Station,
    destination: string,
    receiver: AgentReceiver,
    at: number,
  ) => {
    const done: Piece[] = [];
    for (let stream = at; !state.over; stream += 2) {
      const frame = { interface: eth0, destination, frameBytes, stream };
      const pace = { seconds: pieceSeconds, ratePps: steadyPps };
      const { sent } = await from.agent.packetSend({ ...frame, ...pace });
      done.push({ receiver, stream, sent });
    }
    return done;
  };
  const [, ...sent] = await Promise.all([
    working,
    ...[pieces(a, b.mac, atB, 0), pieces(b, a.mac, atA, 0), pieces(a, broadcast, atB, 1)],
  ]);
  const all = sent.flat();
  for (const { receiver, stream, sent } of all) await arrived(receiver, stream, sent, counts);
  for (const receiver of [atA, atB]) {
    const { streams, ...rest } = await receiver.stop();
    expect(rest).toMatchObject({ corrupt: 0, refused: 0, kernelDropped: 0 });
    const wanted = all
      .filter((piece) => piece.receiver === receiver)
      .map(({ stream, sent }) => wholeStream(stream, sent, frameBytes));
    expect(streams).toEqual(wanted.sort((x, y) => x.stream - y.stream));
  }
  expect(counts.drops()).toEqual({});
}

/** Every frame for everybody reached the guest or was dropped under a name, on its port. */
function expectClosedBooks(counts: Counts): void {
  const [change] = counts.changes();
  expect(change?.counters.rx_flooded).toBeGreaterThan(0);
  expect(counts.received() + counts.dropped()).toBe(change?.counters.rx_flooded);
}

async function expectWorks(station: Station): Promise<void> {
  await lab.announce(station);
  const stream = 1000;
  const receiver = await station.agent.packetReceive({ interface: eth0 });
  const back = await a.agent.packetReceive({ interface: eth0 });
  const frame = { interface: eth0, frameBytes, stream, count: 500, ratePps: modestPps };
  await a.agent.packetSend({ ...frame, destination: station.mac });
  await station.agent.packetSend({ ...frame, destination: a.mac });
  for (const [job, counted] of [
    [receiver, new Counts(lab.port(station.name))],
    [back, new Counts(lab.port('a'))],
  ] as const) {
    await arrived(job, stream, 500, counted);
    expect((await job.stop()).streams).toEqual([wholeStream(stream, 500, frameBytes)]);
  }
}

const connected = () => port.state().endpoint?.connected;
const running = () => port.state().endpoint?.rings?.every(({ started }) => started);

describe('under traffic between its neighbours', () => {
  it('a guest works before anything happens to it', () => expectWorks(c));

  it('a guest reboots', async () => {
    const counts = new Counts(port);
    await undisturbed(async () => {
      await c.guest.reboot();
      await c.agent.link(eth0, true);
    });
    expectClosedBooks(counts);
    expect(counts.dropped()).toBeGreaterThan(0);
    await expectWorks(c);
  });

  it('a guest is killed and started again, and the counters of its port go on', async () => {
    const counts = new Counts(port);
    const before = port.stats();
    await undisturbed(async () => {
      process.kill(c.guest.pid, 'SIGKILL');
      expect(await c.guest.exited).toMatchObject({ signal: 'SIGKILL', expected: false });
      await until('the front-end gone', connected, (is) => is === false);
      expect(port.state().endpoint).toMatchObject({ memoryRegions: 0, fault: null });
      c = await lab.boot('c', { station: 3 });
      await until('the rings running', running, (are) => are === true);
    });
    expectClosedBooks(counts);
    expect(counts.drops()).toHaveProperty('rx_ring_stopped');
    expect(lab.port('c')).toBe(port);
    for (const [name, value] of Object.entries(port.stats().counters)) {
      expect(value).toBeGreaterThanOrEqual(before.counters[name as keyof typeof before.counters]);
    }
    await expectWorks(c);
  });

  it('a port is removed and added again, and its guest finds it', async () => {
    await undisturbed(async () => {
      await lab.removePort('c');
      expect(lab.backend.ports().map(({ name }) => name)).toEqual(['vale0:a', 'vale0:b']);
      port = await lab.addPort('c');
      expect(port.stats().counters.tx_frames).toBe(0);
      await until('the rings running', running, (are) => are === true);
    });
    expect(c.guest.over).toBe(false);
    await expectWorks(c);
  });

  it('a port is removed and added ten times', async () => {
    await undisturbed(async () => {
      for (let turn = 0; turn < 10; turn += 1) {
        await lab.removePort('c');
        port = await lab.addPort('c');
      }
      await until('the rings running', running, (are) => are === true);
    });
    expect(c.guest.over).toBe(false);
    await expectWorks(c);
  });
});
