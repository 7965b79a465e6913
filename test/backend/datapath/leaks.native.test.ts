/**
 * After much work a daemon holds what it held before: promises, descriptors,
 * mappings, threads, listeners. Counted, since memory as the kernel sees it comes and goes.
 */

import { connect } from 'node:net';
import { join } from 'node:path';
import { queryObjects } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { serveConfig } from '../../../backend/config/index.ts';
import { ControlClient, Daemon } from '../../../backend/daemon/index.ts';
import { type Backend, createBackend } from '../../../backend/index.ts';
import { heldBy } from '../daemon/process.ts';
import { testBackend, testFolder, until } from '../support.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };

interface Held {
  readonly promises: number;
  readonly signals: number;
  readonly fds: number;
  readonly threads: number;
  readonly mappings: number;
}

/** Collects garbage too. */
function held(): Held {
  const { fds, threads, mappings } = heldBy(process.pid);
  const promises = queryObjects(Promise, { format: 'count' });
  const signals = queryObjects(AbortController, { format: 'count' });
  return { promises, signals, fds, threads, mappings };
}

/**
 * Does something once, so that everything made on first use exists, and then `times` more.
 *
 * What is held may differ by what happens to be under way, and by no more, however often.
 */
async function leavesNothing(times: number, once: () => Promise<unknown>): Promise<void> {
  for (let at = 0; at < 20; at++) await once();
  const before = held();
  for (let at = 0; at < times; at++) await once();
  const slack = Math.min(100, times / 2);
  const wrong = (now: Held) =>
    (Object.keys(before) as (keyof Held)[]).filter((key) => now[key] > before[key] + slackOf(key));
  const slackOf = (key: keyof Held) => (key === 'fds' || key === 'threads' ? 2 : slack);
  const after = await until(held, (now) => wrong(now).length === 0).catch(held);
  expect({ wrong: wrong(after), before, after }).toEqual({ wrong: [], before, after });
}

const guest = (folder: string) =>
  ({ kind: 'vhost-user', path: join(folder, 'g.sock'), role: 'server', queues: 1 }) as const;

async function withGuest(): Promise<{ backend: Backend; folder: string }> {
  const [backend, folder] = [await testBackend(), await testFolder()];
  const name = { switch: 'v', port: 'g' };
  await backend.addPort({ name, device: guest(folder), settings: {} });
  return { backend, folder };
}

// Thousands of turns: half a minute where others use the CPUs too.
describe('nothing is left behind by', { timeout: 180_000 }, () => {
  it('commands of the datapath, answered or refused', async () => {
    const { backend } = await withGuest();
    const port = backend.ports()[0];
    await leavesNothing(20_000, async () => port?.state());
    await leavesNothing(2000, async () => port?.set({ budget: 0 }).catch(() => {}));
  });

  it('front-ends that come and go', async () => {
    const { folder } = await withGuest();
    await leavesNothing(500, async () => {
      const socket = connect(join(folder, 'g.sock'));
      socket.on('connect', () => socket.destroy());
      socket.on('error', () => {}); // EAGAIN: the one before is still being seen off.
      await new Promise((resolve) => socket.once('close', resolve));
    });
  });

  it('ports that are added and removed', async () => {
    const [backend, folder] = [await testBackend(), await testFolder()];
    const name = { switch: 'v', port: 'p' };
    const address = join(folder, 's.sock');
    const stream = { kind: 'stream', address, role: 'server' } as const;
    for (const device of [guest(folder), stream, { kind: 'host' } as const]) {
      await leavesNothing(200, async () => {
        await backend.addPort({ name, device, settings: {} });
        await backend.removePort(name);
      });
    }
  });

  it('backends that are made and closed, each with its threads', async () => {
    const path = join(await testFolder(), 's.sock');
    await leavesNothing(40, async () => {
      const backend = await createBackend({ workers: 2 });
      const device = { kind: 'stream', address: path, role: 'server' } as const;
      await backend.addPort({ name: { switch: 'v', port: 'p' }, device, settings: {} });
      expect(backend.ports()[0]?.stats().counters.tx_frames).toBe(0);
      await backend.close();
    });
  });

  it('requests of the control API', async () => {
    const folder = await testFolder();
    const control = join(folder, 'control.sock');
    const daemon = await Daemon.start({ config: serveConfig([{ control, ports: [] }]), log });
    try {
      const client = new ControlClient(control);
      const device = guest(folder);
      await client.addPort({ name: 'vale0:g', device });
      await leavesNothing(500, () => client.port('vale0:g'));
      await leavesNothing(500, () => client.stats());
      await leavesNothing(200, () => client.port('vale0:absent').catch(() => {}));
    } finally {
      await daemon.close();
    }
  });
});
