#!/usr/bin/env node
// `npm test`: installs and builds what is needed, then runs every check there is and counts.
//   --only NAME...   some steps (see the table below), for work on one part
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { buildAll, buildNative } from './build.mjs';
import { guard } from './guard.mjs';
import { hostile } from './hostile.mjs';
import {
  checkNode,
  ensureNodeModules,
  ensurePackages,
  root,
  runMain,
  SetupFailure,
} from './system.mjs';

const results = join(root, 'build/test-results');
const doctestLine =
  /test cases:\s+\d+\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed\s*\|\s*(\d+) skipped/;
const minutes = 60_000;

/** A command that passes or fails as a whole. */
function check(command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
  const passed = done.status === 0;
  return { passed: Number(passed), failed: Number(!passed) };
}

/** Builds one variant of the C++ tests, the datapath's and the agent's, and runs them. */
function doctest(name, options, env = {}) {
  const folder = `build/test/${name}`;
  const programs = ['valenic_tests', 'agent/valenic_agent_tests', 'user/valenic_user_tests'];
  buildNative(folder, ['-DVALENIC_ADDON=OFF', '-DVALENIC_AGENT=ON', ...options], programs);
  const counts = programs.map((program) => runDoctest(join(root, folder, program), env));
  return {
    passed: counts.reduce((sum, one) => sum + one.passed, 0),
    failed: counts.reduce((sum, one) => sum + one.failed, 0),
    failures: counts.flatMap((one) => one.failures),
  };
}

/** The test cases a doctest report has errors of. */
function failedCases(report) {
  return report
    .split(/^={20,}$/m)
    .filter((block) => /: (FATAL )?ERROR: /.test(block))
    .map((block) => /^TEST CASE: *(.*)$/m.exec(block)?.[1] ?? 'outside of any test case');
}

/** Every test case counts. `command`: the program, or what runs it and then the program. */
function runDoctest(command, env = {}, options = []) {
  const [program, ...words] = [command].flat();
  const done = spawnSync(program, [...words, '--no-colors', ...options], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 1 << 28,
    timeout: 15 * minutes,
  });
  const summary = doctestLine.exec(done.stdout);
  const ended = done.status === 0;
  if (!ended) process.stderr.write(done.stdout.slice(-8000) + done.stderr.slice(-8000));
  if (summary === null) return { passed: 0, failed: 1, failures: ['a program printed no result'] };
  const [passed, failed] = [Number(summary[1]), Number(summary[2])];
  const failures = failedCases(done.stdout);
  if (failed > 0 || ended) return { passed, failed, failures };
  // A sanitizer's report after the last test is a failure of its own.
  return { passed, failed: 1, failures: ['the program did not end cleanly'] };
}

/** A quarter of the time. Not for the step plain: it shows that files include what they need. */
const roomsAsOne = '-DVALENIC_ROOMS_AS_ONE=ON';

const plainOptions = ['-DVALENIC_ADDON=OFF', '-DVALENIC_AGENT=ON', '-DCMAKE_BUILD_TYPE=Release'];

/** The rings, the switch and the threats once for each version of the wide functions. */
function wide() {
  buildNative('build/test/plain', plainOptions, ['valenic_tests']);
  const program = join(root, 'build/test/plain/valenic_tests');
  const { simd } = createRequire(import.meta.url)(join(root, 'build/release/native/valenic.node'));
  const counts = { passed: 0, failed: 0, skipped: [], failures: [] };
  for (const { name, available } of simd().versions) {
    if (!available) {
      counts.skipped.push(`wide ${name}: this CPU lacks it`);
      continue;
    }
    const files = ['base', 'ring', 'switch', 'threats', 'io'].map((room) => `*/${room}/*`);
    const ran = runDoctest(program, { VALENIC_SIMD: name }, [`-sf=${files.join()}`]);
    const { passed, failed } = ran;
    console.error(`${name}: ${passed} passed, ${failed} failed`);
    counts.failures.push(...ran.failures.map((test) => `${name}: ${test}`));
    counts.passed += passed;
    counts.failed += failed;
  }
  return counts;
}

const arm64Options = [
  '-DCMAKE_SYSTEM_NAME=Linux',
  '-DCMAKE_SYSTEM_PROCESSOR=aarch64',
  '-DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc',
  '-DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++',
  '-DCMAKE_BUILD_TYPE=None',
  '-DCMAKE_CXX_FLAGS=-O1',
  '-DCMAKE_EXE_LINKER_FLAGS=-static', // No libraries of that system are needed to run it.
  '-DVALENIC_ADDON=OFF',
  '-DVALENIC_AGENT=OFF',
  '-DVALENIC_USER=OFF',
  roomsAsOne,
  '-DVALENIC_TEST_ROOMS=base|memory|net|ring|switch|lookup|driver|threats',
];

/** Cases about what a kernel does for a process; there QEMU answers, and otherwise. */
const notUnderEmulation = [
  'goes to the handler that was there before ours',
  'is left out of core dumps',
  'empty: its kicks are taken without waiting*',
  'is told with the worker and the port that it keeps*',
];

/** The contracts of the rings, the switch and the memory, cross-built for AArch64 and emulated. */
function arm64() {
  const folder = 'build/test/arm64';
  buildNative(folder, arm64Options, ['valenic_tests']);
  const command = ['qemu-aarch64', join(root, folder, 'valenic_tests')];
  const ran = runDoctest(command, {}, [`-tce=${notUnderEmulation.join()}`]);
  return { ...ran, skipped: notUnderEmulation.map((test) => `arm64: ${test}: emulated`) };
}

function vitest(project) {
  mkdirSync(results, { recursive: true });
  const report = join(results, `${project}.json`);
  const args = ['run', '--project', project, '--reporter=default', '--reporter=json'];
  spawnSync(join(root, 'node_modules/.bin/vitest'), [...args, `--outputFile.json=${report}`], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    timeout: 40 * minutes,
  });
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const found = JSON.parse(readFileSync(report, 'utf8'));
  const named = (...statuses) =>
    found.testResults
      .flatMap((file) => file.assertionResults)
      .filter((test) => statuses.includes(test.status))
      .map((test) => test.fullName);
  const unopened = found.testResults
    .filter((file) => file.status === 'failed' && file.assertionResults.length === 0)
    .map((file) => relative(root, file.name));
  return {
    passed: found.numPassedTests,
    failed: found.numFailedTests + unopened.length,
    skipped: named('skipped', 'pending', 'todo'),
    failures: [...named('failed'), ...unopened],
  };
}

function sources(...endings) {
  const list = spawnSync('git', ['ls-files', 'native', 'test'], { cwd: root, encoding: 'utf8' });
  return list.stdout.split('\n').filter((file) => endings.some((end) => file.endsWith(end)));
}

const fuzzSeconds = 20;

function fuzz() {
  const folder = 'build/test/fuzz';
  buildNative(folder, [
    '-DCMAKE_CXX_COMPILER=clang++-14',
    '-DVALENIC_ADDON=OFF',
    '-DVALENIC_AGENT=OFF',
    '-DVALENIC_USER=OFF',
    '-DVALENIC_TESTS=OFF',
    '-DVALENIC_FUZZ=ON',
    '-DVALENIC_SANITIZE=address,undefined',
    roomsAsOne,
  ]);
  let [passed, failed] = [0, 0];
  for (const name of readdirSync(join(root, folder)).filter((file) => /^fuzz_\w+$/.test(file))) {
    const done = check(
      join(root, folder, name),
      [
        `-max_total_time=${fuzzSeconds}`,
        '-print_final_stats=0',
        `-artifact_prefix=${root}/build/test/fuzz/`,
        ...corpusOf(name),
      ],
      { stdio: 'ignore' },
    );
    if (done.failed) console.error(`${name} found something: see build/test/fuzz/`);
    passed += done.passed;
    failed += done.failed;
  }
  return { passed, failed };
}

/**
 * Where a fuzzer starts: the inputs of test/fuzz/corpus/NAME.hex, one a line behind its name, as
 * files. What it finds of its own goes into the same folder, for the next run here.
 */
function corpusOf(fuzzer) {
  const name = fuzzer.replace('fuzz_', '');
  const source = join(root, 'test/fuzz/corpus', `${name}.hex`);
  if (!existsSync(source)) return [];
  const folder = join(root, 'build/test/fuzz/corpus', name);
  mkdirSync(folder, { recursive: true });
  for (const line of readFileSync(source, 'utf8').split('\n')) {
    const [input, ...bytes] = line.split(/\s+/);
    if (input === '' || input === '#') continue;
    writeFileSync(join(folder, input), Buffer.from(bytes.join(''), 'hex'));
  }
  return [folder];
}

/**
 * Line coverage of the C++ tests, printed; the figure is to be looked at and decides nothing. That
 * there is one is checked.
 */
function coverage() {
  const folder = 'build/test/coverage';
  const ran = doctest('coverage', [
    '-DVALENIC_COVERAGE=ON',
    '-DCMAKE_BUILD_TYPE=Debug',
    roomsAsOne,
  ]);
  mkdirSync(results, { recursive: true });
  const report = join(results, 'coverage.txt');
  // gcovr 5.2 does not know every line that gcov 12 writes about templates; it passes over those.
  const options = ['--gcov-ignore-parse-errors', '--print-summary', '-o', report];
  const done = spawnSync('gcovr', ['-r', 'native/src', folder, ...options], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const figure = /^lines: .*$/m.exec(done.stdout ?? '');
  if (done.status === 0 && figure !== null) {
    console.error(figure[0]);
    return { ...ran, passed: 0 };
  }
  process.stderr.write(`gcovr gave no figure:\n${(done.stderr ?? '').slice(-4000)}\n`);
  return { passed: 0, failed: ran.failed + 1, failures: [...ran.failures, 'no figure'] };
}

function clangTidy() {
  const files = sources('.cpp').filter((file) => /^native\/src\/(?!addon)/.test(file));
  const options = '--quiet --extra-arg=-Wno-unknown-warning-option -p build/test/plain';
  const command = `printf "%s\\n" "$@" | xargs -P2 -n4 clang-tidy-14 ${options} 2>&1`;
  const done = spawnSync('sh', ['-c', command, 'sh', ...files], { cwd: root, encoding: 'utf8' });
  // Of a clean file it tells how many warnings of system headers it did not show.
  if (done.status !== 0) process.stderr.write(done.stdout);
  return { passed: Number(done.status === 0), failed: Number(done.status !== 0) };
}

/** Every step of a full run, in its order. */
const steps = {
  spec: () => check(process.execPath, ['setup/spec.mjs', '--check']),
  types: () => check('node_modules/.bin/tsc', ['--noEmit']),
  lint: () => check('node_modules/.bin/biome', ['check', '--error-on-warnings', '.']),
  format: () => check('clang-format-14', ['--dry-run', '--Werror', ...sources('.cpp', '.hpp')]),
  unit: () => vitest('unit'),
  plain: () => doctest('plain', ['-DCMAKE_BUILD_TYPE=Release']),
  wide,
  guard,
  arm64,
  tidy: clangTidy,
  native: () => vitest('native'),
  package: () => vitest('package'),
  address: () => doctest('address', ['-DVALENIC_SANITIZE=address,undefined', roomsAsOne]),
  thread: () =>
    doctest('thread', ['-DVALENIC_SANITIZE=thread', roomsAsOne], {
      TSAN_OPTIONS: 'halt_on_error=1',
    }),
  fuzz,
  coverage,
  hostile: () => hostile(),
  e2e: () => vitest('e2e'),
};

/** A variant that does not build is one failure, and the other steps still run. */
async function runStep(name) {
  try {
    return await steps[name]();
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    console.error(error.message);
    return { passed: 0, failed: 1, failures: [error.message] };
  }
}

function chosenSteps(words) {
  if (words.length === 0) return { names: Object.keys(steps), left: [] };
  const names = words.filter((word) => word !== '--only');
  const unknown = names.find((name) => !(name in steps));
  if (words[0] !== '--only' || unknown !== undefined) {
    throw new SetupFailure(`Usage: npm test [-- --only ${Object.keys(steps).join('|')}...]`, 2);
  }
  return { names, left: Object.keys(steps).filter((name) => !names.includes(name)) };
}

function report(rows, left) {
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
  console.log('');
  for (const row of rows) {
    console.log(
      `${row.name.padEnd(10)} ${row.passed} passed, ${row.failed} failed  (${row.seconds} s)`,
    );
  }
  for (const row of rows) {
    for (const name of row.failures ?? []) console.log(`FAILED: ${row.name}: ${name}`);
  }
  const skipped = rows.flatMap((row) => row.skipped ?? []);
  for (const name of skipped) console.log(`not run: ${name}`);
  for (const name of left) console.log(`not run: the step ${name}`);
  if (skipped.length + left.length > 0) console.log(`${skipped.length + left.length} not run`);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
  return sum('failed') === 0 ? 0 : 1;
}

await runMain(async () => {
  checkNode();
  const { names, left } = chosenSteps(process.argv.slice(2));
  ensurePackages('build', 'guests', 'tests');
  ensureNodeModules();
  buildAll();
  const rows = [];
  for (const name of names) {
    console.error(`\n== ${name}`);
    const begun = Date.now();
    const counts = await runStep(name);
    rows.push({ name, ...counts, seconds: Math.round((Date.now() - begun) / 1000) });
  }
  return report(rows, left);
});
