import { describe, expect, it } from 'vitest';
import { environmentOf, noGuest } from '../../../../backend/bench/environment.ts';
import {
  guestPeerNames,
  parsePeersOptions,
  peerNames,
} from '../../../../backend/bench/peers/options.ts';
import { peersPage } from '../../../../backend/bench/peers/page.ts';
import { countsFar, type Leg, type Pair } from '../../../../backend/bench/peers/pairs.ts';
import {
  bestOf,
  historyText,
  type Measurement,
  type PeersRow,
  rowsOf,
} from '../../../../backend/bench/peers/row.ts';
import { peersLine } from '../../../../backend/bench/peers/table.ts';
import {
  guestWorkloadNames,
  guestWorkloads,
  type Workload,
  workloadNames,
  workloads,
} from '../../../../backend/bench/peers/workload.ts';

const workloadOf = (name: string): Workload => {
  const found = workloads.find((one) => one.name === name);
  if (found === undefined) throw new Error(name);
  return found;
};
const leg = (mpps: number, far = false): Leg => ({
  ...{ mpps, probesNs: far ? [210, 211] : [45, 47], latencyNs: null, driverBusy: 0.5 },
  ...{ sent: 100, received: 90, features: ['VIRTIO_F_VERSION_1'] },
});
const pair = (own: number, peer: number, far = false): Pair => ({
  own: leg(own, far),
  peer: leg(peer),
  ownFirst: true,
});
const measurement = (burst: number, pairs: readonly Pair[]): Measurement => ({
  ...{
    workload: workloadOf('60-uni'),
    ratePps: 0,
    peer: 'dpdk-testpmd-io',
    burst,
    pairs,
    hugePages: '1 of 2 MiB',
  },
  own: { command: 'valenic serve', version: 'Valenic 0.1', refused: [] },
  theirs: { command: `testpmd --burst=${burst}`, version: 'DPDK 22', refused: ['wide: unknown'] },
  ...{ incomplete: null, polling: 'busy', environment: environmentOf(noGuest, []) },
});
const whole = (rows: ReturnType<typeof rowsOf>) => rows as readonly [PeersRow, PeersRow];

describe('the rows of a comparison', () => {
  const [peer, own] = whole(rowsOf(measurement(32, [pair(40, 20), pair(50, 20)]), true));
  it('are the peer with its command, and ours with the ratio to it', () => {
    expect(peer).toMatchObject({
      ...{ scenario: 'g2g', system: 'dpdk-testpmd-io', burst: 32, command: 'testpmd --burst=32' },
      ...{ mpps: { median: 20 }, hugePages: '1 of 2 MiB', probeNs: 46, driverBusy: 0.5 },
      ...{
        version: 'DPDK 22',
        refused: ['wide: unknown'],
        note: 'its build refused: wide: unknown',
      },
      environment: { features: ['VIRTIO_F_VERSION_1'] },
    });
    expect(peer.ratio).toBeUndefined();
    expect(own).toMatchObject({
      ...{ system: 'valenic', mpps: { median: 45, runs: [40, 50] }, command: 'valenic serve' },
      ratio: { to: 'dpdk-testpmd-io', median: 2.25, pairs: [2, 2.5], best: true },
      ...{ lost: { not_received: 20 }, version: 'Valenic 0.1' },
    });
    expect(own.refused).toBeUndefined();
  });
  it('have every leg, also those that do not count', () => {
    const pairs = [pair(40, 20), pair(9, 9, true)];
    const [, ours] = whole(rowsOf(measurement(32, pairs), true));
    expect(ours.mpps.runs).toEqual([40]);
    expect(ours.legs.map(({ counts }) => counts)).toEqual([true, false]);
  });
  it('have no figure without a near pair, but say what there is', () => {
    const far = { ...measurement(32, [pair(40, 20, true)]), incomplete: '0 of 5 pairs came' };
    expect(rowsOf(far, false)).toMatchObject([
      {
        skipped: 'burst 32: 0 of 5 pairs came; ratio of the others 2.00',
        legs: [{ counts: false }],
      },
    ]);
    expect(bestOf([far])).toBeUndefined();
  });
  it('of far CPUs are rows of their own, beside those that count and never mixed with them', () => {
    const apart: Pair = { own: leg(16, true), peer: leg(10, true), ownFirst: true };
    const both = measurement(32, [pair(40, 20), apart]);
    const rows = rowsOf(both, true, true) as readonly PeersRow[];
    expect(rows.map(({ system, placement, counts }) => [system, placement, counts])).toEqual([
      ...[
        ['dpdk-testpmd-io', 'near', true],
        ['valenic', 'near', true],
      ],
      ...[
        ['dpdk-testpmd-io', 'far', false],
        ['valenic', 'far', false],
      ],
    ]);
    expect(rows[1]?.ratio?.pairs).toEqual([2]);
    expect(rows[3]).toMatchObject({ ratio: { pairs: [1.6] }, doubts: ['far'], probeNs: 210.5 });
    expect(peersLine(rows)[1]).toMatch(/1\.60 .*FAR CPUs[\s\S]*\n {4}does not count: far$/);
    expect(peersPage(rows).match(/<rect/g)).toHaveLength(2);
    expect(historyText(rows).trim().split('\n')).toHaveLength(2);
    const onlyFar = measurement(32, [apart]);
    expect(rowsOf(onlyFar, false, true)).toMatchObject([
      { placement: 'far' },
      { placement: 'far' },
    ]);
    expect(bestOf([onlyFar])).toBeUndefined();
    expect(bestOf([onlyFar], countsFar)).toBe(onlyFar);
  });
  it('do not count when others had the machine, or pairs are missing', () => {
    const load = { others: 1, stolen: 0, waited: 0, cpus: 2 };
    const loaded: Pair = { own: { ...leg(40), load }, peer: { ...leg(20), load }, ownFirst: true };
    expect(whole(rowsOf(measurement(32, [loaded]), true))[1].doubts).toEqual(['busy']);
    const few = { ...measurement(32, [pair(40, 20)]), incomplete: '1 of 5 pairs came' };
    expect(whole(rowsOf(few, true))[1].doubts).toEqual(['incomplete']);
  });
  it("count with the peer's best setting", () => {
    const settings = [measurement(32, [pair(40, 20)]), measurement(64, [pair(40, 24)])];
    expect(bestOf(settings)?.burst).toBe(64);
  });
  it('of round trips have every percentile of both sides, and the rate', () => {
    const delayed = (p99: number): Leg => ({ ...leg(1), latencyNs: { p50: 300, p99, p999: 2000 } });
    const pairs = [{ own: delayed(400), peer: delayed(800), ownFirst: true }];
    const measured = { ...measurement(32, pairs), workload: workloadOf('latency-50') };
    const rows = rowsOf({ ...measured, ratePps: 2_000_000 }, true);
    expect(whole(rows)[1]).toMatchObject({
      ...{ ratePps: 2_000_000, latencyUs: { p50: 0.3, p99: 0.4, p999: 2 } },
      ratio: { of: 'p99', median: 2, latencyUs: { peer: { p50: 0.3, p99: 0.8, p999: 2 } } },
    });
    expect(peersLine(rows)[0]).toContain('0.30 0.40 2.00 / 0.30 0.80 2.00 us at 2.00 M/s');
  });
  it('go into a history when they were measured', () => {
    const far = { ...measurement(32, [pair(40, 20, true)]), incomplete: '0 of 5 pairs came' };
    const lines = historyText([
      ...rowsOf(far, false),
      ...rowsOf(measurement(64, [pair(40, 20)]), true),
    ])
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as PeersRow);
    expect(lines.map(({ system }) => system)).toEqual(['dpdk-testpmd-io', 'valenic']);
    expect(lines[0]?.environment.cpu).toBeDefined();
    const own = rowsOf(measurement(64, [pair(40, 20)]), true);
    const command = 'node /home/a/valenic/bin/valenic.mjs serve';
    const placed = whole(own).map((row) => ({ ...row, command }));
    expect(historyText(placed, '/home/a/valenic')).toContain('"node bin/valenic.mjs serve"');
  });
  it('of real guests have the CPU of both sides, and kpps in the table', () => {
    const cores = (switching: number) => ({ backend: switching - 0.1, devices: 0.1, guests: 1.5 });
    const slow = (mpps: number, switching: number): Leg => ({
      ...{ ...leg(mpps, true), cores: cores(switching), driverBusy: 0.95 },
    });
    const pairs: readonly Pair[] = [
      { own: slow(0.6, 0.3), peer: slow(0.2, 0.8), ownFirst: true, placement: 'alike' },
    ];
    const pmd = guestWorkloads.find(({ name }) => name === 'pmd-60');
    if (pmd === undefined) throw new Error('pmd-60');
    const guests = { ...measurement(32, pairs), workload: pmd, burst: null } as const;
    const rows = rowsOf({ ...guests, peer: 'tap-bridge', polling: 'adaptive' }, true);
    const [theirs, ours] = whole(rows);
    expect(ours).toMatchObject({
      ...{ driver: 'guest-pmd', polling: 'adaptive', driverBusy: 0.95, switchingUsPerFrame: 0.5 },
      ...{ cores: { backend: 0.2, devices: 0.1, switching: 0.3, guests: 1.5 } },
      ratio: { to: 'tap-bridge', median: 3 },
    });
    expect(theirs).toMatchObject({ switchingUsPerFrame: 4, mpps: { median: 0.2 } });
    expect(peersLine(rows)[0]).toMatch(/600\.0 .* kpps +200\.0 .* kpps +3\.00 /);
    expect(peersLine(rows)[0]).toContain('switching 0.30 / 0.80, 0.50 / 4.00 us a frame');
    expect(peersPage(rows)).toContain('Between two QEMU guests');
  });
  it('are one line of the table', () => {
    const [line] = peersLine(rowsOf(measurement(32, [pair(40, 20)]), false));
    expect(line).toMatch(/60-uni .*burst 32 .*40\.0 .*20\.0 .*2\.00 .*not its best setting/);
  });
});

describe('valenic bench peers: its options', () => {
  const parse = (...words: string[]) => parsePeersOptions(words, () => {});
  it('are everything unless told otherwise', () => {
    const options = parse();
    expect(options).toMatchObject({ pairs: 5, deadline: 20, cpu: [1, 0], peers: peerNames });
    expect(options?.workloads).toEqual(workloadNames);
  });
  it('choose', () => {
    const options = parse('--workload', '60-uni,latency', '--peer', 'ovs-dpdk', '--pairs', '7');
    expect(options).toMatchObject({
      ...{ workloads: ['60-uni', 'latency'], peers: ['ovs-dpdk'], pairs: 7 },
    });
    expect(parse('--quick')?.workloads).toContain('1500-touched');
    expect(parse()?.history).toBeNull();
    expect(parse()).toMatchObject({ other: null });
    const own = parse('--peer', 'valenic-process,valenic-other', '--other', '/tmp/a');
    expect(own).toMatchObject({ peers: ['valenic-process', 'valenic-other'], other: '/tmp/a' });
    expect(parse('--history', 'rows.ndjson')?.history).toBe('rows.ndjson');
  });
  it('of real guests are theirs', () => {
    const options = parse('--driver', 'guest');
    expect(options).toMatchObject({ polling: 'adaptive', qemu: null, memory: 256 });
    expect(options?.workloads).toEqual(guestWorkloadNames);
    expect(options?.peers).toEqual(guestPeerNames);
    const quick = parse('--driver', 'guest', '--quick', '--polling', 'busy');
    expect(quick).toMatchObject({ workloads: ['pmd-60', 'kernel-60'], polling: 'busy' });
  });
  it.each([
    ['another driver', ['--driver', 'real'], /Allowed choices are synthetic, guest/],
    [
      "a guest's workload without guests",
      ['--workload', 'pmd-60'],
      /pmd-60: with .* synthetic, choose from 60-/,
    ],
    [
      'a peer that no guest is on',
      ['--driver', 'guest', '--peer', 'ovs-dpdk'],
      /with --driver guest, choose from dpdk-testpmd-io, tap-bridge, qemu-stream/,
    ],
    [
      'ourselves between guests',
      ['--driver', 'guest', '--peer', 'valenic-process'],
      /with --driver guest, choose from dpdk-testpmd-io, tap-bridge, qemu-stream/,
    ],
    ['another checkout that nobody named', ['--peer', 'valenic-other'], /--other .* go together/],
    ['a checkout that is no peer', ['--other', '/tmp/a'], /--other .* go together/],
    ["a guest's option without guests", ['--memory', '128'], /use it with --driver guest/],
    ['an unknown workload', ['--workload', '61-uni'], /choose from 60-uni, .*/],
    ['an unknown peer', ['--peer', 'vpp'], /choose from dpdk-testpmd-io, .*/],
    ['one CPU for both', ['--cpu', '1,1'], /need one CPU each/],
    ['a third CPU', ['--cpu', '1,2,3'], /give two CPUs/],
    ['no pairs', ['--pairs', '0'], /from 1 to 1000/],
  ])('refuse %s with one sentence', (_, words, sentence) => {
    expect(() => parse(...words)).toThrow(sentence);
  });
});

describe('the page of a comparison', () => {
  const settings = [measurement(32, [pair(40, 20)]), measurement(64, [pair(40, 24)])];
  const best = bestOf(settings);
  const rows = settings.flatMap((one) => rowsOf(one, one === best));
  const page = peersPage(rows);
  it('loads nothing from elsewhere and runs nothing', () => {
    expect(page).not.toMatch(/<script|<link|src=|url\(|https?:/);
  });
  it("has ours and the peer's best setting as bars, and every setting in its table", () => {
    expect(page.match(/<rect/g)).toHaveLength(2);
    expect(page).toContain('1.67 x, guests busy 50 %');
    expect(page).toContain('dpdk-testpmd-io burst 32');
  });
  it('is whole without a single figure', () => {
    expect(peersPage([])).toContain('Nothing was measured');
  });
});
