/** Both roles of the socket, either side first, and a back-end that comes back. */

import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arrived, Counts, eth0, Lab, modestPps, type Station, until, wholeStream } from './lab.ts';

let lab: Lab;
/** QEMU listens for `listening`, and connects for `connecting`. */
let listening: Station;
let connecting: Station;

beforeAll(async () => {
  lab = await Lab.create();
});
afterAll(() => lab?.close());

const client = { role: 'client', station: 1 } as const;
const server = { role: 'server', station: 2 } as const;
const frameBytes = 400;

async function addPorts(): Promise<void> {
  await lab.addPort('listening', client);
  await lab.addPort('connecting', server);
}

async function expectTraffic(stream: number): Promise<void> {
  const count = 500;
  await untilRunning();
  await lab.announce(listening, connecting);
  const counts = new Counts(...lab.backend.ports());
  for (const [from, to] of [
    [listening, connecting],
    [connecting, listening],
  ] as const) {
    const receiver = await to.agent.packetReceive({ interface: eth0 });
    const frame = { interface: eth0, destination: to.mac, frameBytes, stream };
    await from.agent.packetSend({ ...frame, count, ratePps: modestPps });
    await arrived(receiver, stream, count, counts);
    expect((await receiver.stop()).streams).toEqual([wholeStream(stream, count, frameBytes)]);
  }
  expect(counts.drops()).toEqual({});
}

async function untilRunning(): Promise<void> {
  const running = () =>
    lab.backend.ports().map((port) => {
      const rings = port.state().endpoint?.rings ?? [];
      return rings.length > 0 && rings.every(({ started }) => started);
    });
  await until('the rings of both running', running, (are) => are.every((is) => is));
}

describe('the socket of a port', () => {
  it('may be served before or after QEMU comes', async () => {
    const booting = Promise.all([lab.boot('listening', client), lab.boot('connecting', server)]);
    booting.catch(() => {});
    await until('the socket of QEMU', () => existsSync(lab.socketOf('listening')), Boolean);
    // QEMU is on its way to the other one, and finds nobody there.
    await delay(500);
    await addPorts();
    [listening, connecting] = await booting;
    expect(lab.port('listening').state().endpoint).toMatchObject({
      ...{ role: 'client', connected: true },
      peer: { pid: listening.guest.pid },
    });
    expect(lab.port('connecting').state().endpoint).toMatchObject({
      ...{ role: 'server', connected: true },
      peer: { pid: connecting.guest.pid },
    });
    await expectTraffic(1);
  });

  it('is found again by the next QEMU: we connect as soon as it listens', async () => {
    await listening.guest.kill();
    const { endpoint } = await until(
      'the front-end gone',
      () => lab.port('listening').state(),
      (state) => state.endpoint?.connected === false,
    );
    expect(endpoint).toMatchObject({ fault: null, memoryRegions: 0 });
    listening = await lab.boot('listening', client);
    await expectTraffic(2);
  });
});

describe('a back-end that was closed and comes back', () => {
  it.each([1, 2, 3])('has its guests back, time %i', async (time) => {
    await lab.closeBackend();
    expect(existsSync(lab.socketOf('connecting'))).toBe(false);
    await lab.startBackend();
    await addPorts();
    await expectTraffic(10 + time);
    expect([listening.guest.over, connecting.guest.over]).toEqual([false, false]);
  });

  it('under traffic: nothing comes twice, and nothing out of order', async () => {
    const stream = 20;
    const receiver = await connecting.agent.packetReceive({ interface: eth0 });
    const frame = { interface: eth0, destination: connecting.mac, frameBytes };
    const pace = { ratePps: modestPps, seconds: 3 };
    const sending = listening.agent.packetSend({ ...frame, ...pace, stream });
    await arrived(receiver, stream, 1);
    await lab.closeBackend();
    await lab.startBackend();
    await addPorts();
    await untilRunning();
    const { sent } = await sending;
    // What was sent before these is through when they are.
    await listening.agent.packetSend({ ...frame, count: 10, stream: stream + 1 });
    await arrived(receiver, stream + 1, 10);
    const { streams } = await receiver.stop();
    expect(streams).toHaveLength(2);
    expect(streams[0]).toMatchObject({ stream, corrupt: 0, reordered: 0, firstSequence: 0 });
    expect(streams[0]?.nextSequence).toBeLessThanOrEqual(sent);
  });
});
