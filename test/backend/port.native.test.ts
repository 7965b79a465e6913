/**
 * Host ports on the real datapath: what is sent arrives, to the last frame, whatever is toggled.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  type Backend,
  dropped,
  dropsThatHappened,
  type HostSource,
  type PollingMode,
  type Port,
} from '../../backend/index.ts';
import { testBackend, until } from './support.ts';

const macs = { a: '52:54:00:00:0a:01', b: '52:54:00:00:0b:01', c: '52:54:00:00:0c:01' } as const;
type Name = keyof typeof macs;
const modes: readonly PollingMode[] = ['busy', 'adaptive', 'event'];

async function hostPort(backend: Backend, port: Name): Promise<Port> {
  const name = { switch: 'vale0', port };
  return backend.addPort({ name, device: { kind: 'host' }, settings: {} });
}

/** A stream from one port to another, as fast as it is taken. */
function stream(from: Name, to: Name, change: Partial<HostSource> = {}): HostSource {
  const addresses = { source: macs[from], destination: macs[to] };
  return { stream: 1, frameBytes: 60, ratePps: 0, count: 0n, ...addresses, ...change };
}

/** The sink's books of stream 1; null while nothing came. */
async function booksOf(sink: Port) {
  return (await sink.report()).streams.find((row) => row.stream === 1) ?? null;
}

async function arrived(sink: Port, frames: bigint) {
  const books = await until(
    () => booksOf(sink),
    (seen) => (seen?.frames ?? 0n) >= frames,
  );
  if (books === null) throw new Error('nothing arrived');
  return books;
}

describe('frames from one host port to another', () => {
  it.each<[PollingMode, boolean]>([
    ['busy', true],
    ['busy', false],
    ['adaptive', true],
    ['adaptive', false],
    ['event', true],
    ['event', false],
  ])('all arrive, in order and intact: %s, more %s', async (polling, more) => {
    const backend = await testBackend({ polling });
    const [a, b] = [await hostPort(backend, 'a'), await hostPort(backend, 'b')];
    for (const port of [a, b]) await port.more(more);
    await a.startSource(stream('a', 'b', { frameBytes: 1514, count: 20_000n }));
    const books = await arrived(b, 20_000n);
    expect(await a.stopSource()).toBe(20_000n);
    expect(books).toMatchObject({
      ...{ frames: 20_000n, bytes: 20_000n * 1514n, firstSequence: 0n, nextSequence: 20_000n },
      ...{ gaps: 0n, reordered: 0n, corrupt: 0n },
    });
    const { tx_frames, tx_bytes, tx_batches } = a.stats().counters;
    expect({ tx_frames, tx_bytes }).toEqual({ tx_frames: 20_000, tx_bytes: 20_000 * 1514 });
    if (!more) expect(tx_batches).toBe(20_000);
    else expect(tx_batches).toBeLessThan(20_000);
    expect(b.stats().counters.rx_frames).toBe(20_000);
  });

  it('are neither lost nor doubled while every setting is toggled', async () => {
    const backend = await testBackend();
    const [a, b] = [await hostPort(backend, 'a'), await hostPort(backend, 'b')];
    await a.startSource(stream('a', 'b'));
    for (let turn = 0; turn < 40; turn++) {
      const polling = modes[turn % modes.length] ?? 'busy';
      for (const port of [a, b]) await port.set({ polling, more: turn % 2 === 0 });
      await a.set({ budget: (turn % 64) + 1, spinUs: turn * 10 });
      await b.set({ moderationFrames: turn + 1, moderationUs: turn });
      await sleep(3);
    }
    const sent = await a.stopSource();
    expect(sent).toBeGreaterThan(1000n);
    const books = await arrived(b, sent);
    expect(books).toMatchObject({ frames: sent, gaps: 0n, reordered: 0n, corrupt: 0n });
    expect([a, b].map((port) => dropped(port.stats()))).toEqual([0, 0]);
  });

  it('keep their pace: a source of 1000 a second in a sleeping worker', async () => {
    const backend = await testBackend({ polling: 'event' });
    const [a, b] = [await hostPort(backend, 'a'), await hostPort(backend, 'b')];
    const begun = performance.now();
    await a.startSource(stream('a', 'b', { ratePps: 1000, count: 300n }));
    await arrived(b, 300n);
    // The 300th is due after 299 ms; this host may be slow, but never early.
    expect(performance.now() - begun).toBeGreaterThan(295);
    // On a busy host one wake-up serves several frames.
    expect(backend.workerStats()[0]?.sleeps).toBeGreaterThan(10);
  });

  it('move between workers under traffic: nothing is lost, nothing overtakes', async () => {
    const backend = await testBackend({ workers: 3 });
    const [a, b] = [await hostPort(backend, 'a'), await hostPort(backend, 'b')];
    expect([a.workers, b.workers]).toEqual([[0], [1]]);
    await b.startSource(stream('b', 'a', { count: 1n }));
    await arrived(a, 1n);
    await a.startSource(stream('a', 'b', { count: 300_000n }));
    for (let turn = 0; turn < 60; turn++) {
      await a.move(0, turn % 3);
      await b.spread([(turn + 1) % 3]);
      await sleep(turn % 3);
    }
    expect([a.workers, b.workers]).toEqual([[2], [0]]);
    const books = await arrived(b, 300_000n);
    expect(books).toMatchObject({ frames: 300_000n, gaps: 0n, corrupt: 0n });
    expect(dropped(a.stats()) + dropped(b.stats())).toBe(0);
  });

  it('refuse to move to a worker, or a queue pair, that is not there', async () => {
    const backend = await testBackend({ workers: 2 });
    const a = await hostPort(backend, 'a');
    for (const [pair, worker] of [
      [1, 0],
      [0, 2],
      [0, -1],
      [0.5, 0],
    ] as const) {
      await expect(a.move(pair, worker)).rejects.toMatchObject({ code: 'value_invalid' });
    }
    await expect(a.spread([])).rejects.toMatchObject({ code: 'value_invalid' });
    await expect(a.spread([0, 7])).rejects.toThrow('there is no worker 7: 0 to 1 are');
    expect(a.workers).toEqual([0]);
  });

  it('go both ways at once between two workers', async () => {
    const backend = await testBackend({ workers: 2 });
    const [a, b] = [await hostPort(backend, 'a'), await hostPort(backend, 'b')];
    expect(new Set(backend.workerThreads).size).toBe(2);
    await Promise.all([
      a.startSource(stream('a', 'b', { count: 30_000n })),
      b.startSource(stream('b', 'a', { count: 30_000n })),
    ]);
    for (const port of [a, b]) {
      const books = await arrived(port, 30_000n);
      expect(books).toMatchObject({ frames: 30_000n, gaps: 0n, reordered: 0n, corrupt: 0n });
    }
    for (const worker of backend.workerStats()) expect(worker.rounds_with_work).toBeGreaterThan(0);
  });
});

describe('the switch between host ports', () => {
  it('floods until an address is known, then sends to its port alone', async () => {
    const backend = await testBackend();
    const [a, b, c] = [
      await hostPort(backend, 'a'),
      await hostPort(backend, 'b'),
      await hostPort(backend, 'c'),
    ];
    await a.startSource(stream('a', 'b', { count: 10n }));
    await arrived(c, 10n);
    expect(c.stats().counters.rx_flooded).toBe(10);
    expect(await a.macs()).toEqual([macs.a]);
    await b.startSource(stream('b', 'a', { count: 1n, stream: 2 }));
    await until(
      () => b.macs(),
      (known) => known.includes(macs.b),
    );
    await a.stopSource();
    await a.startSource(stream('a', 'b', { count: 500n }));
    await until(
      () => b.stats().counters.rx_frames,
      (frames) => frames === 510,
    );
    expect(c.stats().counters.rx_frames).toBe(10);
  });

  it('forgets the addresses of a port, and learns them again', async () => {
    const backend = await testBackend();
    const [a] = [await hostPort(backend, 'a'), await hostPort(backend, 'b')];
    for (const _ of ['once', 'again']) {
      await a.startSource(stream('a', 'b', { count: 1n }));
      await until(
        () => a.macs(),
        (all) => all.length === 1,
      );
      await a.stopSource();
      expect(await a.forgetMacs()).toBe(1);
      expect(await a.macs()).toEqual([]);
    }
    expect(await a.forgetMacs()).toBe(0);
  });

  it('counts frames of and for a port that is down, and forgets its address', async () => {
    const backend = await testBackend();
    const [a, b] = [await hostPort(backend, 'a'), await hostPort(backend, 'b')];
    await b.set({ up: false });
    await a.startSource(stream('a', 'b', { count: 25n }));
    await until(
      () => b.stats().drops.rx_port_down,
      (frames) => frames === 25,
    );
    await a.stopSource();
    expect(await a.macs()).toEqual([macs.a]);
    await a.set({ up: false });
    expect(await a.macs()).toEqual([]);
    await a.startSource(stream('a', 'b', { count: 7n }));
    await until(
      () => a.stats().drops.tx_port_down,
      (frames) => frames === 7,
    );
    expect(dropsThatHappened(a.stats())).toEqual({ tx_port_down: 7 });
    expect(b.stats().counters.rx_frames).toBe(0);
  });

  it('counts frames that have nowhere to go', async () => {
    const backend = await testBackend();
    const a = await hostPort(backend, 'a');
    await a.startSource(stream('a', 'b', { count: 12n }));
    await until(
      () => a.stats().drops.tx_no_destination,
      (frames) => frames === 12,
    );
  });

  it('stay in the VLAN that a port has, and follow it into another', async () => {
    const backend = await testBackend();
    const [a, b] = [await hostPort(backend, 'a'), await hostPort(backend, 'b')];
    await a.set({ vlan: { mode: 'access', vlan: 10 } });
    await a.startSource(stream('a', 'b', { count: 9n }));
    await until(
      () => a.stats().drops.tx_no_destination,
      (frames) => frames === 9,
    );
    expect(b.stats().counters.rx_frames).toBe(0);
    await a.stopSource();
    await b.set({ vlan: { mode: 'access', vlan: 10 } });
    expect(b.state().settings.vlan).toEqual({ mode: 'access', vlan: 10 });
    await a.startSource(stream('a', 'b', { count: 9n }));
    await arrived(b, 9n);
    await a.stopSource();
    // A probe has no tag, and this trunk has no VLAN for untagged frames.
    await a.set({ vlan: { mode: 'trunk', vlans: [[1, 4094]] } });
    expect(await a.macs()).toEqual([]);
    await a.startSource(stream('a', 'b', { count: 9n }));
    await until(
      () => a.stats().drops.tx_vlan_refused,
      (frames) => frames === 9,
    );
    await a.stopSource();
    await a.set({ vlan: { mode: 'trunk', vlans: [[1, 4094]], native: 10 } });
    await b.report({ reset: true });
    await a.startSource(stream('a', 'b', { count: 9n }));
    await arrived(b, 9n);
  });

  it.each([
    { mode: 'access', vlan: 0 },
    { mode: 'tunnel', vlan: 4095 },
    { mode: 'trunk', vlans: [] },
    { mode: 'trunk', vlans: [[0, 4]] },
    { mode: 'trunk', vlans: [[20, 10]] },
    { mode: 'trunk', vlans: [[1, 4094]], native: 0 },
  ] as const)('the library and the datapath refuse %j as VLANs', async (vlan) => {
    const backend = await testBackend();
    const a = await hostPort(backend, 'a');
    await expect(a.set({ vlan })).rejects.toMatchObject({ code: 'value_invalid' });
    const past = backend.datapath.command('port.set', { port: a.id, settings: { vlan } });
    await expect(past).rejects.toMatchObject({ code: 'datapath_failed' });
    expect(a.settings.vlan).toEqual({ mode: 'none' });
  });

  it('learns no more addresses than a port may have', async () => {
    const backend = await testBackend();
    const a = await hostPort(backend, 'a');
    await hostPort(backend, 'b');
    await a.set({ macLimit: 0 });
    await a.startSource(stream('a', 'b', { count: 5n }));
    await until(
      () => a.stats().counters.macs_refused,
      (refused) => refused > 0,
    );
    expect(await a.macs()).toEqual([]);
  });
});

describe('a port', () => {
  it('that is taken away under traffic takes nothing else along', async () => {
    const backend = await testBackend();
    const [a, b, c] = [
      await hostPort(backend, 'a'),
      await hostPort(backend, 'b'),
      await hostPort(backend, 'c'),
    ];
    await c.startSource(stream('c', 'a', { count: 1n, stream: 9 }));
    await until(
      () => c.macs(),
      (known) => known.length === 1,
    );
    await a.startSource(stream('a', 'c'));
    for (let turn = 0; turn < 10; turn++) {
      await backend.removePort({ switch: 'vale0', port: 'b' });
      await hostPort(backend, 'b');
    }
    const sent = await a.stopSource();
    const books = await arrived(c, sent);
    expect(books).toMatchObject({ frames: sent, gaps: 0n, reordered: 0n, corrupt: 0n });
    expect(() => backend.port(b.spec.name)).not.toThrow();
  });

  it('starts its counters at zero where another port counted before', async () => {
    const backend = await testBackend();
    const [a, b] = [await hostPort(backend, 'a'), await hostPort(backend, 'b')];
    await a.startSource(stream('a', 'b', { count: 100n }));
    await arrived(b, 100n);
    await backend.removePort(b.spec.name);
    const again = await hostPort(backend, 'b');
    expect(again.stats().counters.rx_frames).toBe(0);
  });

  it('tells its settings as they were set', async () => {
    const backend = await testBackend({ polling: 'busy' });
    const a = await hostPort(backend, 'a');
    expect(a.settings).toMatchObject({ polling: 'busy', more: true, budget: 64 });
    await a.polling('adaptive', 120);
    await a.more(false);
    expect(a.state()).toMatchObject({
      ...{ name: 'vale0:a', kind: 'host' },
      settings: { polling: 'adaptive', spinUs: 120, more: false },
    });
  });

  it('keeps its settings when a change is refused', async () => {
    const backend = await testBackend();
    const a = await hostPort(backend, 'a');
    const before = a.settings;
    const refused = (code: string) => expect.objectContaining({ code });
    for (const change of [{ budget: 0 }, { spinUs: 1_000_001, more: false }]) {
      await expect(a.set(change)).rejects.toEqual(refused('value_invalid'));
      const past = backend.datapath.command('port.set', { port: a.id, settings: change });
      await expect(past).rejects.toEqual(refused('datapath_failed'));
    }
    expect(a.settings).toEqual(before);
  });

  it.each([
    ['a frame below 60 bytes', { frameBytes: 59 }],
    ['a frame above 9014 bytes', { frameBytes: 9015 }],
    ['a group address as its source', { source: '01:00:5e:00:00:01' }],
    ['a destination that is not an address', { destination: 'b' }],
  ])('refuses a source with %s', async (_, change) => {
    const backend = await testBackend();
    const a = await hostPort(backend, 'a');
    await expect(a.startSource(stream('a', 'b', change))).rejects.toMatchObject({
      ...{ code: 'datapath_failed', nativeCode: 'invalid_argument' },
    });
  });

  it('refuses a second source', async () => {
    const backend = await testBackend();
    const a = await hostPort(backend, 'a');
    await a.startSource(stream('a', 'b', { ratePps: 1 }));
    await expect(a.startSource(stream('a', 'b'))).rejects.toMatchObject({
      nativeCode: 'wrong_state',
    });
  });
});
