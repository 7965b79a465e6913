/**
 * `valenic bench tcp`, `udp` and `latency`: what a user of two guests, or of a guest and its host,
 * sees, over our switch and over what people use today, in turn, in one run.
 */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../../qemu/index.ts';
import { refuseAbsentCpus } from '../../datapath/cpus.ts';
import { ValenicError } from '../../errors.ts';
import type { BenchIo } from '../io.ts';
import { HugePages } from '../peers/hugepages.ts';
import { reclaimRemains, recordRun, runFolderPrefix } from '../peers/remains.ts';
import { testpmdMiB } from '../peers/testpmd.ts';
import { refuseUnwritable } from '../values.ts';
import { comparedStatus, doubtLegend, measuredOf } from '../verdict.ts';
import { Contest, type ContestTools } from './contest.ts';
import { ip } from './ip.ts';
import { isInNamespace, runGuestsInNamespace } from './namespace.ts';
import { parseTcpOptions, type TcpOptions } from './options.ts';
import { tcpPage } from './page.ts';
import { type AnyTcpRow, untouched } from './row.ts';
import { tcpHead, tcpLines } from './table.ts';
import { programsOf, type TcpTest } from './traffic.ts';

/** The commands, by name. */
export const tcpBenches: Readonly<
  Record<TcpTest, (argv: readonly string[], io: BenchIo) => Promise<number>>
> = {
  tcp: (argv, io) => runTcpBench('tcp', argv, io),
  udp: (argv, io) => runTcpBench('udp', argv, io),
  latency: (argv, io) => runTcpBench('latency', argv, io),
};

/** @returns the exit status. @throws {ValenicError} */
async function runTcpBench(test: TcpTest, argv: readonly string[], io: BenchIo): Promise<number> {
  const options = parseTcpOptions(test, argv, (text) => io.stdout.write(text));
  if (options === null) return 0;
  refuseAbsentCpus(options.cpu);
  refuseUnwritable(options.output);
  const earlier = await earlierRows(options);
  if (test !== 'latency' && findProgram('iperf3') === null) {
    throw new ValenicError('bench_failed', 'iperf3 is not installed: "apt-get install iperf3"');
  }
  if (!isInNamespace()) return runGuestsInNamespace([test, ...argv], programsOf(test), io);
  const say = (sentence: string) => void io.stderr.write(`${sentence}\n`);
  for (const sentence of reclaimRemains()) say(sentence);
  const folder = await mkdtemp(join(tmpdir(), runFolderPrefix));
  recordRun(folder, 0);
  const record = (added: number) => recordRun(folder, added);
  const wanted = options.peers.includes('dpdk-testpmd-io');
  const hugePages = HugePages.take(wanted ? testpmdMiB : 0, undefined, record);
  try {
    await ip('link set lo up');
    const [workerCpu, otherCpu] = options.cpu;
    const ground = { folder, workerCpu, otherCpu, hugePages, polling: options.polling };
    const signal = io.signal ?? new AbortController().signal;
    const rows = await measureAll({ options, ground, say, signal }, earlier, io);
    const all = [...untouched(earlier, rows), ...rows];
    await writeFile(options.output, tcpPage(test, all));
    say(`The plots are in ${options.output}`);
    if (!options.json) io.stdout.write(doubtLegend(measuredOf(rows)));
    return comparedStatus(options.strict, rows);
  } finally {
    hugePages.giveBack();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureAll(
  tools: ContestTools,
  earlier: readonly AnyTcpRow[],
  io: BenchIo,
): Promise<readonly AnyTcpRow[]> {
  const { test, json } = tools.options;
  const contest = new Contest(tools, earlier);
  const rows: AnyTcpRow[] = [];
  if (!json) io.stdout.write(`${tcpHead(test)}\n`);
  try {
    for await (const some of contest.rows()) {
      rows.push(...some);
      const lines = json ? some.map((row) => JSON.stringify(row)) : tcpLines(test, some);
      for (const line of lines) io.stdout.write(`${line}\n`);
    }
  } catch (error) {
    if (!tools.signal.aborted) throw error;
    throw new ValenicError('interrupted', 'stopped within a comparison');
  } finally {
    await contest.close();
  }
  return rows;
}

/** @throws {ValenicError} `value_invalid` */
async function earlierRows({ add }: TcpOptions): Promise<readonly AnyTcpRow[]> {
  const rows: AnyTcpRow[] = [];
  for (const path of add) {
    try {
      const lines = (await readFile(path, 'utf8')).split('\n').filter(Boolean);
      rows.push(...lines.map((line) => JSON.parse(line) as AnyTcpRow));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new ValenicError('value_invalid', `--add ${path} cannot be read: ${why}`);
    }
  }
  return rows;
}
