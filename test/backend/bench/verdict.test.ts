import { describe, expect, it } from 'vitest';
import { LoadWatch, machineUsage, type Usage } from '../../../backend/bench/load-watch.ts';
import { benchProgram, measurable } from '../../../backend/bench/options.ts';
import { spreadOf } from '../../../backend/bench/spread.ts';
import {
  comparedStatus,
  delayDoubt,
  loadDoubts,
  placementDoubt,
  rateDoubt,
  scatterDoubt,
  strictStatus,
  verdictOf,
} from '../../../backend/bench/verdict.ts';

describe('the placement', () => {
  it.each([
    [[45, 75], null],
    [[45, null], 'unplaced'],
    [[null, null], 'unplaced'],
    [[210, 243], 'far'],
    [[45, 243], 'moved'],
    [[21.8, 11_994_308], 'disturbed'],
  ] as const)('%j: %s', (probes, doubt) => {
    expect(placementDoubt(probes)).toBe(doubt);
  });
});

describe('the scatter of runs', () => {
  it('is too much above a quarter of the median', () => {
    expect(scatterDoubt(spreadOf([29.2, 10.7, 89.3]))).toBe('scattered');
    expect(scatterDoubt(spreadOf([40, 45, 49]))).toBeNull();
    expect(scatterDoubt(spreadOf([40, 80]))).toBeNull();
  });
});

describe('figures that say nothing', () => {
  it('are a rate of 0, a delay of 0 or of none, and a median delay of a queue', () => {
    expect(rateDoubt({ median: 0 })).toBe('nothing');
    expect(rateDoubt({ median: 0.001 })).toBeNull();
    expect(delayDoubt({ p50: 0 })).toBe('nothing');
    expect(delayDoubt(null)).toBe('nothing');
    expect(delayDoubt({ p50: 184_549 })).toBe('late');
    expect(delayDoubt({ p50: 0.4 })).toBeNull();
  });
});

/** A watch over a second with this many ticks of 10 ms. */
function loadOf(used: Partial<Usage>) {
  const ends = [
    { busy: 1000, stolen: 10, own: 500, waitedNs: 7 },
    {
      ...{ busy: 1000 + (used.busy ?? 0), stolen: 10 + (used.stolen ?? 0) },
      ...{ own: 500 + (used.own ?? 0), waitedNs: 7 + (used.waitedNs ?? 0) },
    },
  ];
  const watch = new LoadWatch(() => ends.shift() ?? { busy: 0, stolen: 0, own: 0, waitedNs: 0 }, 2);
  watch.start(0);
  watch.stop(1000);
  return watch.report();
}

describe('the load of the machine', () => {
  it('is what neither this process nor its children used', () => {
    expect(loadDoubts(loadOf({ busy: 200, own: 199 }))).toEqual([]);
    expect(loadDoubts(loadOf({ busy: 200, own: 150 }))).toEqual(['busy']);
    expect(loadDoubts(loadOf({ stolen: 20 }))).toEqual(['stolen']);
    expect(loadOf({ busy: 100, own: 47 }).others).toBe(0.5);
  });
  it('is also what kept the workers waiting, this process itself for instance', () => {
    expect(loadDoubts(loadOf({ waitedNs: 25_000_000 }))).toEqual(['waited']);
    expect(loadDoubts(loadOf({ waitedNs: 9_000_000 }))).toEqual([]);
  });
  it('forgives what rounding makes of it', () => {
    expect(loadDoubts(loadOf({ busy: 203, own: 200, stolen: 3 }))).toEqual([]);
  });
  it('counts no interrupts, and the time that a hypervisor took by itself', () => {
    const stat = 'cpu  10 20 30 400 5 6 7 8 1 1\ncpu0 1 2 3 4 5 6 7 8\n';
    expect(machineUsage(stat)).toEqual({ busy: 60, stolen: 8 });
    expect(machineUsage('')).toEqual({ busy: 0, stolen: 0 });
  });
  it('is read of the machine that this runs on', () => {
    const watch = new LoadWatch();
    watch.start();
    watch.stop();
    const { others, stolen, cpus } = watch.report();
    expect(others).toBeGreaterThanOrEqual(0);
    expect(stolen).toBeGreaterThanOrEqual(0);
    expect(cpus).toBeGreaterThan(0);
  });
});

describe('--strict', () => {
  const [sound, doubted] = [verdictOf([null]), verdictOf(['busy', null, 'busy'])];
  it('makes a status of figures that do not count', () => {
    expect(sound).toEqual({ counts: true, doubts: [] });
    expect(doubted).toEqual({ counts: false, doubts: ['busy'] });
    expect(strictStatus(true, [sound, doubted])).toBe(1);
    expect(strictStatus(true, [sound])).toBe(0);
    expect(strictStatus(undefined, [doubted])).toBe(0);
    const skipped = { skipped: 'it is not installed' };
    expect(comparedStatus(undefined, [doubted, skipped])).toBe(0);
    expect(comparedStatus(true, [sound, skipped])).toBe(1);
    expect(comparedStatus(true, [sound])).toBe(0);
    expect(comparedStatus(undefined, [skipped])).toBe(1);
  });
  it.each(measurable)('is an option of bench %s', (name) => {
    const program = benchProgram(
      () => {},
      () => {},
    );
    const command = program.commands.find((found) => found.name() === name);
    expect(command?.options.map(({ long }) => long)).toContain('--strict');
  });
});
