#!/usr/bin/env node
// `npm run guard`: instructions per frame of the scenarios of test/bench/guard.cpp under callgrind,
// held against test/bench/guard.json. With --update it writes that file.
//
// It counts the code of one thread. What it does not see: several workers and their locks, waiting
// and kicks, the versions for AVX-512 (valgrind has none), and what a cache miss costs.
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { buildNative } from './build.mjs';
import { checkNode, ensureNodeModules, ensurePackages, root, runMain } from './system.mjs';

const folder = 'build/test/guard';
const program = join(root, folder, 'guard');
const figuresFile = 'test/bench/guard.json';
/** Versions of the wide functions (native/src/base/simd.hpp) that valgrind can run. */
const versions = ['baseline', 'avx2'];
/** Percent. The counts of one compiler repeat to less than one; another's differ by several. */
const tolerance = { sameCompiler: 2, otherCompiler: 20 };

function build() {
  const options = ['-DCMAKE_BUILD_TYPE=Release', '-DVALENIC_BENCH=ON', '-DVALENIC_TESTS=OFF'];
  const without = ['-DVALENIC_ADDON=OFF', '-DVALENIC_AGENT=OFF', '-DVALENIC_USER=OFF'];
  buildNative(folder, [...options, ...without], ['guard']);
}

function ask(option) {
  return spawnSync(program, [option], { encoding: 'utf8' }).stdout.trim();
}

/** One scenario in a process of its own, so that a new row changes no other's figure. */
async function count(scenario, version) {
  const out = join(root, folder, `callgrind.${scenario}.${version}`);
  rmSync(out, { force: true });
  const options = ['--tool=callgrind', '--toggle-collect=guarded_round'];
  const done = await promisify(execFile)(
    'valgrind',
    [...options, `--callgrind-out-file=${out}`, program, scenario],
    { env: { ...process.env, VALENIC_SIMD: version } },
  );
  const said = JSON.parse(done.stdout);
  if (said.simd !== version) return null; // This CPU lacks it.
  const total = /^(?:summary|totals):\s*(\d+)/m.exec(readFileSync(out, 'utf8'));
  if (total === null) throw new Error(`callgrind wrote no sum for ${scenario}`);
  return Number((Number(total[1]) / said.frames).toFixed(2));
}

/** Counts of every scenario, two at a time, as `{ scenario: { version: instructions } }`. */
async function countAll(report) {
  const work = ask('--list')
    .split('\n')
    .flatMap((scenario) => versions.map((version) => ({ scenario, version })));
  const counts = Object.fromEntries(work.map(({ scenario }) => [scenario, {}]));
  const worker = async () => {
    for (let next = work.shift(); next !== undefined; next = work.shift()) {
      const { scenario, version } = next;
      try {
        counts[scenario][version] = await count(scenario, version);
      } catch (error) {
        report(`${scenario} (${version}) did not run: ${error.stderr ?? error.message}`);
        counts[scenario][version] = undefined;
      }
    }
  };
  await Promise.all([worker(), worker()]);
  return counts;
}

/** The sentence about one figure, and whether it fails. */
export function judge(now, then, percent) {
  if (now === null) return { verdict: 'not run: this CPU lacks it' };
  if (now === undefined) return { verdict: 'FAILED to run', failed: true };
  if (then === undefined) return { verdict: 'NO FIGURE: npm run guard -- --update', failed: true };
  const change = (now / then - 1) * 100;
  const said = `${change < 0 ? '' : '+'}${change.toFixed(1)} %`;
  if (change > percent) return { verdict: `${said}  WORSE`, failed: true };
  if (change < -percent) return { verdict: `${said}  better: npm run guard -- --update` };
  return { verdict: said };
}

/** Compares, prints the table, and counts as a step of `npm test` does. */
function compare(counts, figures, compiler, report) {
  const same = compiler === figures.compiler;
  const percent = same ? tolerance.sameCompiler : tolerance.otherCompiler;
  if (!same) {
    report(`The figures are of compiler ${figures.compiler}, this is ${compiler}:`);
    report(`${percent} % are allowed instead of ${tolerance.sameCompiler} %.`);
  }
  const result = { passed: 0, failed: 0, skipped: [] };
  for (const [scenario, byVersion] of Object.entries(counts)) {
    for (const version of versions) {
      const now = byVersion[version];
      const then = figures.instructionsPerFrame[scenario]?.[version];
      const { verdict, failed = false } = judge(now, then, percent);
      const cells = [now, then].map((value) => String(value ?? '-').padStart(9));
      report(`${scenario.padEnd(26)}${version.padEnd(9)}${cells.join('')}  ${verdict}`);
      if (now === null) result.skipped.push(`guard ${scenario} ${version}: this CPU lacks it`);
      else result[failed ? 'failed' : 'passed'] += 1;
    }
  }
  const gone = Object.keys(figures.instructionsPerFrame).filter((name) => !(name in counts));
  for (const name of gone) report(`${name}: this figure has no scenario`);
  result.failed += gone.length;
  return result;
}

/** The step `guard` of `npm test`. */
export async function guard(report = console.error) {
  build();
  const figures = JSON.parse(readFileSync(join(root, figuresFile), 'utf8'));
  const counts = await countAll(report);
  report(`${'scenario'.padEnd(26)}version  instructions per frame: now, then`);
  return compare(counts, figures, ask('--compiler'), report);
}

async function update() {
  build();
  const counts = await countAll(console.error);
  const missing = Object.entries(counts).filter(([, by]) => versions.some((each) => !by[each]));
  if (missing.length > 0) {
    console.error(`Nothing written: no figure for ${missing.map(([name]) => name).join(', ')}.`);
    return 1;
  }
  const figures = { compiler: ask('--compiler'), instructionsPerFrame: counts };
  mkdirSync(join(root, 'test/bench'), { recursive: true });
  writeFileSync(join(root, figuresFile), `${JSON.stringify(figures, null, 2)}\n`);
  console.error(`${figuresFile} written: say in the commit why the figures moved.`);
  return 0;
}

async function main(words) {
  checkNode();
  ensurePackages('build', 'tests');
  ensureNodeModules();
  if (words.length === 1 && words[0] === '--update') return update();
  if (words.length > 0) {
    console.error('Usage: npm run guard [-- --update]');
    return 2;
  }
  const { failed } = await guard(console.log);
  return failed === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await runMain(() => main(process.argv.slice(2)));
}
