/** npm as a user runs it, with nothing of the `npm test` around it. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from '../../qemu/run.ts';

export const root = resolve(import.meta.dirname, '../..');

/** npm passes its settings on to what it starts, as variables: a user's shell has none of them. */
export const cleanEnv: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|VALENIC_|NODE_OPTIONS$)/i.test(name)),
);

/** What was fetched once is not fetched again; a registry that cannot be reached is an error. */
const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];

/** @throws with npm's own words. @returns What it wrote to its standard output. */
export async function npm(folder: string, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run('npm', [...words, ...quiet], {
    timeoutMs: 500_000,
    cwd: folder,
    env: cleanEnv,
  });
  if (code !== 0) throw new Error(`npm ${words.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

/** Runs a program in a folder, without the variables of `npm test`. */
export function inFolder(folder: string, command: string, ...words: readonly string[]) {
  return run(command, words, { timeoutMs: 60_000, cwd: folder, env: cleanEnv });
}

/** A folder that others can look into, and what removes it. */
export async function openFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'valenic-package-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Makes the tarball, as `npm publish` would. @returns Its path. */
export async function pack(folder: string): Promise<string> {
  await npm(root, 'pack', '--pack-destination', folder);
  const found = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  if (found.length !== 1) throw new Error(`npm pack made ${found.length} files`);
  return join(folder, found[0] ?? '');
}
