/** `valenic bench peers`: us and the peers under the same load, in turn, in one run. */

import { appendFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addonCarrier } from '../../datapath/carried.ts';
import { refuseAbsentCpus } from '../../datapath/cpus.ts';
import { Datapath } from '../../datapath/datapath.ts';
import { loadAddon } from '../../datapath/load.ts';
import { ValenicError } from '../../errors.ts';
import type { BenchIo } from '../io.ts';
import { isInNamespace, runGuestsInNamespace } from '../tcp/namespace.ts';
import { refuseUnwritable } from '../values.ts';
import { comparedStatus, doubtLegend, measuredOf } from '../verdict.ts';
import type { Ground, Peer, PeerName } from './backend.ts';
import { GuestContest, type GuestRunTools } from './guest-run.ts';
import { HugePages } from './hugepages.ts';
import { type PeersOptions, parsePeersOptions } from './options.ts';
import { ovsMiB, ovsPeer } from './ovs.ts';
import { otherPeer, processPeer } from './own.ts';
import { peersPage } from './page.ts';
import { countsFar } from './pairs.ts';
import { reclaimRemains, recordRun, runFolderPrefix } from './remains.ts';
import { bestOf, headOf, historyText, type PeersRow, rowsOf, type SkippedPeersRow } from './row.ts';
import { Contest, type RunTools } from './run.ts';
import { SyntheticFrontend } from './synthetic.ts';
import { peersHead, peersLine } from './table.ts';
import { testpmdMiB, testpmdPeer } from './testpmd.ts';
import { VirtioUserFrontend } from './virtio-user.ts';
import {
  type GuestWorkload,
  guestWorkloads,
  type SyntheticWorkload,
  workloads,
} from './workload.ts';

const peersOf = ({ other }: PeersOptions): readonly Peer[] => [
  ...[testpmdPeer('io'), testpmdPeer('mac'), ovsPeer],
  ...[processPeer, ...(other === null ? [] : [otherPeer(other)])],
];
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
  const guests = options.driver === 'guest';
  if (guests && !isInNamespace()) return runGuestsInNamespace(['peers', ...argv], [], io);
  const say = (sentence: string) => void io.stderr.write(`${sentence}\n`);
  for (const sentence of reclaimRemains()) say(sentence);
  const folder = await mkdtemp(join(tmpdir(), runFolderPrefix));
  recordRun(folder, 0);
  const hugePages = HugePages.take(guests ? testpmdMiB : hugeMiB, undefined, (added) =>
    recordRun(folder, added),
  );
  const datapath = new Datapath(addonCarrier(loadAddon()), () => {});
  try {
    const [workerCpu, otherCpu] = options.cpu;
    const ground: Ground = { folder, workerCpu, otherCpu, hugePages };
    say(`Hugepages for the peers: ${hugePages.text}`);
    const emit = emitter(options, io);
    const tools = {
      ...{ options, say, signal: io.signal ?? new AbortController().signal },
      probe: () => probe(datapath, options),
    };
    const rows = guests
      ? await measureGuests({ ...tools, ground: { ...ground, polling: options.polling } }, emit)
      : await measureAll({ ...tools, ground, frontends: await frontendsOn(ground) }, emit);
    await writeFile(options.output, peersPage(rows));
    say(`The plots are in ${options.output}`);
    if (!options.json) io.stdout.write(doubtLegend(measuredOf(rows)));
    return comparedStatus(options.strict, rows);
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

async function frontendsOn(ground: Ground): Promise<RunTools['frontends']> {
  return {
    synthetic: await SyntheticFrontend.create(ground.otherCpu),
    'dpdk-virtio-user': new VirtioUserFrontend(ground),
  };
}

type Emit = (rows: readonly AnyRow[]) => void;

/** Prints and keeps the rows of a comparison as they come: who stops it has those. */
function emitter({ json, history }: PeersOptions, io: BenchIo): Emit {
  if (!json) io.stdout.write(`${peersHead()}\n`);
  return (rows) => {
    const lines = json ? rows.map((row) => JSON.stringify(row)) : peersLine(rows);
    for (const line of lines) io.stdout.write(`${line}\n`);
    if (history !== null) appendFileSync(history, historyText(rows));
  };
}

async function measureAll(tools: RunTools, emit: Emit): Promise<readonly AnyRow[]> {
  const { options } = tools;
  const rows: AnyRow[] = [];
  for (const peer of peersOf(options).filter(({ name }) => options.peers.includes(name))) {
    const contest = new Contest(tools, peer);
    try {
      for (const workload of workloads.filter(({ name }) => options.workloads.includes(name))) {
        const some = await rowsFor(tools, contest, peer, workload);
        rows.push(...some);
        emit(some);
      }
    } finally {
      await contest.close();
    }
  }
  return rows;
}

/** The guests are booted once for split rings, and once more with packed ones on offer. */
async function measureGuests(tools: GuestRunTools, emit: Emit): Promise<readonly AnyRow[]> {
  const { options } = tools;
  const chosen = guestWorkloads.filter(({ name }) => options.workloads.includes(name));
  const rows: AnyRow[] = [];
  for (const ring of ['split', 'packed'] as const) {
    const some = chosen.filter((workload) => workload.ring === ring);
    if (some.length === 0) continue;
    const contest = await GuestContest.start(tools, ring === 'packed');
    try {
      for (const [workload, peer] of some.flatMap((one) =>
        options.peers.map((name) => [one, name] as const),
      )) {
        const found = await guestRows(tools, contest, peer, workload);
        rows.push(...found);
        emit(found);
      }
    } finally {
      await contest.close();
    }
  }
  return rows;
}

async function guestRows(
  { options, signal }: GuestRunTools,
  contest: GuestContest,
  peer: PeerName,
  workload: GuestWorkload,
): Promise<readonly AnyRow[]> {
  const head = headOf(workload, peer, options.polling);
  const measured = await contest.measure(peer, workload).catch((error: unknown) => {
    if (signal.aborted) throw new ValenicError('interrupted', 'stopped within a comparison');
    return { ...head, skipped: error instanceof Error ? error.message : String(error) };
  });
  return 'skipped' in measured ? [measured] : rowsOf(measured, true);
}

async function rowsFor(
  tools: RunTools,
  contest: Contest,
  peer: Peer,
  workload: SyntheticWorkload,
): Promise<readonly AnyRow[]> {
  const skip = (why: string): readonly AnyRow[] => [
    { ...headOf(workload, peer.name), skipped: why },
  ];
  const missing = peer.missing() ?? tools.frontends[workload.frontend].missing(workload);
  if (missing !== null) return skip(missing);
  try {
    const settings = await contest.measure(workload);
    const [best, bestFar] = [bestOf(settings), bestOf(settings, countsFar)];
    return settings.flatMap((one) => rowsOf(one, one === best, one === bestFar));
  } catch (error) {
    if (tools.signal.aborted) throw new ValenicError('interrupted', 'stopped within a comparison');
    return skip(error instanceof Error ? error.message : String(error));
  }
}
