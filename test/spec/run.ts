/** Runs a program to its end and keeps what it said. */

import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param input  What the program reads on stdin. */
export function run(program: string, words: readonly string[], input = ''): Outcome {
  // LC_ALL: in another language a compiler says something else than the tests look for.
  const env = { ...process.env, LC_ALL: 'C' };
  const limits = { timeout: 60_000, maxBuffer: 16 * 1024 * 1024 };
  const result = spawnSync(program, words, { encoding: 'utf8', cwd: root, input, env, ...limits });
  if (result.error !== undefined) throw result.error;
  return { exitCode: result.status, stdout: result.stdout, stderr: result.stderr };
}
