/** A port waits for its peer for ever: a thousand attempts leave nothing behind. */

import { createServer } from 'node:net';
import { queryObjects } from 'node:v8';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PeerLog } from '../../../backend/log.ts';
import { StreamEndpoint } from '../../../backend/ports/stream/endpoint.ts';
import { Client } from '../../../backend/socket/client.ts';
import { Listener } from '../../../backend/socket/listener.ts';
import type { NativeFdSocket } from '../../../native/boundary/index.ts';
import { until } from '../support.ts';
import { addon, RecordingDatapath } from '../vhost-user/support.ts';

const log = new PeerLog({ debug() {}, info() {}, warn() {}, error() {} }, {});
const attempts = 1000;
/** Listeners that an attempt has while it is under way; of a leak there would be a thousand. */
const underWay = 8;

const { addEventListener: add, removeEventListener: remove } = EventTarget.prototype;
/** Listeners on abort signals: how many were added and not removed. */
let listening = 0;
const warnings: Error[] = [];
const onWarning = (warning: Error): void => void warnings.push(warning);

beforeEach(() => {
  listening = 0;
  warnings.length = 0;
  // Not a spy: that would hold what it was called with.
  Object.assign(EventTarget.prototype, {
    addEventListener(this: EventTarget, ...words: Parameters<typeof add>) {
      listening++;
      return add.apply(this, words);
    },
    removeEventListener(this: EventTarget, ...words: Parameters<typeof remove>) {
      listening--;
      return remove.apply(this, words);
    },
  });
  process.on('warning', onWarning);
});

afterEach(() => {
  vi.useRealTimers();
  Object.assign(EventTarget.prototype, { addEventListener: add, removeEventListener: remove });
  process.off('warning', onWarning);
});

/** Time passes until there were so many attempts. */
async function pass(count: () => number): Promise<void> {
  while (count() < attempts) {
    await vi.advanceTimersByTimeAsync(1000);
    // The kernel answers in real time.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function nothingLeft(promisesBefore: number): Promise<void> {
  vi.useRealTimers();
  expect(listening).toBeLessThanOrEqual(underWay);
  expect(warnings.filter(({ name }) => name !== 'ExperimentalWarning')).toEqual([]);
  // What a native object held goes with the second collection.
  await until(
    () => queryObjects(Promise, { format: 'count' }) - promisesBefore,
    (left) => left < attempts / 4,
  );
}

/** A port of this machine where nobody listens. */
async function nobody(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

describe('a thousand attempts', () => {
  it.each([['tcp'], ['unix']])('of a stream client over %s', async (kind) => {
    const address =
      kind === 'tcp' ? `tcp:127.0.0.1:${await nobody()}` : '/nonexistent/valenic-test.sock';
    let count = 0;
    const counting = {
      ...addon,
      connectTcp: (host: string, port: number) => {
        count++;
        return addon.connectTcp(host, port);
      },
      connectFdSocket: (path: string) => {
        count++;
        return addon.connectFdSocket(path);
      },
    };
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const datapath = new RecordingDatapath();
    const before = queryObjects(Promise, { format: 'count' });
    const link = new StreamEndpoint(
      { kind: 'stream', address, role: 'client' },
      { addon: counting, datapath, port: 1, name: 'v:s', mtu: () => 0, log, onChange: () => {} },
    );
    await link.start();
    await pass(() => count);
    await nothingLeft(before);
    await link.close();
  });

  it('of a vhost-user client', async () => {
    let count = 0;
    const connectFdSocket = (path: string): NativeFdSocket => {
      count++;
      return addon.connectFdSocket(path);
    };
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const before = queryObjects(Promise, { format: 'count' });
    const client = new Client({
      addon: { connectFdSocket },
      path: '/nonexistent/valenic-test.sock',
      serve: async () => 0,
      ...{ log, guest: 'peer', reconnectMinMs: 100, reconnectMaxMs: 1000 },
    });
    await pass(() => count);
    await nothingLeft(before);
    await client.close();
  });

  it('of second front-ends at a port that has one', async () => {
    let count = 0;
    let wake = () => {};
    const socket = { close: () => void count++ } as unknown as NativeFdSocket;
    const listener = {
      accept: () => socket,
      onceReadable: (again: () => void) => {
        wake = again;
      },
    };
    let end = () => {};
    const served = new Promise<void>((resolve) => {
      end = resolve;
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const before = queryObjects(Promise, { format: 'count' });
    const file = { listener: listener as never, close: async () => {} };
    const one = new Listener(file, { serve: () => served, log, guest: 'front-end' });
    await pass(() => count);
    await nothingLeft(before);
    end();
    const closed = one.close();
    wake();
    await closed;
  });
});
