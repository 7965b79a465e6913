/**
 * `valenic bench ports`: rate and cost of a copy by the number of ports: pairs of guests that send
 * to each other, and one guest whose frames are flooded to all others.
 */

import { writeFile } from 'node:fs/promises';
import type { Backend } from '../backend.ts';
import { refuseAbsentCpus } from '../datapath/cpus.ts';
import { ValenicError } from '../errors.ts';
import { difference } from '../stats/stats.ts';
import { environmentOf, noGuest } from './environment.ts';
import type { BenchIo } from './io.ts';
import { LoadWatch } from './load-watch.ts';
import { type PortsOptions, parsePortsOptions, type Traffic } from './ports-options.ts';
import { withPorts } from './ports-rig.ts';
import { type PortsRow, portsHead, portsLine, portsPage, portsRow } from './ports-row.ts';
import { runSynthetic, type SyntheticLine } from './synthetic-process.ts';
import { refuseUnwritable } from './values.ts';
import { doubtLegend, strictStatus } from './verdict.ts';

/** @returns the exit status. @throws {ValenicError} */
export async function runPortsBench(argv: readonly string[], io: BenchIo): Promise<number> {
  const options = parsePortsOptions(argv, (text) => io.stdout.write(text));
  if (options === null) return 0;
  refuseAbsentCpus(options.cpu);
  if (options.output !== null) refuseUnwritable(options.output);
  if (!options.json) io.stdout.write(`${portsHead()}\n`);
  const rows: PortsRow[] = [];
  for (const traffic of options.traffic) {
    for (const ports of options.ports) {
      const row = await measure(traffic, ports, options, io);
      rows.push(row);
      io.stdout.write(`${options.json ? JSON.stringify(row) : portsLine(row)}\n`);
    }
  }
  if (options.output !== null) {
    await writeFile(options.output, portsPage(rows));
    io.stderr.write(`The plots are in ${options.output}\n`);
  }
  if (!options.json) io.stdout.write(doubtLegend(rows));
  const sound = rows.every(({ exact, received }) => exact && received > 0);
  return sound ? strictStatus(options.strict, rows) : 1;
}

async function measure(
  traffic: Traffic,
  ports: number,
  options: PortsOptions,
  io: BenchIo,
): Promise<PortsRow> {
  const [workerCpu, driverCpu] = options.cpu;
  const settings = { workers: 1, polling: 'busy', cpus: [workerCpu] } as const;
  return withPorts(ports, settings, async (backend, paths) => {
    const placement = { cpuA: workerCpu, cpuB: driverCpu };
    const probe = async (): Promise<number | null> => {
      if (workerCpu === driverCpu) return null;
      const answer = await backend.datapath.command('probe.placement', placement).catch(() => null);
      return answer?.ns ?? null;
    };
    const probeNs = await probe();
    const watch = new LoadWatch();
    const busyNs = () => backend.workerStats().reduce((sum, worker) => sum + worker.busy_ns, 0);
    const before = backend.ports().map((port) => port.stats());
    const lines: SyntheticLine[] = [];
    let busyBefore = 0;
    await runSynthetic(wordsFor(traffic, paths, options), signalOf(io), (line) => {
      if (line.ready) busyBefore = busyNs();
      if (line.begun !== undefined) watch.start();
      if (line.run !== undefined) watch.stop();
      lines.push(line);
    });
    return portsRow({
      ...{ traffic, ports, options, lines, lost: lostSince(backend, before) },
      ...{ busyNs: busyNs() - busyBefore, load: watch.report() },
      probesNs: [probeNs, await probe()],
      environment: environmentOf(noGuest, []),
    });
  }).catch((error) => {
    if (io.signal?.aborted) throw new ValenicError('interrupted', 'stopped within a measurement');
    throw error;
  });
}

const neverAborted = new AbortController().signal;
const signalOf = (io: BenchIo): AbortSignal => io.signal ?? neverAborted;

/** The arguments of valenic-synthetic. */
export function wordsFor(
  traffic: Traffic,
  paths: readonly string[],
  { seconds, repeat, rate, frame, cpu }: PortsOptions,
): readonly string[] {
  return [
    ...paths.flatMap((path) => ['--port', path]),
    ...flowsOf(traffic, paths.length).flatMap((flow) => ['--flow', flow]),
    ...['--frame', `${frame}`, '--rate', `${rate}`, '--cpu', `${cpu[1]}`],
    ...['--warmup', '0.2', '--seconds', `${seconds}`, '--runs', `${repeat}`],
  ];
}

/** Each of two guests sends to the other; or the first one to all. */
function flowsOf(traffic: Traffic, ports: number): readonly string[] {
  if (traffic === 'flood') return ['0>all'];
  const guests = Array.from({ length: ports }, (_, index) => index);
  return guests.map((index) => `${index}>${index % 2 === 0 ? index + 1 : index - 1}`);
}

/** Frames, or copies of flooded ones, that were dropped, by reason. */
function lostSince(
  backend: Backend,
  before: readonly ReturnType<ReturnType<Backend['ports']>[number]['stats']>[],
): Readonly<Record<string, number>> {
  const lost: Record<string, number> = {};
  for (const [index, port] of backend.ports().entries()) {
    const earlier = before[index];
    if (earlier === undefined) continue;
    for (const [reason, frames] of Object.entries(difference(port.stats(), earlier).drops)) {
      if (frames > 0) lost[reason] = (lost[reason] ?? 0) + frames;
    }
  }
  return lost;
}
