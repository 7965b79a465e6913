/** The files of the repository, as the house rules see them. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** Folders that are made by installing, building and running. */
const made = new Set(['node_modules', 'build', 'dist', 'coverage', '.git', '.cache']);

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory() && !made.has(entry.name)) yield* walk(path);
    else if (entry.isFile()) yield path;
  }
}

/** Every file that was written or generated to be committed, from the root, sorted. */
export const files: readonly string[] = [...walk('')].sort();

const texts = new Map<string, string>();

/** The text of a file, by its path from the root. */
export function textOf(path: string): string {
  let text = texts.get(path);
  if (text === undefined) {
    text = readFileSync(join(root, path), 'utf8');
    texts.set(path, text);
  }
  return text;
}

export function exists(path: string): boolean {
  return files.includes(path);
}

/** Files below a folder with one of these endings. */
export function filesIn(folder: string, ...endings: string[]): readonly string[] {
  return files.filter(
    (path) => path.startsWith(`${folder}/`) && endings.some((end) => path.endsWith(end)),
  );
}

/** A generated file says so in its first line. */
export function isGenerated(path: string): boolean {
  return textOf(path).split('\n', 1).join('').includes('GENERATED from ');
}
