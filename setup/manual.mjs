#!/usr/bin/env node
// `npm run manual`: writes the manual page from the commands of the built program.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildTypeScript } from './build.mjs';
import { root, runMain } from './system.mjs';

await runMain(async () => {
  buildTypeScript();
  const built = pathToFileURL(join(root, 'dist/backend/cli/manual.js')).href;
  const { manualPath, manualText } = await import(built);
  const path = join(root, manualPath);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, manualText());
  console.error(`${manualPath} written`);
});
