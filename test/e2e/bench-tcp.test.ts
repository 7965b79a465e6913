/** `valenic bench tcp` itself: two guests, ours and a bridge in turn, one pair of a second. */

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AnyTcpRow } from '../../backend/bench/tcp/row.ts';
import { builtProgram } from './serve-process.ts';

const program = resolve(import.meta.dirname, '../../bin/valenic.mjs');
let dir: string;

beforeAll(async () => {
  await builtProgram();
  dir = await mkdtemp(join(tmpdir(), 'valenic-bench-tcp-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

it('has a row for each side of each scenario, with CPU, and a page', async () => {
  const output = join(dir, 'tcp.html');
  const words = ['--peer', 'tap-bridge', '--pairs', '1', '--seconds', '1', '--output', output];
  const child = spawn(process.execPath, [program, 'bench', 'tcp', '--json', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [text, said] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const status = await new Promise((done) => child.once('close', done));

  expect({ status, said }).toMatchObject({ status: 0 });
  const rows = text.trim().split('\n');
  const found = rows.map((line) => JSON.parse(line) as AnyTcpRow);
  expect(found.map(({ scenario, system }) => `${scenario} ${system}`)).toEqual([
    ...['g2g tap-bridge', 'g2g valenic', 'g2h tap-bridge', 'g2h valenic'],
  ]);
  for (const row of found) {
    expect(row).not.toHaveProperty('skipped');
    if ('skipped' in row) continue;
    expect(row.gbps).toBeGreaterThan(0);
    // The guests have a system's own threads in their QEMU; ours is a process of its own.
    expect(row.cost.guests.median).toBeGreaterThan(0);
    if (row.system === 'valenic') expect(row.cost.backend.median).toBeGreaterThan(0);
  }
  expect(await readFile(output, 'utf8')).toContain('Guest to host');
});
