#!/usr/bin/env node
// `npm run manual`: writes the manual page and the reference from the tables of the built program.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildTypeScript } from './build.mjs';
import { root, runMain } from './system.mjs';

await runMain(async () => {
  buildTypeScript();
  const built = (name) => pathToFileURL(join(root, 'dist/backend/cli', name)).href;
  const { manualPath, manualText } = await import(built('manual.js'));
  const { referencePages } = await import(built('reference.js'));
  for (const [name, text] of Object.entries({ [manualPath]: manualText(), ...referencePages() })) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.error(`${name} written`);
  }
});
