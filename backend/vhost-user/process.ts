/** Which process a front-end is: its number alone may be another's later. */

import { lstat, readFile } from 'node:fs/promises';

export interface ProcessId {
  readonly pid: number;
  /** When it was started: clock ticks after the boot of the system. */
  readonly startTicks: number;
  /** Which boot: the kernel draws a number at each. */
  readonly boot: string;
  /**
   * Where the front-end listens: its socket's file. There SO_PEERCRED names the process that made
   * the socket, which may be a manager (libvirt) of many front-ends.
   */
  readonly socketFile?: string | undefined;
}

/** Null: there is no such process, it has ended, or this process may not look at it. */
export async function processOf(pid: number): Promise<ProcessId | null> {
  // SO_PEERCRED says 0 of a process in a PID namespace that we do not see.
  if (!Number.isInteger(pid) || pid <= 0) return null;
  const read = (path: string) => readFile(path, 'utf8').catch(() => null);
  const stat = await read(`/proc/${pid}/stat`);
  const boot = await read('/proc/sys/kernel/random/boot_id');
  if (stat === null || boot === null) return null;
  // proc(5): the name, field 2, may hold spaces and brackets; state is field 3, starttime 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTicks = Number(fields[22 - 3]);
  const ended = ['Z', 'X', undefined].includes(fields[0]);
  return ended || !Number.isSafeInteger(startTicks) ? null : { pid, startTicks, boot: boot.trim() };
}

/** Of a front-end that listens at `path`. Null as processOf(). */
export async function listenerOf(pid: number, path: string): Promise<ProcessId | null> {
  const [owner, file] = await Promise.all([
    processOf(pid),
    lstat(path, { bigint: true }).catch(() => null),
  ]);
  if (owner === null || file === null) return null;
  return { ...owner, socketFile: `${file.dev}:${file.ino}:${file.ctimeNs}` };
}

export function isSameProcess(one: ProcessId, other: ProcessId): boolean {
  return (
    one.pid === other.pid &&
    one.startTicks === other.startTicks &&
    one.boot === other.boot &&
    one.socketFile === other.socketFile
  );
}

/** It runs. */
export async function lives({ socketFile: _, ...owner }: ProcessId): Promise<boolean> {
  const now = await processOf(owner.pid);
  return now !== null && isSameProcess(now, owner);
}
