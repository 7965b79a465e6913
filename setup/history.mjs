#!/usr/bin/env node
// `npm run history`: measured rates over time, in test/bench/history.ndjson: rows of `valenic bench
// --json` as they are, each with its machine and commit. To be looked at; no test asserts on it.
//   npm run history                        shows the rows
//   npm run history -- add                 measures the main scenarios, and appends
//   npm run history -- add g2g ...         measures as `valenic bench g2g ...`, and appends
// What is compared with peers comes from `valenic bench peers --history test/bench/history.ndjson`.
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, runMain, SetupFailure } from './system.mjs';

const file = join(root, 'test/bench/history.ndjson');

/** Guest to guest, one worker: both kinds of ring, and whole frames with every line touched. */
const mainScenarios = [
  ['g2g'],
  ['g2g', '--packed'],
  ['g2g', '--frame', '1500', '--touch'],
  ['g2g', '--frame', '1500', '--touch', '--packed'],
];

function measured(words) {
  const args = ['bin/valenic.mjs', 'bench', ...words, '--json'];
  const done = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 2],
  });
  const rows = done.stdout.split('\n').filter((line) => line.startsWith('{"scenario"'));
  if (done.status === 0 && rows.length > 0) return rows;
  throw new SetupFailure(`Nothing was measured by "valenic bench ${words.join(' ')}".`);
}

/** All or nothing: a row without the others of its day says little. */
function add(words) {
  const wanted = words.length > 0 ? [words] : mainScenarios;
  const rows = wanted.flatMap(measured);
  appendFileSync(file, `${rows.join('\n')}\n`);
  const shown = show(rows);
  console.error(`${rows.length} rows added to test/bench/history.ndjson`);
  if (rows.some((row) => JSON.parse(row).environment.commit?.endsWith('-dirty')))
    console.error(
      'They come from a tree with uncommitted changes: commit first to record rows of a commit.',
    );
  return shown;
}

/** Emulated guests send thousands of frames a second, synthetic ones millions. */
function rateText(mpps) {
  if (mpps === undefined) return '-';
  return mpps >= 0.1 ? mpps.toFixed(2) : mpps.toPrecision(3);
}

/** A row of any `valenic bench` in one line; each kind has what it lacks left out. */
export function line(text) {
  const row = JSON.parse(text);
  const { environment: at = {}, mpps, ratio } = row;
  // `bench cpu` measures a rate once, the others several times.
  const rate = rateText(typeof mpps === 'number' ? mpps : mpps?.median);
  const ports = row.ports === undefined ? '' : `${row.traffic ?? 'idle'} ${row.ports} ports`;
  const what = [row.scenario, row.system, row.driver, row.workload, ports, row.ring];
  what.push(`${row.frameBytes ?? ''}${row.touch === true ? ' touched' : ''}`, row.polling);
  const cells = [
    at.date?.slice(0, 10),
    at.commit ?? at.valenic,
    at.cpu,
    what.filter(Boolean).join(' '),
  ];
  const more = row.more === false ? 'more off' : '';
  const beside =
    ratio === undefined ? '' : `${ratio.median.toFixed(2)} x ${ratio.to} (${ratio.of})`;
  const probes = row.probesNs?.map((ns) => ns ?? '-').join(' ') ?? row.probeNs ?? '-';
  return [...cells, more, `${rate} Mpps`, beside, `probe ${probes} ns`]
    .filter((cell) => cell !== '')
    .join('  ');
}

function show(rows) {
  for (const text of rows) console.log(line(text));
  return 0;
}

function main([verb, ...words]) {
  if (verb === 'add') return add(words);
  if (verb !== undefined)
    throw new SetupFailure('Usage: npm run history [-- add [BENCH-WORDS]]', 2);
  if (!existsSync(file)) throw new SetupFailure('There is no history yet: npm run history -- add');
  return show(readFileSync(file, 'utf8').split('\n').filter(Boolean));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await runMain(() => main(process.argv.slice(2)));
}
