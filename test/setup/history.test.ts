import { describe, expect, it } from 'vitest';

/** A plain script, which has no types. */
const script = new URL('../../setup/history.mjs', import.meta.url).href;
const { line } = (await import(script)) as { line: (text: string) => string };
const show = (row: object) => {
  const environment = { date: '2026-01-02T03:04:05Z', commit: 'abc1234', cpu: 'A CPU' };
  return line(JSON.stringify({ system: 'valenic', driver: 'synthetic', environment, ...row }));
};

describe('a row of the history, in one line', () => {
  it('has day, commit, machine, what was measured and the rate', () => {
    const row = { scenario: 'g2g', ring: 'split', frameBytes: 60, polling: 'busy', probeNs: 45 };
    expect(show({ ...row, mpps: { median: 12.345 }, more: false })).toBe(
      '2026-01-02  abc1234  A CPU  g2g valenic synthetic split 60 busy  more off' +
        '  12.35 Mpps  probe 45 ns',
    );
  });
  it('has the workload and the ratio of a comparison', () => {
    const ratio = { median: 2.1, to: 'ovs-dpdk', of: 'mpps' };
    const text = show({ scenario: 'g2g', workload: '60-uni', mpps: { median: 40 }, ratio });
    expect(text).toContain('g2g valenic synthetic 60-uni');
    expect(text).toContain('40.00 Mpps  2.10 x ovs-dpdk (mpps)');
  });
  it('has the ports, where they vary', () => {
    const row = { scenario: 'ports', traffic: 'flood', ports: 64, mpps: { median: 9 } };
    expect(show(row)).toContain('ports valenic synthetic flood 64 ports');
  });
  it('is whole where a rate is one figure, or none', () => {
    expect(show({ scenario: 'cpu', mpps: 0.1 })).toContain('0.10 Mpps');
    expect(show({ scenario: 'idle', ports: 100 })).toContain('- Mpps');
  });
});
