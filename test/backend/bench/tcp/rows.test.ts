import { describe, expect, it } from 'vitest';
import { environmentOf, noGuest } from '../../../../backend/bench/environment.ts';
import { spent, takeSnapshot } from '../../../../backend/bench/tcp/cpu-time.ts';
import { tcpPage } from '../../../../backend/bench/tcp/page.ts';
import {
  earlierPairs,
  skippedRow,
  type TcpLeg,
  type TcpMeasurement,
  type TcpRow,
  tcpRowsOf,
  untouched,
} from '../../../../backend/bench/tcp/row.ts';
import { tcpHead, tcpLines } from '../../../../backend/bench/tcp/table.ts';

const gib = 2 ** 30;
/** Moves a GiB. */
const leg = (seconds: number, backend: number): TcpLeg => ({
  ...{ bytes: gib, seconds, roundTrips: null, latencyUs: null, lostShare: null },
  cpu: { backend, devices: 1, guests: 7 },
});
const measured = (change: Partial<TcpMeasurement> = {}): TcpMeasurement => ({
  ...{ test: 'tcp', scenario: 'g2g', peer: 'tap-bridge' },
  pairs: [
    { own: leg(4, 1), peer: leg(8, 3), ownFirst: true },
    { own: leg(4, 1), peer: leg(12, 5), ownFirst: false },
    { own: leg(2, 1), peer: leg(8, 3), ownFirst: true },
  ],
  own: { command: 'valenic serve', version: 'Valenic' },
  theirs: { command: 'ip link', version: 'the kernel' },
  environment: environmentOf(noGuest, []),
  ...change,
});
const both = (rows: readonly TcpRow[]) => rows as readonly [TcpRow, TcpRow];

describe('the rows of a comparison', () => {
  const [peer, own] = both(tcpRowsOf(measured()));

  it('have medians of rates and of costs, and ratios of pairs', () => {
    expect(own.rate.median).toBeCloseTo((gib * 8) / 4 / 1e9, 3);
    expect(own.gbps).toBe(own.rate.median);
    expect(own.ratio).toMatchObject({ to: 'tap-bridge', median: 3, min: 2, max: 4 });
    expect(peer.cost.switching).toMatchObject({ median: 4, max: 6 });
    expect(own.cost).toMatchObject({ switching: { median: 2 }, total: { median: 9 } });
    expect(own.ratio?.switchingCost.median).toBe(2);
  });

  it('are taken up by a later run, pair by pair', () => {
    const again = earlierPairs([peer, own], measured());
    expect(again).toEqual(measured().pairs);
    const other = skippedRow('tcp', 'g2g', 'passt', 'not installed');
    expect(untouched([peer, own, other], [])).toEqual([peer, own]);
    expect(untouched([peer, own], [peer, own])).toEqual([]);
  });

  it('are one line of the table, and a skipped peer another', () => {
    const rows = [peer, own, skippedRow('tcp', 'g2h', 'passt', 'passt is not installed')];
    const [line, skipped, more] = tcpLines('tcp', rows);
    expect(tcpHead('tcp')).toMatch(/^scenario peer .*switching s\/GiB/);
    expect(line).toMatch(
      /^g2g +tap-bridge +2\.15 .* 3 \(2\.\.4\) +2 \/ 4 +9 \/ 11 +3\n {4}does not count: scattered$/,
    );
    expect(skipped).toMatch(/^g2h +passt +skipped: passt is not installed$/);
    expect(more).toBeUndefined();
  });

  it('are a page without scripts', () => {
    const page = tcpPage('tcp', [peer, own]);
    expect(page).toContain('Guest to guest');
    expect(page).toContain('3.00 x rate');
    expect(page).not.toMatch(/<script|https?:/);
  });
});

it('round trips count in thousands a second, and cost microseconds', () => {
  const latencyUs = { p50: 900, p99: 1500, p999: 2000 };
  const trips = (roundTrips: number): TcpLeg => ({ ...leg(2, 1), roundTrips, latencyUs });
  const pairs = [{ own: trips(2000), peer: trips(1000), ownFirst: true }];
  const rows = tcpRowsOf(measured({ test: 'latency', pairs }));
  const [peer, own] = both(rows);
  expect(own).toMatchObject({ rate: { median: 1 }, gbps: 0, latencyUs, ratio: { median: 2 } });
  expect([own.cost.switching.median, peer.cost.switching.median]).toEqual([1000, 2000]);
  expect(tcpLines('latency', rows)[0]).toMatch(/p50 p99: 900 1500 \/ 900 1500 us$/);
});

it('CPU is counted by thread: virtual CPUs apart from the other threads of a process', () => {
  const watched = {
    backendPids: [],
    qemus: [{ pid: process.pid, vcpuThreads: [process.pid] }],
  };
  const before = takeSnapshot(watched);
  for (const end = performance.now() + 30; performance.now() < end; );
  const { devices, guests } = spent(watched, before, takeSnapshot(watched));
  expect(guests).toBeGreaterThan(0);
  expect(devices).toBeGreaterThanOrEqual(0);
});
