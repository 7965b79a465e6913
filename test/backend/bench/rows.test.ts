import { describe, expect, it } from 'vitest';
import { ticksUpTo } from '../../../backend/bench/chart.ts';
import { noGuest } from '../../../backend/bench/environment.ts';
import { plotPage } from '../../../backend/bench/page.ts';
import { apartText } from '../../../backend/bench/placement.ts';
import { gbpsOf, type Row, spreadOf } from '../../../backend/bench/row.ts';
import { environmentText, tableHead, tableLine } from '../../../backend/bench/table.ts';
import { verdictOf } from '../../../backend/bench/verdict.ts';

const row: Row = {
  scenario: 'g2g',
  system: 'valenic',
  driver: 'synthetic',
  ring: 'split',
  ringSize: 256,
  frameBytes: 60,
  polling: 'busy',
  more: true,
  ratePps: 0,
  mpps: spreadOf([20, 22, 21]),
  gbps: 10.08,
  latencyUs: { p50: 0.4, p99: 1.5, p999: 3 },
  sent: 100,
  received: 97,
  lost: { rx_no_buffer: 3 },
  exact: true,
  corrupt: 0,
  backendCpu: 1,
  driverBusy: 0.4,
  kicksPerFrame: 0.00001,
  callsPerFrame: 0,
  probeNs: 45,
  probesNs: [45, 46],
  counts: true,
  doubts: [],
  environment: {
    valenic: '0.1.0',
    commit: 'abc1234',
    cpu: 'A <fast> CPU',
    cpuCount: 2,
    memoryGiB: 8,
    kernel: '6.1',
    node: '20.19.0',
    ...noGuest,
    features: ['VIRTIO_F_VERSION_1'],
    date: '2026-01-01T00:00:00.000Z',
  },
};
const skipped = { ...row, skipped: 'the driver sends at most 1514 bytes' };

describe('the spread of runs', () => {
  it('is their median, least and most', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, runs: [3, 1, 2] });
  });
  it('takes the middle of the two in the middle', () => {
    expect(spreadOf([4, 1, 2, 3]).median).toBe(2.5);
  });
  it('is nothing without runs', () => {
    expect(spreadOf([])).toEqual({ median: 0, min: 0, max: 0, runs: [] });
  });
});

describe('bits a second', () => {
  it('are those of the frames', () => {
    expect(gbpsOf(1, 1250)).toBe(10);
  });
});

describe('a line of the table', () => {
  it('tells rate, delays and what was lost', () => {
    expect(tableLine(row)).toMatch(
      /^g2g +60 +busy +on +21\.0 .* 0\.4 +1\.5 [\s\S]*\n {4}lost: 3 rx_no_buffer$/,
    );
  });
  it('marks a rate that the driver may have limited as a lower bound', () => {
    const busy = { ...row, driverBusy: 0.9 };
    expect(tableLine(busy)).toContain(' >=21.0 ');
    expect(environmentText([busy])).toContain('a lower bound');
    expect(environmentText([row])).not.toContain('lower bound');
    expect(tableLine({ ...busy, ratePps: 1000 })).not.toContain('>=');
    expect(tableLine({ ...busy, driverBusy: null })).not.toContain('>=');
  });
  it('says when the books do not balance', () => {
    expect(tableLine({ ...row, exact: false, corrupt: 2 })).toMatch(/2 corrupt, books do not/);
  });
  it('says below why it does not count', () => {
    const doubted = { ...row, ...verdictOf(['scattered', 'busy']) };
    expect(tableLine(doubted)).toMatch(/\n {4}does not count: busy, scattered$/);
    expect(environmentText([doubted])).toMatch(/\nbusy: other programs .*\nscattered: the runs/);
  });
  it('fits 100 columns, whatever stands in it', () => {
    const mpps = spreadOf([100.1, 112.4, 121.9]);
    const latencyUs = { p50: 184_549, p99: 999_999, p999: 999_999 };
    const wide = { ...row, batch: 256, frameBytes: 9014, mpps, gbps: 107.52, latencyUs };
    const line = tableLine({ ...wide, kicksPerFrame: 0.000012, polling: 'adaptive' });
    for (const part of `${tableHead()}\n${line}`.split('\n')) {
      expect(part.length, part).toBeLessThanOrEqual(100);
    }
  });
  it('says why there are no figures', () => {
    expect(tableLine(skipped)).toContain('the driver sends at most 1514 bytes');
  });
});

describe('the environment', () => {
  it('is told once, with the placement of the CPUs', () => {
    expect(environmentText([skipped, row])).toContain('CPUs 45..46 ns apart');
  });
});

describe('the distance of the CPUs', () => {
  it('is told by the probes that nobody disturbed', () => {
    const disturbed = { ...row, probesNs: [21.8, 11_994_308] as const };
    expect(environmentText([disturbed])).toContain(
      'CPUs 21.8..21.8 ns apart (1 of 2 probes were disturbed)',
    );
    expect(apartText([11_994_308, null])).toBe(
      'the distance of the CPUs is not known (1 of 1 probes were disturbed)',
    );
    expect(apartText([null])).toBe('');
  });
});

describe('the page of plots', () => {
  const page = plotPage([row, { ...row, more: false }, skipped]);
  it('loads nothing from elsewhere and runs nothing', () => {
    expect(page).not.toMatch(/<script|<link|src=|url\(|https?:/);
  });
  it('has a plot for each scenario and frame size, a bar for each point', () => {
    expect(page.match(/<svg/g)).toHaveLength(1);
    expect(page.match(/<rect/g)).toHaveLength(2);
  });
  it('shows foreign text as text', () => {
    expect(page).toContain('A &lt;fast&gt; CPU');
  });
});

describe('the curves', () => {
  it('by batch are lines with a dot for each value', () => {
    const page = plotPage([1, 8, 64].map((batch) => ({ ...row, batch })));
    expect(page.match(/<circle/g)).toHaveLength(3);
  });
  it('by frame size come with three sizes, as frames and as bits', () => {
    const page = plotPage([60, 508, 1514].map((frameBytes) => ({ ...row, frameBytes })));
    expect(page.match(/<circle/g)).toHaveLength(6);
    expect(page).toContain('Gbit/s');
  });
  it('have round figures at their axes', () => {
    expect(ticksUpTo(47)).toEqual([0, 10, 20, 30, 40, 50]);
    expect(ticksUpTo(0.9)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticksUpTo(0)).toHaveLength(6);
  });
});
