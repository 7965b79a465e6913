import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Row } from '../../backend/bench/row.ts';

/** A plain script, which has no types. */
const script = new URL('../../setup/history.mjs', import.meta.url).href;
const { line } = (await import(script)) as { line: (text: string) => string };
const show = (row: object) => {
  const environment = { date: '2026-01-02T03:04:05Z', commit: 'abc1234', cpu: 'A CPU' };
  return line(JSON.stringify({ system: 'valenic', driver: 'synthetic', environment, ...row }));
};

it('every row of the tree says machine, commit, probes and what was measured', () => {
  const file = new URL('../bench/history.ndjson', import.meta.url);
  const rows = readFileSync(file, 'utf8').trim().split('\n');
  for (const text of rows) {
    const row = JSON.parse(text) as Partial<Row>;
    expect(row.environment?.commit).toMatch(/^[0-9a-f]{7,}$/);
    expect(row.environment?.cpu).toBeTruthy();
    expect(row).toHaveProperty('probeNs');
    expect(row.mpps?.median).toBeGreaterThan(0);
    expect(line(text)).toContain(`${row.scenario} ${row.system} ${row.driver}`);
  }
});

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
  it('has both probes, and whether every line was touched', () => {
    const row = { scenario: 'g2g', frameBytes: 1500, touch: true, probesNs: [45, null] };
    const text = show({ ...row, polling: 'busy', mpps: { median: 0.0123 } });
    expect(text).toContain('1500 touched busy  0.0123 Mpps  probe 45 - ns');
  });
  it('is whole where a rate is one figure, or none', () => {
    expect(show({ scenario: 'cpu', mpps: 0.1 })).toContain('0.10 Mpps');
    expect(show({ scenario: 'idle', ports: 100 })).toContain('- Mpps');
  });
});
