/** `valenic serve` ends when it is told to, whatever its threads wait for. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';

const program = resolve(import.meta.dirname, '../../../bin/valenic.mjs');
const undone: (() => void)[] = [];

afterEach(() => {
  for (const undo of undone.splice(0)) undo();
});

interface Serving {
  readonly child: ChildProcess;
  readonly files: readonly string[];
  readonly said: Promise<string>;
}

/** @param preload  JavaScript that its process runs first. */
async function serve(preload: string): Promise<Serving> {
  const folder = mkdtempSync(join(tmpdir(), 'valenic-end-'));
  undone.push(() => rmSync(folder, { recursive: true, force: true }));
  const control = join(folder, 'control.sock');
  const socket = join(folder, 'vm1.sock');
  const url = `data:text/javascript,${encodeURIComponent(preload)}`;
  const words = ['--import', url, program, '--json', 'serve', '--control', control];
  const child = spawn(process.execPath, [...words, '--port', `vale0:vm1,vhost-user=${socket}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  undone.push(() => child.kill('SIGKILL'));
  if (child.stdout === null || child.stderr === null) throw new Error('no pipes');
  const said = text(child.stderr);
  await once(child.stdout, 'data');
  return { child, files: [control, socket], said };
}

it('by itself and with code 0 where nothing waits', async () => {
  const { child, files } = await serve('');
  expect(files.every((file) => existsSync(file))).toBe(true);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(files.some((file) => existsSync(file))).toBe(false);
});

it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  'after seconds, with a sentence and without its socket files, where %s finds it stuck',
  async (signal) => {
    // Like a system call that never returns: no JavaScript runs from here on.
    const wait = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)';
    const stuck = `process.on('${signal}', () => ${wait})`;
    const { child, files, said } = await serve(stuck);
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([1, null]);
    expect(files.some((file) => existsSync(file))).toBe(false);
    expect(await said).toContain('it removed its socket files and ended itself');
  },
  60_000,
);
