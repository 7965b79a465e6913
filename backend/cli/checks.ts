/** What `valenic doctor` looks at: each check is a question, an answer, and what to do. */

import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { dirname } from 'node:path';
import { cachedPackages } from '../../qemu/image/packages.ts';
import { checkKvm, findProgram, formatVersion, locateQemu, qemuVersion } from '../../qemu/index.ts';
import { createBackend } from '../backend.ts';
import { ControlClient, defaultControlPath, folderFault } from '../daemon/index.ts';
import { loadAddon } from '../datapath/load.ts';
import { guestCache } from '../xdg.ts';
import { guestAgent } from './guest.ts';

export interface Finding {
  /** `warning`: part of Valenic does not work, or works slowly; `failed`: nothing works. */
  readonly status: 'ok' | 'warning' | 'failed';
  readonly text: string;
  /** What to do; absent when all is well. */
  readonly advice?: string;
}

export interface CheckContext {
  /** A QEMU other than the one in PATH. */
  readonly qemu?: string;
  /** Of `--control`. */
  readonly control?: string;
}

export interface Check {
  readonly name: string;
  readonly look: (context: CheckContext) => Promise<Finding>;
}

export const checks: readonly Check[] = [
  { name: 'Node', look: async () => ok(`${process.versions.node} on ${process.arch}`) },
  { name: 'addon', look: checkAddon },
  { name: 'SIMD', look: checkSimd },
  { name: 'memfd', look: checkMemFd },
  { name: 'CPUs', look: checkCpus },
  { name: 'files', look: checkFiles },
  { name: 'sockets', look: checkSockets },
  { name: 'daemon', look: checkDaemon },
  { name: 'QEMU', look: checkQemu },
  { name: 'KVM', look: checkAcceleration },
  { name: 'guest', look: checkGuestImage },
];

function ok(text: string): Finding {
  return { status: 'ok', text };
}
function warning(text: string, advice: string): Finding {
  return { status: 'warning', text, advice };
}
function failed(text: string, advice: string): Finding {
  return { status: 'failed', text, advice };
}
function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function checkAddon(): Promise<Finding> {
  try {
    await using backend = await createBackend();
    await backend.addPort({
      name: { switch: 'doctor', port: 'h' },
      device: { kind: 'host' },
      settings: {},
    });
    return ok('loads; a worker, a switch and a port were made and removed');
  } catch (error) {
    return failed(sentenceOf(error), 'run "npm run build"; it says what is missing');
  }
}

/** Frames are copied in the widest registers there are, unless VALENIC_SIMD names others. */
async function checkSimd(): Promise<Finding> {
  try {
    const { chosen, versions } = loadAddon().simd();
    const wanted = process.env.VALENIC_SIMD ?? chosen;
    const names = versions.filter(({ available }) => available).map(({ name }) => name);
    if (wanted === chosen) return ok(`${chosen} of ${names.join(', ')}`);
    const advice = `VALENIC_SIMD can be ${names.join(', ')}`;
    return warning(`${chosen} runs: there is no ${wanted} here`, advice);
  } catch (error) {
    return failed(sentenceOf(error), 'run "npm run build"; it says what is missing');
  }
}

/** Guest memory and notifications are memfds and eventfds. */
async function checkMemFd(): Promise<Finding> {
  try {
    const addon = loadAddon();
    const fds = [addon.createMemFd('valenic-doctor', 4096), addon.createEventFd()];
    const kinds = fds.map((fd) => addon.fdKind(fd));
    for (const fd of fds) addon.closeFd(fd);
    if (kinds.join() === 'memfd,eventfd') return ok('memfd and eventfd can be made');
    return failed(`the kernel made ${kinds.join(' and ')} instead`, 'use Linux 4.14 or newer');
  } catch (error) {
    return failed(sentenceOf(error), "the container's profile may forbid memfd_create: change it");
  }
}

async function checkCpus(): Promise<Finding> {
  const usable = availableParallelism();
  const all = cpus().length;
  const text = usable === all ? `${all}` : `${usable} of ${all} may be used by this process`;
  if (usable >= 2) return ok(text);
  return warning(text, 'use polling event or adaptive: a busy worker needs a CPU of its own');
}

/** Sockets, memory regions, kicks and calls: about 20 descriptors a port, 4 more for each pair. */
const enoughFiles = 4096;

async function checkFiles(): Promise<Finding> {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1] ?? 'unlimited';
  const text = `${soft} may be open`;
  if (soft === 'unlimited' || Number(soft) >= enoughFiles) return ok(text);
  const ports = Math.floor(Number(soft) / 24);
  return warning(text, `enough for about ${ports} ports; for more, ulimit -n 65536`);
}

async function checkSockets({ control }: CheckContext): Promise<Finding> {
  const path = control ?? defaultControlPath();
  const folder = dirname(path);
  const fault = control === undefined ? await folderFault(folder) : null;
  if (fault !== null) return failed(fault, 'do that, or choose another with --control PATH');
  let parent = folder;
  while (!existsSync(parent) && parent !== dirname(parent)) parent = dirname(parent);
  if (!statSync(parent).isDirectory()) {
    return failed(`${parent} is not a folder`, 'choose another with --control PATH');
  }
  try {
    accessSync(parent, constants.W_OK | constants.X_OK);
    return ok(`${folder} ${parent === folder ? 'can be written to' : 'can be made'}`);
  } catch {
    return failed(`this user may not write to ${parent}`, 'choose another with --control PATH');
  }
}

async function checkDaemon({ control }: CheckContext): Promise<Finding> {
  const client = new ControlClient(control, 5000);
  try {
    const { version, pid, workers } = await client.version();
    const { length } = await client.ports();
    return ok(`version ${version}, process ${pid}, workers ${workers}, ports ${length}`);
  } catch (error) {
    return warning(sentenceOf(error), 'start one with "valenic serve" when you need it');
  }
}

async function checkQemu({ qemu }: CheckContext): Promise<Finding> {
  try {
    const binary = locateQemu(qemu);
    return ok(`${formatVersion(await qemuVersion(binary))} at ${binary}`);
  } catch (error) {
    return warning(sentenceOf(error), 'only guest run and bench --driver guest need it');
  }
}

async function checkAcceleration({ qemu }: CheckContext): Promise<Finding> {
  let binary: string;
  try {
    binary = locateQemu(qemu);
  } catch {
    return warning('not tried: it needs QEMU', 'install qemu-system-x86');
  }
  const { works, reason } = await checkKvm(binary);
  if (works) return ok(reason);
  return warning(reason, 'guests are emulated (TCG): they work, but many times slower');
}

async function checkGuestImage(): Promise<Finding> {
  const agent = await access(guestAgent(), constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!agent) return warning('the guest agent is not built', 'run "npm run build"');
  const kernels = await cachedPackages(guestCache(), /^linux-image-[0-9].*-cloud-amd64$/);
  if (kernels.length > 0) return ok('the agent is built, and a kernel is in the cache');
  if (findProgram('apt-get') !== null) return ok('the agent is built; apt-get will fetch a kernel');
  const advice = 'give guest run a --kernel and --initrd of your own';
  return warning('there is no kernel, and no apt-get to fetch one', advice);
}
