#!/usr/bin/env node
// What npm runs before it makes a tarball (`npm pack`, `npm publish`): builds, and refuses a
// package that lacks what package.json promises.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildAll } from './build.mjs';
import { root, runMain, SetupFailure } from './system.mjs';

/** Every path that a package.json names: what is packed, exported, linked as program or page. */
export function promisedFiles({ files = [], bin = {}, man = [], exports = {} }) {
  const leaves = (value) =>
    typeof value === 'string' ? [value] : Object.values(value).flatMap(leaves);
  const named = [...files, ...leaves(bin), ...[man].flat(), ...leaves(exports)];
  return [...new Set(named.map((path) => path.replace(/^\.\//, '')))];
}

/** Those of them that are not in `folder`. */
export function missingFiles(folder) {
  const promised = promisedFiles(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  return promised.filter((path) => !existsSync(join(folder, path)));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await runMain(() => {
    buildAll();
    const missing = missingFiles(root);
    if (missing.length === 0) return;
    throw new SetupFailure(
      `No package was made: these files of package.json are missing: ${missing.join(', ')}.`,
    );
  });
}
