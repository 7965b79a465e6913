/**
 * The bench on the real datapath with the synthetic driver: it checks that the counts balance, not
 * the rates.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runBench } from '../../../backend/bench/index.ts';
import type { PortsRow } from '../../../backend/bench/ports-row.ts';
import type { Row } from '../../../backend/bench/row.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valenic-bench-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const short = ['--seconds', '0.1', '--repeat', '2', '--warmup', '0.05', '--cpu', '0'];

async function bench(...words: string[]): Promise<{ status: number; rows: Row[]; text: string }> {
  let text = '';
  const stdout = { write: (part: string) => (text += part) };
  const stderr = { write: () => true };
  const status = await runBench([...words, ...short, '--json'], { stdout, stderr });
  const rows = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
  return { status, rows, text };
}

describe('valenic bench with the synthetic driver', () => {
  it.each(['g2g', 'g2h', 'h2g'])(
    '%s: every frame is received or counted by name',
    async (scenario) => {
      const { status, rows } = await bench(scenario, '--polling', 'busy,event', '--more', 'on,off');
      expect(status).toBe(0);
      expect(rows).toHaveLength(4);
      for (const row of rows) {
        expect(row).toMatchObject({ scenario, driver: 'synthetic', exact: true, corrupt: 0 });
        expect(row.received).toBeGreaterThan(0);
        expect(row.mpps.runs).toHaveLength(2);
        expect(row.latencyUs).not.toBeNull();
        expect(row.driverBusy).toBeGreaterThanOrEqual(0);
        expect(row.driverBusy).toBeLessThanOrEqual(1);
        expect(row.environment.features).toContain('VIRTIO_F_VERSION_1');
      }
    },
  );

  it('says why a row does not count, and ends with 1 when it is told to be strict', async () => {
    // One CPU for all: there is no distance to probe.
    const words = ['g2g', '--latency-rate', '0'];
    const { status, rows } = await bench(...words);
    expect(status).toBe(0);
    expect(rows[0]).toMatchObject({ counts: false, exact: true });
    expect(rows[0]?.doubts).toContain('unplaced');
    expect((await bench(...words, '--strict')).status).toBe(1);
  });

  it('verifies whole frames of every kind of ring', async () => {
    const frames = ['--frame', '60,1514,9014', '--verify', '--latency-rate', '0'];
    for (const kind of [[], ['--mergeable'], ['--ring', '16']]) {
      const { status, rows } = await bench('g2g', ...frames, ...kind);
      expect(status).toBe(0);
      for (const row of rows) expect(row).toMatchObject({ exact: true, corrupt: 0 });
    }
  });

  it('sends at the rate that was asked for, and loses nothing by it', async () => {
    const { rows } = await bench('g2g', '--rate', '20000', '--polling', 'adaptive');
    expect(rows[0]).toMatchObject({ exact: true, ratePps: 20000 });
    expect(rows[0]?.sent).toBeGreaterThan(0);
    expect(rows[0]?.sent).toBeLessThan(20000);
  });

  it('counts the copies of every port, in pairs and flooded', async () => {
    let [text, said] = ['', ''];
    const io = {
      stdout: { write: (part: string) => (text += part) },
      stderr: { write: (part: string) => (said += part) },
    };
    // Long enough for the worker and the guests to have had this one CPU in turn on a busy machine.
    const words = ['--ports', '2,6', '--cpu', '0,0', '--seconds', '0.6', '--repeat', '2', '--json'];
    const status = await runBench(['ports', ...words], io);
    expect(status, `${text}${said}`).toBe(0);
    const rows = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as PortsRow);
    expect(rows.map(({ traffic, ports }) => `${traffic} ${ports}`)).toEqual([
      ...['pairs 2', 'pairs 6', 'flood 2', 'flood 6'],
    ]);
    for (const row of rows) expect(row).toMatchObject({ exact: true });
  });

  it('writes the page of a sweep', async () => {
    const output = join(folder, 'sweep.html');
    const few = ['--frame', '60', '--polling', 'busy', '--latency-rate', '0', '--output', output];
    const { status, rows } = await bench('sweep', ...few);
    expect(status).toBe(0);
    expect(rows.map((row) => row.more)).toEqual([true, false]);
    expect(await readFile(output, 'utf8')).toContain('<svg');
  });
});
