/** A run against the installed testpmd: it checks that rows are complete, not who is faster. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runPeers } from '../../../../backend/bench/peers/index.ts';
import { reclaimRemains } from '../../../../backend/bench/peers/remains.ts';
import type { PeersRow, SkippedPeersRow } from '../../../../backend/bench/peers/row.ts';
import { findProgram } from '../../../../qemu/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'valenic-peers-test-'));
afterAll(() => rmSync(folder, { recursive: true }));
const runFolders = () => readdirSync(tmpdir()).filter((name) => /^valenic-peers-[^t]/.test(name));
const hugePages = () => readFileSync('/proc/sys/vm/nr_hugepages', 'utf8');

async function peers(...words: string[]) {
  let [text, progress] = ['', ''];
  const io = {
    stdout: { write: (part: string) => (text += part) },
    stderr: { write: (part: string) => (progress += part) },
  };
  const short = ['--seconds', '0.05', '--warmup', '0.05', '--pairs', '1', '--deadline', '0.01'];
  const output = join(folder, 'page.html');
  const status = await runPeers([...words, ...short, '--json', '--output', output], io);
  const lines = text.trim().split('\n').filter(Boolean);
  const rows = lines.map((line) => JSON.parse(line) as PeersRow | SkippedPeersRow);
  return { status, rows, progress };
}

describe.skipIf(findProgram('dpdk-testpmd') === null)('valenic bench peers', () => {
  it.each(['60-uni', 'virtio-user-60'])(
    '%s: measures both sides and leaves nothing',
    async (name) => {
      reclaimRemains(); // Of a run that was killed: that would be given back by this one.
      const before = { folders: runFolders(), pages: hugePages() };
      const { rows, progress } = await peers('--workload', name, '--peer', 'dpdk-testpmd-io');
      // The command lines, and one pair for each burst, near or far.
      expect(progress).toMatch(/dpdk-testpmd-io burst 32: .*dpdk-testpmd .*--burst=32/);
      expect(progress).toMatch(/burst 64, .* Mpps: .* probes/);
      const legs = rows.map((row) => row.legs?.length ?? 0);
      expect(legs.length).toBeGreaterThanOrEqual(2);
      expect(Math.min(...legs)).toBeGreaterThanOrEqual(1);
      for (const row of rows) for (const leg of row.legs ?? []) expect(leg.mpps).toBeGreaterThan(0);
      expect({ folders: runFolders(), pages: hugePages() }).toEqual(before);
    },
    120_000,
  );
});

describe('a peer that is not installed', () => {
  it('is a row that says so', async () => {
    const path = process.env.PATH;
    process.env.PATH = folder;
    try {
      const { rows, status } = await peers('--workload', '60-uni', '--peer', 'dpdk-testpmd-mac');
      expect(rows).toMatchObject([
        { system: 'dpdk-testpmd-mac', skipped: expect.stringContaining('is not installed') },
      ]);
      expect(status).toBe(1);
    } finally {
      process.env.PATH = path;
    }
  });
});
