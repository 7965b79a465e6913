/** `valenic bench peers --driver guest` itself: two guests, one pair, packed rings. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PeersRow, SkippedPeersRow } from '../../backend/bench/peers/row.ts';
import { run } from '../../qemu/run.ts';
import { builtProgram } from './serve-process.ts';

const program = resolve(import.meta.dirname, '../../bin/valenic.mjs');
let dir: string;

beforeAll(async () => {
  await builtProgram();
  dir = await mkdtemp(join(tmpdir(), 'valenic-bench-peers-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

it('moves frames over ours and the peer, by poll-mode drivers and by kernels', async () => {
  const output = join(dir, 'peers.html');
  const words = ['--driver', 'guest', '--workload', 'pmd-packed-60,kernel-packed-60'];
  const short = ['--pairs', '1', '--seconds', '0.3', '--deadline', '0.01', '--output', output];
  const args = [program, 'bench', 'peers', '--json', '--peer', 'qemu-stream', ...words, ...short];
  const { stdout, stderr } = await run(process.execPath, args, { timeoutMs: 240_000 });

  // Whether the pair counts is a matter of the machine; that frames came is not.
  expect(stderr).toContain('packed=on');
  const rows = stdout.trim().split('\n').filter(Boolean);
  const found = rows.map((line) => JSON.parse(line) as PeersRow | SkippedPeersRow);
  for (const driver of ['guest-pmd', 'guest-kernel']) {
    const legs = found.filter((row) => row.driver === driver).flatMap((row) => row.legs ?? []);
    expect({ driver, legs, stderr }).not.toMatchObject({ legs: [] });
  }
  expect(await readFile(output, 'utf8')).toContain('Valenic and its peers');
});
