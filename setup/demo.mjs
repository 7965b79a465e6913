#!/usr/bin/env node
// `npm run demo`: from a bare machine to two guests that talk through Valenic, and their rates.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildAll } from './build.mjs';
import { checkNode, ensurePackages, root, runMain, SetupFailure } from './system.mjs';

await runMain(async () => {
  checkNode();
  ensurePackages('build', 'guests');
  buildAll();
  const { runDemo } = await import(pathToFileURL(join(root, 'dist/backend/bench/demo.js')).href);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());
  try {
    return await runDemo({ stdout: process.stdout, stderr: process.stderr, signal: stop.signal });
  } catch (error) {
    if (stop.signal.aborted) throw new SetupFailure('The demo was stopped.', 130);
    // Errors for a person have a code and are one sentence; anything else is a bug of ours.
    if (typeof error?.code === 'string') throw new SetupFailure(error.message);
    throw error;
  }
});
