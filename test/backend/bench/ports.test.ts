import { describe, expect, it } from 'vitest';
import { environmentOf, noGuest } from '../../../backend/bench/environment.ts';
import { wordsFor } from '../../../backend/bench/ports.ts';
import { parsePortsOptions } from '../../../backend/bench/ports-options.ts';
import {
  type PortsMeasurement,
  portsHead,
  portsLine,
  portsPage,
  portsRow,
} from '../../../backend/bench/ports-row.ts';

const parse = (...words: string[]) => {
  const options = parsePortsOptions(words, () => {});
  if (options === null) throw new Error('help');
  return options;
};
const run = (received: number) => ({ run: 1, seconds: 0.5, received, busyShare: 0.5 });
const measured = (change: Partial<PortsMeasurement> = {}): PortsMeasurement => ({
  ...{ traffic: 'flood', ports: 8, options: { frame: 60, rate: 0 }, busyNs: 70_000 },
  ...{ probesNs: [45, 46], load: { others: 0, stolen: 0, waited: 0, cpus: 2 } },
  lines: [
    { ready: true },
    run(5e6),
    run(7e6),
    run(6e6),
    { total: true, sent: 1000, received: 7000 },
  ],
  ...{ lost: {}, environment: environmentOf(noGuest, []) },
  ...change,
});

describe('valenic bench ports: its options', () => {
  it('are 2, 8 and 64 ports in pairs and flooded, unless told otherwise', () => {
    expect(parse()).toMatchObject({ ports: [2, 8, 64], traffic: ['pairs', 'flood'], cpu: [1, 0] });
  });
  it('may be odd for floods', () => {
    expect(parse('--ports', '3', '--traffic', 'flood').ports).toEqual([3]);
  });
  it.each([
    ['an odd number of pairs', ['--ports', '3'], /--ports 3: pairs need an even number/],
    ['more ports than a switch has', ['--ports', '256'], /from 2 to 250/],
    ['another traffic', ['--traffic', 'storm'], /choose from pairs, flood/],
    ['one CPU', ['--cpu', '1'], /give two CPUs/],
  ])('refuse %s', (_, words, sentence) => {
    expect(() => parse(...words)).toThrow(sentence);
  });
});

describe('the driver', () => {
  it('plays pairs in which each sends to the other', () => {
    const line = wordsFor('pairs', ['a', 'b', 'c', 'd'], parse()).join(' ');
    expect(line).toContain('--port a --port b --port c --port d');
    expect(line).toContain('--flow 0>1 --flow 1>0 --flow 2>3 --flow 3>2 --frame 60');
  });
  it('plays one guest that sends to all', () => {
    const line = wordsFor('flood', ['a', 'b', 'c'], parse('--rate', '1000')).join(' ');
    expect(line).toContain('--flow 0>all --frame 60 --rate 1000 --cpu 0');
  });
});

describe('a row by ports', () => {
  it('counts copies: each receiver has one of a flooded frame', () => {
    const row = portsRow(measured());
    expect(row).toMatchObject({ exact: true, nsPerCopy: 10, driverBusy: 0.5, probeNs: 45 });
    expect(row.mpps).toMatchObject({ median: 12, min: 10, max: 14 });
  });
  it('has one copy of a frame in pairs', () => {
    const total = { total: true, sent: 7100, received: 7000 } as const;
    const pairs = { traffic: 'pairs', lines: [run(5e6), total] } as const;
    expect(portsRow(measured({ ...pairs, lost: { rx_no_space: 100 } })).exact).toBe(true);
    expect(portsRow(measured(pairs)).exact).toBe(false);
  });
  it('is a line of a table, in which what was lost has its name', () => {
    const lines = [run(5e6), { total: true, sent: 1000, received: 6300 } as const];
    const line = portsLine(portsRow(measured({ lines, lost: { rx_no_space: 700 } })));
    expect(portsHead()).toMatch(/^traffic ports frame Mpps/);
    expect(line).toMatch(/^flood +8 +60 +10\.0 .* 11\.1 .* 10\.0 % rx_no_space$/);
  });
});

describe('the page by ports', () => {
  it('has a plot of rates and one of costs, and loads nothing', () => {
    const rows = [2, 8, 64].map((ports) => portsRow(measured({ ports })));
    const page = portsPage(rows);
    expect(page.match(/<svg/g)).toHaveLength(2);
    expect(page).toContain('Cost of a copy');
    expect(page).not.toMatch(/<script|<link|src=|url\(|https?:/);
  });
});
