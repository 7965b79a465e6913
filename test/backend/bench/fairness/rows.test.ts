import { describe, expect, it } from 'vitest';
import {
  type FairnessKind,
  fairnessKinds,
  floorOf,
  stationsOf,
} from '../../../../backend/bench/fairness/kinds.ts';
import { parseFairnessOptions } from '../../../../backend/bench/fairness/options.ts';
import { fairnessLegend, fairnessRow } from '../../../../backend/bench/fairness/row.ts';
import type { RunResult, StationResult } from '../../../../backend/bench/fairness/run.ts';
import { fairnessHead, fairnessLine } from '../../../../backend/bench/fairness/table.ts';
import { dropReasons, portCounters } from '../../../../native/boundary/index.ts';

const kindOf = (name: string): FairnessKind => {
  const kind = fairnessKinds.find((found) => found.name === name);
  if (kind === undefined) throw new Error(`no kind ${name}`);
  return kind;
};

interface Seen {
  readonly honest?: number;
  readonly workerNs?: number;
  readonly turns?: number;
  readonly sourceEmpty?: number;
  readonly attackerEmpty?: number;
  readonly faults?: number;
  readonly probesNs?: readonly [number | null, number | null];
  readonly others?: number;
  readonly waited?: number;
  readonly noBuffer?: number;
}

function runOf(kind: FairnessKind, attacked: boolean, seen: Seen = {}): RunResult {
  const { turns = 1000, sourceEmpty = 0, attackerEmpty = 0, honest = 1_000_000 } = seen;
  const stations = stationsOf(kind, 1, attacked).map((station): StationResult => {
    const zeros = Object.fromEntries([...portCounters].map((name) => [name, 0]));
    const drops = Object.fromEntries(Object.keys(dropReasons).map((name) => [name, 0]));
    const counters = {
      ...{ ...zeros, turns, rx_frames: 100 },
      turns_empty: station.part === 'source' ? sourceEmpty : attackerEmpty,
    };
    const isSink = station.part === 'sink';
    return {
      ...{ station, faults: station.part === 'attacker' ? (seen.faults ?? 0) : 0 },
      replay: { kind: station.plays, sent: 5, received: 5, honest: isSink ? honest : 0 },
      stats: { counters, drops: { ...drops, rx_no_buffer: seen.noBuffer ?? 0 } },
    } as StationResult;
  });
  const window = { seconds: 0.1, workerNs: seen.workerNs ?? 100_000_000, stations };
  return {
    windows: [window],
    probesNs: seen.probesNs ?? [50, 50],
    load: { others: seen.others ?? 0, stolen: 0, waited: seen.waited ?? 0, cpus: 2 },
  };
}

const tso = kindOf('tso');
const rowOf = (kind: FairnessKind, attacked: Seen = {}, alone: Seen = {}) =>
  fairnessRow(kind, 'split', 1, [
    { alone: runOf(kind, false, alone), attacked: runOf(kind, true, attacked) },
  ]);

describe('a row of bench fairness', () => {
  it('has frames that arrived a second of the worker, and their share of the pair alone', () => {
    const row = rowOf(tso, { honest: 300_000 });
    expect(row).toMatchObject({ counts: true, doubts: [], fair: false, floor: 0.4 });
    expect(row.alone.median).toBe(10);
    expect(row.mppsPerCpu.median).toBe(3);
    expect(row.share.median).toBeCloseTo(0.3);
    expect(rowOf(tso, { honest: 400_000 }).fair).toBe(true);
  });

  it('is measured by the time of the worker, not by the clock', () => {
    expect(rowOf(tso, { honest: 500_000, workerNs: 50_000_000 }).share.median).toBe(1);
  });

  it('is of the windows that count, if they are half of all', () => {
    const good = runOf(tso, true, { honest: 400_000 });
    const idle = runOf(tso, true, { honest: 1, sourceEmpty: 900 });
    const of = (...runs: readonly RunResult[]) =>
      fairnessRow(tso, 'split', 1, [
        {
          alone: runOf(tso, false),
          attacked: { ...good, windows: runs.flatMap(({ windows }) => windows) },
        },
      ]);
    expect(of(good, idle)).toMatchObject({
      ...{ counts: true, share: { median: 0.4 }, sourceWaiting: 1 },
      windows: { all: 3, counted: 2 },
    });
    expect(of(good, idle, idle)).toMatchObject({ counts: false, doubts: ['source-idle'] });
    expect(of(good, idle, idle).share.median).toBeLessThan(0.2);
  });

  it.each([
    ['source-idle', { sourceEmpty: 51 }],
    ['attacker-idle', { attackerEmpty: 101 }],
    ['uncounted', { turns: 0 }],
    ['stopped', { faults: 1 }],
    ['starved', { workerNs: 40_000_000 }],
    ['busy', { others: 0.5 }],
    ['disturbed', { probesNs: [50, 11_994_308] }],
    ['moved', { probesNs: [50, 220] }],
    ['moved', { probesNs: [220, 220] }],
    ['unplaced', { probesNs: [50, null] }],
    ['nothing', { honest: 0 }],
  ] as const)('does not count, and says "%s"', (word, seen) => {
    const row = rowOf(tso, seen);
    expect(row.doubts).toContain(word);
    expect(row.counts).toBe(false);
    expect(fairnessLine(row)).toContain('does not count: ');
    expect(fairnessLegend([row])).toContain(`${word}: `);
  });

  it('counts where both runs have far CPUs, and where the worker waited for its own', () => {
    const far = { probesNs: [210, 220], waited: 0.3 } as const;
    expect(rowOf(tso, far, far)).toMatchObject({ counts: true, doubts: [] });
  });

  it('counts with as much waiting as is wanted', () => {
    expect(rowOf(tso, { sourceEmpty: 50, attackerEmpty: 100 })).toMatchObject({ counts: true });
  });

  it('wants the ring of a rule-breaker to stop, and no other', () => {
    expect(rowOf(kindOf('chain-over')).doubts).toEqual(['accepted']);
    expect(rowOf(kindOf('chain-over'), { faults: 1, attackerEmpty: 1000 }).doubts).toEqual([]);
  });

  it('wants the buffers of a hostile receiver to last where the honest source sends', () => {
    const kind = kindOf('rx-chain-honest');
    expect(rowOf(kind, { noBuffer: 11 }).counts).toBe(true);
    expect(rowOf(kind, { noBuffer: 20 }).doubts).toEqual(['attacker-idle']);
  });

  it('fits 100 columns', () => {
    const row = rowOf(tso, { others: 0.5, turns: 0, probesNs: [50, 220], honest: 0 });
    for (const line of `${fairnessHead()}\n${fairnessLine(row)}`.split('\n')) {
      expect(line.length, line).toBeLessThanOrEqual(100);
    }
  });
});

describe('floors', () => {
  it('are four fifths of an equal share among all ports that want the worker', () => {
    expect(floorOf(tso, 1)).toBe(0.4);
    expect(floorOf(tso, 8)).toBe(0.0889);
    // An accomplice that sends to a hostile receiver is one more port.
    expect(floorOf(kindOf('rx-chain'), 1)).toBe(0.2667);
    expect(floorOf(kindOf('rx-chain-honest'), 1)).toBe(0.4);
  });
});

describe('who is there', () => {
  it('the pair, the attackers, and an accomplice of each where one is needed', () => {
    expect(stationsOf(tso, 2, true).map(({ plays, to }) => `${plays}>${to}`)).toEqual([
      ...['frames>1', 'sink>undefined', 'tso>4', 'tso>5'],
      ...['drain>undefined', 'drain>undefined'],
    ]);
    expect(stationsOf(kindOf('rx-chain'), 1, true).map(({ plays, to }) => [plays, to])).toEqual([
      ...[
        ['frames', '1'],
        ['sink', undefined],
      ],
      ...[
        ['rx-chain', undefined],
        ['flood', '2'],
      ],
    ]);
  });

  it('alone the pair, and ordinary receivers where its frames are broadcast', () => {
    expect(stationsOf(tso, 8, false)).toHaveLength(2);
    const alone = stationsOf(kindOf('rx-chain-honest'), 2, false);
    expect(alone.map(({ plays }) => plays)).toEqual(['frames', 'sink', 'drain', 'drain']);
    expect(alone[0]?.to).toBe('all');
  });
});

describe('options of bench fairness', () => {
  it('are all kinds and rings, one attacker and eight, unless told', () => {
    const options = parseFairnessOptions([], () => {});
    expect(options).toMatchObject({ rings: ['split', 'packed'], attackers: [1, 8], strict: false });
    expect(options?.kinds).toHaveLength(fairnessKinds.length);
  });

  it.each([
    ['--kind', 'nothing'],
    ['--attackers', '0'],
    ['--ring', 'round'],
    ['--cpu', '1'],
  ])('refuses %s %s', (option, value) => {
    expect(() => parseFairnessOptions([option, value], () => {})).toThrow(option);
  });

  it('prints the kinds with its help', () => {
    let text = '';
    expect(parseFairnessOptions(['--help'], (part) => (text += part))).toBeNull();
    for (const { name } of fairnessKinds) expect(text).toContain(name);
  });
});
