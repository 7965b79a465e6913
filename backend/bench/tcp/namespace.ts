/**
 * A run has a network namespace of its own: bridges, taps and addresses are nobody else's, and go
 * with it whatever happens. The command starts itself in it once more.
 */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { findProgram } from '../../../qemu/index.ts';
import { packageRoot } from '../../datapath/load.ts';
import { ValenicError } from '../../errors.ts';
import { guestImage } from '../guest-image.ts';
import type { BenchIo } from '../io.ts';

/** Set in the namespace. */
const mark = 'VALENIC_BENCH_NAMESPACE';

export function isInNamespace(): boolean {
  return process.env[mark] === '1';
}

/** The words that start `valenic bench …` in a namespace; without root also in a user's. */
export function namespaceWords(words: readonly string[], root: boolean): readonly string[] {
  const user = root ? [] : ['--user', '--map-root-user'];
  const program = join(packageRoot(), 'bin/valenic.mjs');
  return ['unshare', '--net', ...user, '--', process.execPath, program, 'bench', ...words];
}

/**
 * Runs a comparison of guests in a namespace. Their image is made before: its packages are fetched,
 * and in there is no network.
 *
 * @param programs  Of this host, for the guests.
 * @returns the exit status. @throws {ValenicError} `bench_failed`, `interrupted`; {QemuError}
 */
export async function runGuestsInNamespace(
  words: readonly string[],
  programs: readonly string[],
  io: BenchIo,
): Promise<number> {
  io.stderr.write('Preparing the guest image\n');
  await guestImage(programs);
  if (io.signal?.aborted) throw new ValenicError('interrupted', 'stopped before any measurement');
  return runInNamespace(words, io);
}

function runInNamespace(words: readonly string[], io: BenchIo): Promise<number> {
  if (findProgram('unshare') === null) {
    throw new ValenicError('bench_failed', 'unshare is not installed (Debian: util-linux)');
  }
  const [file = '', ...args] = namespaceWords(words, process.getuid?.() === 0);
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, [mark]: '1' },
    });
    const stop = (): void => void child.kill('SIGINT');
    io.signal?.addEventListener('abort', stop, { once: true });
    child.stdout.on('data', (text: Buffer) => io.stdout.write(text.toString()));
    child.stderr.on('data', (text: Buffer) => io.stderr.write(text.toString()));
    child.once('error', reject);
    child.once('close', (code) => {
      io.signal?.removeEventListener('abort', stop);
      resolve(code ?? 1);
    });
  });
}
