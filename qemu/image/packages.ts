/**
 * Debian packages, fetched and unpacked into a cache folder. Installs nothing, works without root.
 *
 * A finished folder appears by one rename, so a build that was cut off leaves no half package
 * behind.
 */

import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { QemuError, sentenceOf } from '../errors.ts';
import { type RunResult, run } from '../run.ts';

export type Log = (line: string) => void;

const aptTimeoutMs = 300_000;
const unpackTimeoutMs = 120_000;

/** Options for apt: none, or private package lists in the cache where the system's are missing. */
export interface Apt {
  readonly options: readonly string[];
}

/**
 * The package that a meta package stands for, e.g. linux-image-cloud-amd64 ->
 * linux-image-6.1.0-56-cloud-amd64. Fetches package lists of its own when the system has none.
 */
export async function resolveMetaPackage(
  meta: string,
  cacheDir: string,
  log: Log,
): Promise<{ readonly name: string; readonly apt: Apt }> {
  const system: Apt = { options: [] };
  const known = await dependencyOf(meta, system);
  if (known !== null) return { name: known, apt: system };
  log(`${meta} is not in the package lists of this system: fetching fresh lists`);
  const own = await privateLists(cacheDir);
  const found = await dependencyOf(meta, own);
  if (found !== null) return { name: found, apt: own };
  throw new QemuError(
    'kernel_missing',
    `there is no package ${meta}: is this Debian? Give a kernel with the "kernel" option`,
  );
}

async function dependencyOf(meta: string, apt: Apt): Promise<string | null> {
  const result = await tool('apt-cache', [...apt.options, 'depends', '--important', meta], 60_000);
  return /^\s+Depends:\s+(linux-image-[0-9]\S+)/m.exec(result.stdout)?.[1] ?? null;
}

async function privateLists(cacheDir: string): Promise<Apt> {
  const root = resolve(cacheDir, 'apt');
  await mkdir(join(root, 'lists/partial'), { recursive: true });
  await mkdir(join(root, 'archives/partial'), { recursive: true });
  const options = [`Dir::State::lists=${root}/lists`, `Dir::Cache=${root}`].flatMap((option) => [
    '-o',
    option,
  ]);
  const result = await tool('apt-get', [...options, 'update'], aptTimeoutMs);
  if (result.code !== 0) throw aptFailed('apt-get update', result);
  return { options };
}

/**
 * The folder with the unpacked package; fetched only when it is not in the cache yet.
 *
 * @throws {QemuError} `kernel_missing` when it cannot be fetched or unpacked.
 */
export async function unpackedPackage(
  name: string,
  apt: Apt,
  cacheDir: string,
  log: Log,
): Promise<string> {
  const target = join(cacheDir, 'packages', name);
  if (await exists(target)) return target;
  await mkdir(join(cacheDir, 'packages'), { recursive: true });
  const work = await mkdtemp(join(cacheDir, 'packages', '.work-'));
  try {
    log(`fetching the package ${name}`);
    const args = [...apt.options, 'download', name];
    const fetched = await tool('apt-get', args, aptTimeoutMs, work);
    const deb = (await readdir(work)).find((file) => file.endsWith('.deb'));
    if (fetched.code !== 0 || deb === undefined)
      throw aptFailed(`apt-get download ${name}`, fetched);
    const root = join(work, 'root');
    const unpacked = await tool('dpkg-deb', ['-x', join(work, deb), root], unpackTimeoutMs);
    if (unpacked.code !== 0) throw aptFailed(`dpkg-deb -x ${deb}`, unpacked);
    await rename(root, target).catch(async (error) => {
      // Somebody else was faster: theirs is as good as ours.
      if (!(await exists(target))) throw error;
    });
    return target;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Packages in the cache whose name fits, newest version last. */
export async function cachedPackages(cacheDir: string, pattern: RegExp): Promise<string[]> {
  const names = await readdir(join(cacheDir, 'packages')).catch(() => []);
  const fitting = names.filter((name) => pattern.test(name));
  fitting.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return fitting.map((name) => join(cacheDir, 'packages', name));
}

async function exists(directory: string): Promise<boolean> {
  return (await readdir(directory).catch(() => null)) !== null;
}

async function tool(
  name: string,
  args: readonly string[],
  timeoutMs: number,
  cwd?: string,
): Promise<RunResult> {
  const options = { timeoutMs, ...(cwd === undefined ? {} : { cwd }) };
  return run(name, args, options).catch((error) => {
    throw new QemuError('kernel_missing', `${name} cannot be run: ${sentenceOf(error)}`);
  });
}

function aptFailed(what: string, result: RunResult): QemuError {
  const lines = result.stderr.split('\n').filter((line) => /^(E:|Err|dpkg-deb:)/.test(line));
  const why = result.killed ? 'it took too long' : lines.join(' ') || `status ${result.code}`;
  return new QemuError(
    'kernel_missing',
    `"${what}" failed: ${why}. Is the network there? "sudo apt-get update" may help`,
  );
}
