/**
 * After a front-end kept a worker waiting, nobody is served for a while: otherwise it could come
 * back at once and do it again for ever. Time is the test's own here.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  VhostUserEndpoint,
  type VhostUserEndpointOptions,
} from '../../../backend/vhost-user/index.ts';
import { addon, eventually, Frontend, later, RecordingDatapath, RecordingLog } from './support.ts';

let path = '';
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'valenic-'));
  path = join(folder, 'vm1.sock');
  later(() => rmSync(folder, { recursive: true, force: true }));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  later(() => void vi.useRealTimers());
});

const port = 3;
const restMs = 5000;
/** How long a newcomer waits for the one before: listener.ts. */
const graceMs = 500;
const costly = ['notification_blocked', 'worker_stalled'] as const;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

async function made(options: Partial<VhostUserEndpointOptions> = {}) {
  const [datapath, log] = [new RecordingDatapath(), new RecordingLog()];
  const endpoint = new VhostUserEndpoint({
    ...{ addon, datapath, log, port, name: 'vale0:vm1', path, role: 'server', queues: 1 },
    ...options,
  });
  later(() => endpoint.close());
  await endpoint.start();
  return { endpoint, log };
}

const connect = () => new Frontend(addon.connectFdSocket(path));

/** What the datapath says of a device that it closed. */
async function ended(
  endpoint: VhostUserEndpoint,
  frontend: Frontend,
  fault: (typeof costly)[number] | 'memory_truncated',
): Promise<void> {
  await frontend.settled();
  endpoint.handleEvent({ event: 'device_fault', port, fault });
  expect(await frontend.refused()).toBe(true);
  await eventually(() =>
    expect(endpoint.state()).toMatchObject({ connected: false, fault: { code: fault } }),
  );
}

/** A newcomer, once the endpoint makes it wait. */
async function waiting(): Promise<Frontend> {
  const timers = vi.getTimerCount();
  const newcomer = connect();
  await eventually(() => expect(vi.getTimerCount()).toBe(timers + 1));
  return newcomer;
}

describe.each(costly)('after %s', (fault) => {
  it('nobody is served for five seconds, and then whoever comes', async () => {
    const { endpoint, log } = await made();
    await ended(endpoint, connect(), fault);

    const early = await waiting();
    await pass(graceMs);
    expect(await early.refused()).toBe(true);
    expect(log.messages('warn').at(-1)).toBe(
      'a front-end was turned away: the last one kept a worker waiting, ' +
        'so nobody is served for 5 seconds',
    );

    await pass(restMs - graceMs - 1);
    const next = await waiting();
    expect(endpoint.state().connected).toBe(false);
    await pass(1);
    await next.settled();
    expect(endpoint.state()).toMatchObject({ connected: true, fault: null });
  });

  it('we do not connect for as long, where the front-end listens', async () => {
    const listener = addon.listenFdSocket(path, 4, 0o600);
    later(() => listener.close());
    const { endpoint } = await made({ role: 'client' });
    const first = listener.accept();
    if (first === null) throw new Error('it did not connect');
    await ended(endpoint, new Frontend(first), fault);

    await pass(restMs - 1);
    expect(listener.accept()).toBeNull();
    await pass(1 + 1000); // The longest pause between two attempts.
    const next = listener.accept();
    if (next === null) throw new Error('it did not connect again');
    await new Frontend(next).settled();
  });

  it('the end of the port waits for nothing', async () => {
    const { endpoint } = await made();
    await ended(endpoint, connect(), fault);
    await endpoint.close();
  });
});

it('after a fault that costs nobody else, the next is served at once', async () => {
  const { endpoint } = await made();
  await ended(endpoint, connect(), 'memory_truncated');
  await connect().settled();
  expect(endpoint.state()).toMatchObject({ connected: true, fault: null });
});
