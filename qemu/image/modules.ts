/** Which kernel modules an image needs, and in which order they load. */

import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { QemuError } from '../errors.ts';
import { run } from '../run.ts';
import { elfSection } from './elf.ts';

export interface KernelModule {
  readonly name: string;
  /** Uncompressed ELF. */
  readonly bytes: Buffer;
}

export interface ModuleInfo {
  readonly name: string;
  /** Must be loaded first. */
  readonly depends: readonly string[];
  /** Should be loaded first, where they exist. */
  readonly softPre: readonly string[];
}

/** Modules are named with "_", their files often with "-": the kernel treats both as the same. */
export function moduleName(text: string): string {
  return basename(text)
    .replace(/\.ko(\.[a-z0-9]+)?$/, '')
    .replaceAll('-', '_');
}

/** Reads the `.modinfo` section: "key=value" texts with zeroes between them. */
export function parseModinfo(section: Buffer, name: string): ModuleInfo {
  const depends: string[] = [];
  const softPre: string[] = [];
  for (const text of section.toString('latin1').split('\0')) {
    const [key, value = ''] = splitOnce(text, '=');
    if (key === 'depends') depends.push(...value.split(',').filter(Boolean).map(moduleName));
    const pre = key === 'softdep' ? /(?:^|\s)pre:\s*([^:]*?)(?:\s+post:|$)/.exec(value) : null;
    if (pre?.[1]) softPre.push(...pre[1].split(/\s+/).filter(Boolean).map(moduleName));
  }
  return { name, depends, softPre };
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

/**
 * The wanted modules with everything they need, in loading order: dependencies first.
 *
 * @param directory  `…/lib/modules/<version>`
 * @throws {QemuError} `kernel_missing` when a module is neither there nor built in.
 */
export async function resolveModules(
  directory: string,
  wanted: readonly string[],
): Promise<readonly KernelModule[]> {
  const files = await findModules(join(directory, 'kernel'));
  const builtIn = await readBuiltIn(directory);
  const ordered = new Map<string, KernelModule>();
  const visiting = new Set<string>();

  async function visit(name: string, optional: boolean, neededBy: string): Promise<void> {
    if (ordered.has(name) || builtIn.has(name) || visiting.has(name)) return;
    const file = files.get(name);
    if (file === undefined) {
      if (optional) return;
      throw new QemuError(
        'kernel_missing',
        `the kernel in ${directory} has no module ${name}, which ${neededBy} needs`,
      );
    }
    visiting.add(name);
    const bytes = await readModule(file);
    const section = elfSection(bytes, '.modinfo');
    if (section === null) throw new QemuError('kernel_missing', `${file} is not a kernel module`);
    const info = parseModinfo(section, name);
    for (const before of info.softPre) await visit(before, true, name);
    for (const before of info.depends) await visit(before, false, name);
    ordered.set(name, { name, bytes });
  }
  for (const name of wanted) await visit(moduleName(name), false, 'the guest image');
  return [...ordered.values()];
}

async function findModules(root: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!/\.ko(\.(gz|xz|zst))?$/.test(entry.name)) continue;
    files.set(moduleName(entry.name), join(entry.parentPath, entry.name));
  }
  return files;
}

async function readBuiltIn(directory: string): Promise<ReadonlySet<string>> {
  const text = await readFile(join(directory, 'modules.builtin'), 'utf8').catch(() => '');
  return new Set(text.split('\n').filter(Boolean).map(moduleName));
}

/**
 * Debian 12 ships modules as they are; later ones compress them. The image's insmod cannot
 * unpack.
 */
async function readModule(file: string): Promise<Buffer> {
  if (file.endsWith('.ko')) return readFile(file);
  if (file.endsWith('.gz')) return gunzipSync(await readFile(file));
  const program = file.endsWith('.xz') ? 'xz' : 'zstd';
  const result = await run(program, ['-d', '-c', file], { timeoutMs: 30_000 }).catch(() => null);
  if (result === null || result.code !== 0) {
    throw new QemuError('kernel_missing', `${file} cannot be unpacked: is ${program} installed?`);
  }
  return result.stdoutBytes;
}
