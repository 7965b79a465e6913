/**
 * What a run leaves behind when it is killed: its folder, and the hugepages it took. Each run
 * writes down that it is there; the next one puts in order what runs that are dead have left.
 */

import { lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HugePageFiles, returnPages } from './hugepages.ts';

/** Of the folders of runs, in the system's folder for temporary files. */
export const runFolderPrefix = 'valenic-peers-';
const recordName = 'run.json';

interface RunRecord {
  readonly pid: number;
  /** When that process began, in ticks since the boot: numbers of processes are given again. */
  readonly started: string;
  readonly boot: string;
  readonly hugePagesAdded: number;
}

/** Says in the run's folder who it belongs to, and what was taken from the system. */
export function recordRun(folder: string, hugePagesAdded: number): void {
  const { pid } = process;
  const record: RunRecord = { pid, started: startOf(pid) ?? '', boot: boot(), hugePagesAdded };
  writeFileSync(join(folder, recordName), JSON.stringify(record));
}

/** @returns what was put in order, a sentence for each run that had died. */
export function reclaimRemains(
  parent = tmpdir(),
  files?: HugePageFiles,
  isAlive = lives,
): readonly string[] {
  return readdirSync(parent)
    .filter((name) => name.startsWith(runFolderPrefix))
    .flatMap((name) => {
      const folder = join(parent, name);
      const record = recordIn(folder);
      if (record === null || isAlive(record)) return [];
      // After a boot the pages are gone by themselves.
      const pages = record.boot === boot() ? record.hugePagesAdded : 0;
      const returned = pages === 0 ? 0 : returnPages(pages, files);
      rmSync(folder, { recursive: true, force: true });
      return [`Process ${record.pid} died in a comparison: ${returned} hugepages returned`];
    });
}

/** Only of a folder that is ours: others may write into the parent. */
function recordIn(folder: string): RunRecord | null {
  try {
    const { uid, mode } = lstatSync(folder);
    if (uid !== process.getuid?.() || (mode & 0o022) !== 0) return null;
    const found = JSON.parse(readFileSync(join(folder, recordName), 'utf8')) as Partial<RunRecord>;
    const { pid, started, boot: bootId, hugePagesAdded } = found;
    if (typeof pid !== 'number' || typeof started !== 'string' || typeof bootId !== 'string') {
      return null;
    }
    const whole = Number.isInteger(hugePagesAdded) && Number(hugePagesAdded) >= 0;
    return { pid, started, boot: bootId, hugePagesAdded: whole ? Number(hugePagesAdded) : 0 };
  } catch {
    return null;
  }
}

function lives({ pid, started, boot: bootId }: RunRecord): boolean {
  return bootId === boot() && startOf(pid) === started;
}

function boot(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Null: there is no such process. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may contain spaces; what follows it does not. Field 22 of proc(5).
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
