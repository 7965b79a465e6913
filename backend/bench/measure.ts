/** One row: settings applied, the load run, books balanced. */

import type { PollingMode } from '../../native/boundary/index.ts';
import { CpuMeter } from './cpu-meter.ts';
import { environmentOf } from './environment.ts';
import type { Load, Task } from './load.ts';
import type { Rig } from './rig.ts';
import { gbpsOf, type Row } from './row.ts';
import { spreadOf } from './spread.ts';
import { delayDoubt, loadDoubts, rateDoubt, scatterDoubt, verdictOf } from './verdict.ts';

export interface Point {
  readonly polling: PollingMode;
  readonly more: boolean;
}

/**
 * Judged by all but the placement: whether that matters is the caller's to know.
 *
 * @param probeCpus  Between which the placement is probed; none: not probed.
 */
export async function measureRow(
  rig: Rig,
  load: Load,
  point: Point,
  task: Task,
  probeCpus: readonly [number, number] | null,
): Promise<Row> {
  await rig.apply(point.polling, point.more);
  const placement = () => (probeCpus === null ? null : probe(rig, probeCpus));
  const probeNs = await placement();
  if (task.scenario !== 'g2g') await rig.introduceHost();
  const before = rig.snapshot(task.scenario);
  const meter = new CpuMeter();
  const sample = await load.measure(task, meter);
  const probesNs = [probeNs, await placement()] as const;
  const { lost, kicks, calls } = rig.since(task.scenario, before);
  const mpps = spreadOf(sample.mpps.map((rate) => round(rate, 4)));
  const lostSum = Object.values(lost).reduce((sum, frames) => sum + frames, 0);
  const frames = Math.max(1, sample.received);
  const latencyUs = microseconds(sample.latencyNs);
  const verdict = verdictOf([
    ...loadDoubts(meter.load),
    ...[rateDoubt(mpps), scatterDoubt(mpps), task.latency ? delayDoubt(latencyUs) : null],
  ]);
  return {
    scenario: task.scenario,
    system: 'valenic',
    driver: load.driver,
    ring: load.ring,
    ringSize: load.ringSize,
    frameBytes: task.frameBytes,
    polling: point.polling,
    more: point.more,
    ratePps: task.ratePps,
    mpps,
    gbps: round(gbpsOf(mpps.median, task.frameBytes), 3),
    latencyUs,
    sent: sample.sent,
    received: sample.received,
    lost,
    exact: sample.sent === sample.received + lostSum,
    corrupt: sample.corrupt,
    backendCpu: round(meter.cores, 3),
    driverBusy: sample.driverBusy === null ? null : round(sample.driverBusy, 3),
    kicksPerFrame: round(kicks / frames, 6),
    callsPerFrame: round(calls / frames, 6),
    probeNs,
    probesNs,
    ...verdict,
    environment: environmentOf(load.environment, rig.features()),
  };
}

async function probe(rig: Rig, [cpuA, cpuB]: readonly [number, number]): Promise<number | null> {
  const answer = await rig.backend.datapath
    .command('probe.placement', { cpuA, cpuB })
    .catch(() => null);
  return answer === null ? null : round(answer.ns, 1);
}

function microseconds(ns: { p50: number; p99: number; p999: number } | null): Row['latencyUs'] {
  // Without a single delay there is none, and not one of 0.
  if (ns === null || ns.p999 === 0) return null;
  return { p50: ns.p50 / 1000, p99: ns.p99 / 1000, p999: ns.p999 / 1000 };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
