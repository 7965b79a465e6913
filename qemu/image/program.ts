/** A program of this system as it goes into a guest image: itself and the libraries it loads. */

import { readFile, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { QemuError } from '../errors.ts';
import { findProgram } from '../locate.ts';
import { run } from '../run.ts';
import type { CpioEntry } from './cpio.ts';

/**
 * Entries for the archive: folders, the program under its name in /bin, and its libraries where
 * the loader looks for them.
 *
 * @param taken  Folders that the archive has already.
 * @throws {QemuError} `kernel_missing` when it is not installed.
 */
export async function programEntries(
  name: string,
  taken: ReadonlySet<string>,
): Promise<readonly CpioEntry[]> {
  const path = findProgram(name);
  if (path === null) {
    throw new QemuError('kernel_missing', `${name} is not installed: "apt-get install ${name}"`);
  }
  const { stdout } = await run('ldd', [path], { timeoutMs: 10_000 });
  const libraries = librariesIn(stdout);
  const folders = foldersOf(libraries).filter((folder) => !taken.has(folder));
  return [
    ...folders.map((folder) => ({ kind: 'directory', path: folder }) as const),
    await fileEntry(path, `bin/${name}`),
    ...(await Promise.all(libraries.map((library) => fileEntry(library, library.slice(1))))),
  ];
}

/** Absolute paths of what `ldd` lists: "libc.so.6 => /lib/…/libc.so.6 (0x…)", or the loader. */
export function librariesIn(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => /^\s*(?:\S+ => )?(\/\S+) \(0x/.exec(line)?.[1]);
  return lines.filter((path) => path !== undefined).toSorted();
}

/** All folders above these files, parents first, without the leading slash. */
function foldersOf(paths: readonly string[]): readonly string[] {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let at = dirname(path); at !== '/'; at = dirname(at)) folders.add(at.slice(1));
  }
  return [...folders].toSorted();
}

async function fileEntry(from: string, path: string): Promise<CpioEntry> {
  const bytes = await readFile(await realpath(from));
  return { kind: 'file', path, bytes, executable: true };
}
