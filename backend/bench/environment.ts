/** On what a figure was measured: without it a figure says nothing. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../datapath/load.ts';

export interface Environment {
  readonly valenic: string;
  /** Of the checkout that ran, with `-dirty` when something in it was changed; null outside one. */
  readonly commit: string | null;
  readonly cpu: string;
  readonly cpuCount: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly qemu: string | null;
  readonly accelerator: 'kvm' | 'tcg' | null;
  readonly guestKernel: string | null;
  readonly features: readonly string[];
  readonly date: string;
}

export type GuestEnvironment = Pick<Environment, 'qemu' | 'accelerator' | 'guestKernel'>;
export const noGuest: GuestEnvironment = { qemu: null, accelerator: null, guestKernel: null };

/** Where rows go that were measured: they change nothing of what ran. */
const historyFile = 'test/bench/history.ndjson';

export function commitOf(folder: string): string | null {
  if (!existsSync(join(folder, '.git'))) return null;
  const git = (...words: readonly string[]) =>
    spawnSync('git', ['-C', folder, ...words], { encoding: 'utf8' });
  const { status, stdout } = git('describe', '--always', '--exclude=*');
  if (status !== 0) return null;
  const changed =
    git('diff', '--quiet', 'HEAD', '--', '.', `:(exclude)${historyFile}`).status !== 0;
  return `${stdout.trim()}${changed ? '-dirty' : ''}`;
}

export function environmentOf(guest: GuestEnvironment, features: readonly string[]): Environment {
  const packageFile = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  return {
    valenic: (JSON.parse(packageFile) as { version: string }).version,
    commit: commitOf(packageRoot()),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpuCount: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    ...guest,
    features,
    date: new Date().toISOString(),
  };
}
