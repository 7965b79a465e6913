/** `valenic bench peers`: us and the peers under the same load, in turn, in one run. */

import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { refuseAbsentCpus } from '../../datapath/cpus.ts';
import { Datapath } from '../../datapath/datapath.ts';
import { loadAddon } from '../../datapath/load.ts';
import { ValenicError } from '../../errors.ts';
import type { BenchIo } from '../index.ts';
import { refuseUnwritable } from '../values.ts';
import type { Ground, Peer } from './backend.ts';
import { HugePages } from './hugepages.ts';
import { type PeersOptions, parsePeersOptions } from './options.ts';
import { ovsMiB, ovsPeer } from './ovs.ts';
import { peersPage } from './page.ts';
import { reclaimRemains, recordRun, runFolderPrefix } from './remains.ts';
import { bestOf, headOf, historyText, type PeersRow, rowsOf, type SkippedPeersRow } from './row.ts';
import { Contest, type RunTools } from './run.ts';
import { SyntheticFrontend } from './synthetic.ts';
import { peersHead, peersLine } from './table.ts';
import { testpmdMiB, testpmdPeer } from './testpmd.ts';
import { VirtioUserFrontend } from './virtio-user.ts';
import { type Workload, workloads } from './workload.ts';

const peers: readonly Peer[] = [testpmdPeer('io'), testpmdPeer('mac'), ovsPeer];
/** The largest peer (testpmd runs twice), and a front-end of DPDK's. */
const hugeMiB = Math.max(2 * testpmdMiB, ovsMiB) + testpmdMiB;

type AnyRow = PeersRow | SkippedPeersRow;

/** @returns the exit status. @throws {ValenicError} */
export async function runPeers(argv: readonly string[], io: BenchIo): Promise<number> {
  const options = parsePeersOptions(argv, (text) => io.stdout.write(text));
  if (options === null) return 0;
  refuseAbsentCpus(options.cpu);
  refuseUnwritable(options.output);
  if (options.history !== null) refuseUnwritable(options.history, '--history');
  const say = (sentence: string) => void io.stderr.write(`${sentence}\n`);
  for (const sentence of reclaimRemains()) say(sentence);
  const folder = await mkdtemp(join(tmpdir(), runFolderPrefix));
  recordRun(folder, 0);
  const hugePages = HugePages.take(hugeMiB, undefined, (added) => recordRun(folder, added));
  const datapath = new Datapath(loadAddon(), () => {});
  try {
    const [workerCpu, otherCpu] = options.cpu;
    const ground: Ground = { folder, workerCpu, otherCpu, hugePages };
    say(`Hugepages for the peers: ${hugePages.text}`);
    const rows = await measureAll(
      {
        ...{ options, ground, say, signal: io.signal ?? new AbortController().signal },
        frontends: {
          synthetic: await SyntheticFrontend.create(otherCpu),
          'dpdk-virtio-user': new VirtioUserFrontend(ground),
        },
        probe: () => probe(datapath, options),
      },
      io,
    );
    await writeFile(options.output, peersPage(rows));
    if (options.history !== null) await appendFile(options.history, historyText(rows));
    say(`The plots are in ${options.output}`);
    return rows.some((row) => !('skipped' in row)) ? 0 : 1;
  } finally {
    await datapath.close();
    hugePages.giveBack();
    await rm(folder, { recursive: true, force: true });
  }
}

async function probe(datapath: Datapath, { cpu }: PeersOptions): Promise<number | null> {
  const [cpuA, cpuB] = cpu;
  const answer = await datapath.command('probe.placement', { cpuA, cpuB }).catch(() => null);
  return answer === null ? null : Number(answer.ns.toFixed(1));
}

async function measureAll(tools: RunTools, io: BenchIo): Promise<readonly AnyRow[]> {
  const { options } = tools;
  const rows: AnyRow[] = [];
  const emit = (row: AnyRow): void => {
    rows.push(row);
    if (options.json) io.stdout.write(`${JSON.stringify(row)}\n`);
  };
  if (!options.json) io.stdout.write(`${peersHead()}\n`);
  for (const peer of peers.filter(({ name }) => options.peers.includes(name))) {
    const contest = new Contest(tools, peer);
    try {
      for (const workload of workloads.filter(({ name }) => options.workloads.includes(name))) {
        const some = await rowsFor(tools, contest, peer, workload);
        for (const row of some) emit(row);
        if (!options.json) for (const line of peersLine(some)) io.stdout.write(`${line}\n`);
      }
    } finally {
      await contest.close();
    }
  }
  return rows;
}

async function rowsFor(
  tools: RunTools,
  contest: Contest,
  peer: Peer,
  workload: Workload,
): Promise<readonly AnyRow[]> {
  const skip = (why: string): readonly AnyRow[] => [
    { ...headOf(workload, peer.name), skipped: why },
  ];
  const missing = peer.missing() ?? tools.frontends[workload.frontend].missing(workload);
  if (missing !== null) return skip(missing);
  try {
    const settings = await contest.measure(workload);
    const best = bestOf(settings);
    return settings.flatMap((measured) => rowsOf(measured, measured === best));
  } catch (error) {
    if (tools.signal.aborted) throw new ValenicError('interrupted', 'stopped within a comparison');
    return skip(error instanceof Error ? error.message : String(error));
  }
}
