#!/usr/bin/env node
// `npm run demo`: from a bare machine to two guests that talk through Valenic, and their rates.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildAll } from './build.mjs';
import { checkNode, ensurePackages, root, runMain } from './system.mjs';

await runMain(async () => {
  checkNode();
  ensurePackages('build', 'guests');
  buildAll();
  const { runDemo } = await import(pathToFileURL(join(root, 'dist/backend/bench/demo.js')).href);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());
  return runDemo({ stdout: process.stdout, stderr: process.stderr, signal: stop.signal });
});
