/**
 * Two guests on the library's switch, played by the synthetic driver over real vhost-user sockets:
 * every frame is delivered or dropped under a name, whatever is toggled meanwhile.
 */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../backend/datapath/load.ts';
import {
  type Backend,
  dropped,
  dropsThatHappened,
  type PollingMode,
  type Port,
} from '../../backend/index.ts';
import { testBackend, testFolder, until } from './support.ts';

const program = join(packageRoot(), 'build/release/native/synthetic/valenic-synthetic');
const modes: readonly PollingMode[] = ['busy', 'adaptive', 'event'];

interface Total {
  readonly total: true;
  readonly sent: number;
  /** All frames, the other guest's hello included. */
  readonly received: number;
  readonly gaps: number;
  readonly reordered: number;
  readonly corrupt: number;
  readonly flows: readonly { readonly sent: number; readonly received: number }[];
}

interface Run {
  readonly run: number;
  readonly busyShare: number;
  readonly latencyNs: { readonly p50: number };
}

beforeAll(() => {
  if (!existsSync(program)) throw new Error(`there is no ${program}: run "npm run build"`);
});

interface Lab {
  readonly backend: Backend;
  readonly a: Port;
  readonly b: Port;
  /** Runs the guests of both ports to their end, and tells the totals. */
  readonly run: (args: readonly string[]) => Promise<Total>;
  /** As `run`, with the line of each run. */
  readonly runAll: (args: readonly string[]) => Promise<{ runs: Run[]; total: Total }>;
}

async function lab(polling: PollingMode, queues = 1): Promise<Lab> {
  const folder = await testFolder();
  const backend = await testBackend({ polling });
  const add = (port: string) =>
    backend.addPort({
      name: { switch: 'vale0', port },
      device: { kind: 'vhost-user', path: join(folder, port), role: 'server', queues },
      settings: {},
    });
  const [a, b] = [await add('a'), await add('b')];
  const sockets = ['--port', join(folder, 'a'), '--port', join(folder, 'b')];
  const runAll: Lab['runAll'] = async (args) => {
    const words = [...sockets, '--verify', '--sleep', '--warmup', '0', ...args];
    const { stdout } = await promisify(execFile)(program, words, { timeout: 50_000 });
    const lines = stdout.trim().split('\n');
    const said = lines.slice(1, -1).map((line) => JSON.parse(line) as Run | { begun: number });
    const runs = said.filter((one): one is Run => 'run' in one);
    return { runs, total: JSON.parse(lines.at(-1) ?? '') as Total };
  };
  const run: Lab['run'] = async (args) => (await runAll(args)).total;
  return { backend, a, b, run, runAll };
}

/** So many frames, however long a busy machine takes; alone `--count` ends after a second. */
const counted = (frames: number) => ['--count', `${frames}`, '--seconds', '40'];

/** Longer than the driver's hello frames, so that one of those is never taken for a probe. */
const frame = ['--frame', '1514'] as const;

/**
 * Sent = received + dropped, but for the one hello that each guest broadcasts before it counts:
 * that may be dropped (the other guest is not there yet), or be overwritten with the first frame's
 * bytes before the switch takes it, and then arrives as a short probe, which is told as corrupt.
 */
function expectBalance({ a, b }: Lab, total: Total): void {
  const arrived = total.flows.reduce((sum, { received }) => sum + received, 0);
  const droppedHellos = dropped(a.stats()) + dropped(b.stats()) - (total.sent - arrived);
  expect(total.reordered).toBe(0);
  expect(total.corrupt).toBe(total.received - arrived);
  expect(droppedHellos).toBeGreaterThanOrEqual(0);
  expect(droppedHellos + total.corrupt).toBeLessThanOrEqual(2);
}

describe('frames from one guest to another', () => {
  it.each(modes)('are delivered or dropped under a name: %s', async (polling) => {
    const guests = await lab(polling);
    const total = await guests.run([...frame, '--flow', '0>1', ...counted(20_000)]);
    expect(total.sent).toBe(20_000);
    expectBalance(guests, total);
    const { a, b } = guests;
    const reasons = [a, b].flatMap((port) => Object.keys(dropsThatHappened(port.stats())));
    expect(reasons.filter((name) => /^(rx_ring_broken|tx_(offload|csum|gso)_)/.test(name))).toEqual(
      [],
    );
  });

  it('are, while modes and more are toggled under them', async () => {
    const guests = await lab('adaptive');
    const running = guests.run([...frame, '--flow', '0>1', '--flow', '1>0', '--seconds', '2']);
    let over = false;
    const ended = running.finally(() => {
      over = true;
    });
    let turns = 0;
    for (; !over; turns++) {
      const polling = modes[turns % modes.length] ?? 'busy';
      await guests.backend.switch('vale0').polling(polling, turns % 100);
      await guests.backend.switch('vale0').more(turns % 2 === 0);
      await sleep(10);
    }
    const total = await ended;
    expect(turns).toBeGreaterThan(modes.length);
    expect(total.sent).toBeGreaterThan(1000);
    expectBalance(guests, total);
    for (const port of [guests.a, guests.b]) expect(port.state().endpoint?.fault).toBeNull();
  });
});

describe('what the synthetic driver can do', () => {
  it.each([
    ['indirect tables', ['--indirect']],
    ['merged receive buffers', ['--mergeable', '--frame', '9000']],
    ['a small ring', ['--ring', '8', '--burst', '256']],
    ['single frames', ['--burst', '1', '--touch']],
  ])('sends and receives whole frames with %s', async (_, words) => {
    const guests = await lab('busy');
    const total = await guests.run([...frame, ...words, '--flow', '0>1', ...counted(5000)]);
    expect(total.sent).toBe(5000);
    expectBalance(guests, total);
  });

  it.each(modes)('sends every frame back and measures the round trip: %s', async (polling) => {
    const guests = await lab(polling);
    const words = ['--echo', '--window', '8', '--flow', '0>1', ...counted(3000)];
    const { runs, total } = await guests.runAll([...frame, ...words]);
    expect(total.sent).toBe(3000);
    expect(total.flows[0]?.received).toBe(3000);
    expect(runs[0]?.latencyNs.p50).toBeGreaterThan(0);
    const [a, b] = [guests.a.stats().counters, guests.b.stats().counters];
    expect(b.tx_frames).toBeGreaterThanOrEqual(3000);
    expect(a.rx_frames).toBeGreaterThanOrEqual(3000);
  });

  it('refuses what makes no sense, in a sentence', async () => {
    const guests = await lab('busy');
    const refused = (words: readonly string[]) =>
      guests.run(words).then(
        () => '',
        (error: { stderr: string }) => error.stderr,
      );
    const both = ['--echo', '--flow', '0>1', '--flow', '1>0'];
    expect(await refused(both)).toContain('guest 1 cannot also send');
    expect(await refused(['--echo', '--flow', '0>all'])).toContain('must name the guest');
    expect(await refused(['--window', '1', '--flow', '0>1'])).toContain('--window is for --echo');
  });
});

describe('a port whose guest is there', () => {
  it('tells who is connected, what was negotiated and which rings run', async () => {
    const { a, run } = await lab('event');
    const seen: boolean[] = [];
    const running = run(['--flow', '0>1', '--rate', '1000', '--seconds', '1']);
    const state = await until(
      () => a.state().endpoint,
      (now) => {
        seen.push(now?.connected ?? false);
        return now?.rings?.some(({ started, enabled }) => started && enabled) ?? false;
      },
    );
    expect(seen[0]).toBe(false);
    expect(state).toMatchObject({ connected: true, fault: null, notice: null });
    expect(state?.peer?.pid).toBeGreaterThan(1);
    expect(state?.features).toContain('VIRTIO_F_VERSION_1');
    expect(state?.memoryRegions).toBeGreaterThan(0);
    await running;
    const left = await until(
      () => a.state().endpoint,
      (now) => now?.connected === false,
    );
    expect(left?.rings?.every(({ started }) => !started)).toBe(true);
  });

  it('serves the next guest after the first one left', async () => {
    const guests = await lab('adaptive');
    for (let turn = 0; turn < 3; turn++) {
      // Fewer than a ring has buffers: none is lost, however late the receiver looks.
      const total = await guests.run([
        ...frame,
        '--flow',
        '0>1',
        ...counted(200),
        '--rate',
        '20000',
      ]);
      expect(total).toMatchObject({ gaps: 0, flows: [{ sent: 200, received: 200 }] });
    }
  });

  it('can be removed under traffic; the other one goes on', async () => {
    const guests = await lab('adaptive');
    const running = guests.run(['--flow', '0>1', '--seconds', '1']).catch((error: Error) => error);
    await until(
      () => guests.b.stats().counters.rx_frames,
      (frames) => frames > 100,
    );
    await guests.backend.removePort(guests.b.spec.name);
    expect(guests.backend.ports()).toEqual([guests.a]);
    await running;
    expect(guests.a.state().endpoint?.fault).toBeNull();
  });
});
