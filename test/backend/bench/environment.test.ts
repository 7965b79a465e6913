import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { commitOf } from '../../../backend/bench/environment.ts';

const folder = mkdtempSync(join(tmpdir(), 'valenic-commit-test-'));
afterAll(() => rmSync(folder, { recursive: true }));
const git = (...words: string[]) => {
  const who = ['-c', 'user.name=a', '-c', 'user.email=a@b'];
  expect(spawnSync('git', ['-C', folder, ...who, ...words]).status).toBe(0);
};
const write = (path: string, text: string) => writeFileSync(join(folder, path), text);

it('the commit of a row is that of what ran: new rows of the history change nothing', () => {
  expect(commitOf(folder)).toBeNull();
  mkdirSync(join(folder, 'test/bench'), { recursive: true });
  write('test/bench/history.ndjson', '{}\n');
  write('code', '1');
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message', 'one');
  expect(commitOf(folder)).toMatch(/^[0-9a-f]{7,}$/);
  write('test/bench/history.ndjson', '{}\n{}\n');
  expect(commitOf(folder)).toMatch(/^[0-9a-f]{7,}$/);
  write('code', '2');
  expect(commitOf(folder)).toMatch(/^[0-9a-f]{7,}-dirty$/);
});
