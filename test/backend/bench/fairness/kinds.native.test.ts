import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { type FairnessKind, fairnessKinds } from '../../../../backend/bench/fairness/kinds.ts';
import {
  fairnessRun,
  type RunResult,
  type StationResult,
  type WindowResult,
} from '../../../../backend/bench/fairness/run.ts';
import { withPorts } from '../../../../backend/bench/ports-rig.ts';
import { runSynthetic, type SyntheticLine } from '../../../../backend/bench/synthetic-process.ts';

const cpu = availableParallelism() > 1 ? ([1, 0] as const) : ([0, 0] as const);
const never = new AbortController().signal;

/** Each kind does what it says: the counters of attacker and accomplice show it. */
const proofs: Readonly<
  Record<string, (attacker: StationResult, accomplice: StationResult | undefined) => boolean>
> = {
  'chain-max': ({ replay, stats, faults }) =>
    faults === 0 && replay.sent > 0 && stats.drops.tx_reflected > 0,
  tso: (_, accomplice) => cutInto(accomplice, 255),
  'gso-1448': (_, accomplice) => cutInto(accomplice, 45),
  pieces: ({ stats }, accomplice) =>
    stats.drops.tx_too_many_segments === 0 && (accomplice?.stats.counters.rx_frames ?? 0) > 0,
  csum: (_, accomplice) => (accomplice?.stats.counters.rx_checksums_made ?? 0) > 0,
  broadcast: ({ replay }) => replay.sent > 0,
  nobody: ({ replay }) => replay.sent > 0,
  churn: ({ stats: { counters } }) => counters.macs_learned + counters.macs_refused > 256,
  stream: ({ stats }) => stats.drops.tx_too_short > 0,
};

function cutInto(receiver: StationResult | undefined, segments: number): boolean {
  const { rx_big_cut = 0, rx_segments_made = 0 } = receiver?.stats.counters ?? {};
  return rx_big_cut > 0 && rx_segments_made === rx_big_cut * segments;
}

/** Chains that the frames of a hostile receiver took: one each, or several. */
function receives(kind: FairnessKind, { replay, stats }: StationResult): boolean {
  const each = kind.plays === 'rx-pieces' ? 6 : 1;
  const { rx_frames } = stats.counters;
  // What the driver has not looked at yet is not in its count.
  return rx_frames > 0 && replay.received > 0 && replay.received <= each * (rx_frames + 4096);
}

/** Frames that a limit on floods kept from costing anything. */
function stormDrops({ windows }: RunResult): number {
  const of = ({ stats: { drops } }: StationResult) =>
    drops.tx_storm_broadcast + drops.tx_storm_multicast + drops.tx_storm_unknown_unicast;
  return windows.flatMap(({ stations }) => stations.map(of)).reduce((sum, one) => sum + one, 0);
}

function holds(kind: FairnessKind, { windows }: RunResult): boolean {
  return windows.some((window) => shows(kind, window));
}

function shows(kind: FairnessKind, { stations, workerNs }: WindowResult): boolean {
  const of = (part: string) => stations.filter(({ station }) => station.part === part);
  const [sink] = of('sink');
  const [attacker] = of('attacker');
  if (attacker === undefined || workerNs <= 0 || (sink?.replay.honest ?? 0) === 0) return false;
  if (kind.breaks) return attacker.faults > 0;
  if (kind.from !== undefined) return receives(kind, attacker);
  return proofs[kind.name]?.(attacker, of('accomplice')[0]) ?? false;
}

describe('hostile guests of valenic-synthetic beside an ordinary, verifying pair', () => {
  it('are played by the same process, and the pair loses no byte', {
    timeout: 120_000,
  }, async () => {
    const settings = { workers: 1, polling: 'adaptive' } as const;
    const total = await withPorts(
      4,
      settings,
      async (_backend, [a = '', b = '', c = '', d = '']) => {
        const lines: SyntheticLine[] = [];
        const words = [
          ...['--port', a, '--port', b, '--flow', '0>1', '--verify', '--count', '2000'],
          // Paced, so that the receiver's ring has room for all of them.
          ...['--rate', '20000', '--replay', `csum=${c}>3`, '--replay', `drain=${d}`],
          ...['--warmup', '0', '--seconds', '30'],
        ];
        await runSynthetic(words, never, (line) => void lines.push(line));
        expect(lines.find(({ run }) => run === 1)?.replays?.map(({ kind }) => kind)).toEqual([
          ...['csum', 'drain'],
        ]);
        return lines.find(({ total }) => total === true);
      },
    );
    expect(total).toMatchObject({ sent: 2000, corrupt: 0 });
    expect(total?.received).toBeGreaterThan(0);
  });
});

describe('each kind of attacker does what its row says, beside an honest pair', () => {
  for (const kind of fairnessKinds as readonly FairnessKind[]) {
    const rings = kind.plays === 'stream' ? (['split'] as const) : (['split', 'packed'] as const);
    it.each(rings)(`${kind.name}: ${kind.text} (%s)`, { timeout: 120_000 }, async (ring) => {
      // On a busy machine a short run may see nothing at all.
      for (let seconds = 0.05; ; seconds *= 4) {
        const point = { kind, ring, attackers: 1, attacked: true };
        const run = await fairnessRun(point, { cpu, seconds }, never);
        expect(stormDrops(run), 'another mechanism than shares').toBe(0);
        if (holds(kind, run)) return;
        if (seconds < 10) continue;
        expect(run).toBe('what the kind says');
      }
    });
  }

  it('eight of them at once, each with its accomplice', { timeout: 120_000 }, async () => {
    const kind = fairnessKinds.find(({ name }) => name === 'tso');
    if (kind === undefined) throw new Error('no such kind');
    const point = { kind, ring: 'split', attackers: 8, attacked: true } as const;
    for (let seconds = 0.2; ; seconds *= 4) {
      const { windows } = await fairnessRun(point, { cpu, seconds }, never);
      const { stations = [] } = windows.at(-1) ?? {};
      expect(stations.map(({ station }) => station.part)).toEqual([
        ...['source', 'sink'],
        ...Array.from({ length: 8 }, () => 'attacker'),
        ...Array.from({ length: 8 }, () => 'accomplice'),
      ]);
      const hostile = stations.filter(({ station }) => station.part === 'attacker');
      if (hostile.every(({ replay }) => replay.sent > 0)) return;
      expect(seconds).toBeLessThan(10);
    }
  });
});
