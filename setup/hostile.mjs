#!/usr/bin/env node
// `npm run hostile`: every attack of test/hostile on a daemon of its own, beside an honest pair.
//   --only NAME     attacks whose name has this in it
//   --seconds S     how long an attack lasts that could go on for ever (default 3)
//   --asan          the datapath with AddressSanitizer and UndefinedBehaviorSanitizer
//   --short         as the step `hostile` of `npm test`: an attacker meets what others left
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildAll, buildNative } from './build.mjs';
import {
  checkNode,
  ensureNodeModules,
  ensurePackages,
  root,
  runMain,
  SetupFailure,
} from './system.mjs';

const minutes = 60_000;
const without = ['-DVALENIC_ADDON=OFF', '-DVALENIC_AGENT=OFF', '-DVALENIC_USER=OFF'];
const results = join(root, 'build/test-results');

/** Also for tests that need a descriptor which Node cannot make. */
export function buildAttackers() {
  const options = ['-DCMAKE_BUILD_TYPE=Release', '-DVALENIC_TESTS=OFF', '-DVALENIC_HOSTILE=ON'];
  buildNative('build/test/hostile', [...options, ...without], ['hostile_attackers']);
}

/** Environment of a daemon whose datapath has the sanitizers. Node itself has none. */
function buildSanitized() {
  const folder = 'build/test/hostile-address';
  buildNative(
    folder,
    [
      ...['-DVALENIC_ADDON=ON', '-DVALENIC_AGENT=OFF', '-DVALENIC_USER=OFF'],
      ...['-DVALENIC_TESTS=OFF', '-DVALENIC_ROOMS_AS_ONE=ON'],
      '-DVALENIC_SANITIZE=address,undefined',
    ],
    ['valenic_addon'],
  );
  const preload = ['libasan.so', 'libubsan.so'].map((name) => {
    const asked = spawnSync('g++', [`-print-file-name=${name}`], { encoding: 'utf8' });
    return asked.stdout.trim();
  });
  return {
    VALENIC_ADDON: join(root, folder, 'valenic.node'),
    LD_PRELOAD: preload.join(':'),
    // Node ends without freeing, and switches stacks. What is freed is kept for a while, but not so
    // much of it that the suite takes it for a leak.
    ASAN_OPTIONS:
      'detect_leaks=0:detect_stack_use_after_return=0:abort_on_error=1:quarantine_size_mb=16',
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
  };
}

/** Runs the suite; what is counted is as of every step of `npm test`. */
export function hostile({ only, seconds = 0.3, whole = false, sanitized = false } = {}) {
  buildAttackers();
  mkdirSync(results, { recursive: true });
  const report = join(results, 'hostile.json');
  const args = ['run', '--project', 'hostile', '--reporter=verbose', '--reporter=json'];
  spawnSync(
    join(root, 'node_modules/.bin/vitest'),
    [...args, `--outputFile.json=${report}`, ...(only === undefined ? [] : ['-t', only])],
    {
      cwd: root,
      stdio: ['ignore', 2, 2],
      timeout: 60 * minutes,
      env: {
        ...process.env,
        VALENIC_HOSTILE_SECONDS: String(seconds),
        VALENIC_HOSTILE_WHOLE: whole ? '1' : '0',
        VALENIC_HOSTILE_ENV: JSON.stringify(sanitized ? buildSanitized() : {}),
      },
    },
  );
  if (!existsSync(report)) return { passed: 0, failed: 1, failures: ['no result'] };
  return counted(JSON.parse(readFileSync(report, 'utf8')), only);
}

/** What a step of `npm test` counts, of vitest's report. `only`: what was left out is no news. */
export function counted(found, only) {
  const tests = found.testResults.flatMap((file) => file.assertionResults);
  const named = (...statuses) =>
    tests.filter((test) => statuses.includes(test.status)).map((test) => test.title);
  const [passed, failed] = [named('passed'), named('failed')];
  const unopened = found.testResults.filter(
    (file) => file.status === 'failed' && failed.length === 0,
  );
  const left = only === undefined ? named('skipped', 'pending', 'todo') : [];
  return {
    passed: passed.length,
    failed: failed.length + unopened.length,
    failures: [...failed, ...unopened.map((file) => file.message || 'the end of a daemon')],
    skipped: left.map((name) => `hostile: ${name}`),
  };
}

/** @throws {SetupFailure} with the usage. */
export function optionsOf(words) {
  try {
    const { values } = parseArgs({
      args: words,
      options: {
        only: { type: 'string' },
        seconds: { type: 'string', default: '3' },
        asan: { type: 'boolean', default: false },
        short: { type: 'boolean', default: false },
      },
    });
    const seconds = Number(values.seconds);
    if (!(seconds > 0 && seconds <= 600)) throw new Error('--seconds: more than 0, at most 600');
    return { only: values.only, seconds, sanitized: values.asan, whole: !values.short };
  } catch (error) {
    const usage = 'Usage: npm run hostile [-- --only NAME] [--seconds S] [--asan] [--short]';
    throw new SetupFailure(`${error.message}\n${usage}`, 2);
  }
}

function main(words) {
  const options = optionsOf(words);
  checkNode();
  ensurePackages('build', 'tests');
  ensureNodeModules();
  buildAll();
  const { passed, failed, failures, skipped } = hostile(options);
  for (const name of failures) console.log(`FAILED: ${name}`);
  for (const name of skipped) console.log(`not run: ${name}`);
  if (skipped.length > 0) console.log(`${skipped.length} not run`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await runMain(() => main(process.argv.slice(2)));
}
