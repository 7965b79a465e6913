/** The threads of this process that serve ports, as the kernel knows them. */

import { readdirSync, readFileSync } from 'node:fs';

const folder = '/proc/self/task';

/** Numbers of the threads of that name; workers are `valenic-io0` and so on. */
export function workerThreads(name = /^valenic-io\d+$/): readonly number[] {
  return readdirSync(folder)
    .filter((thread) => name.test(textOf(thread, 'comm').trim()))
    .map(Number);
}

/** Nanoseconds in which workers were ready to run but had no CPU. */
export function workersWaitedNs(): number {
  return workerThreads()
    .map((thread) => Number(textOf(`${thread}`, 'schedstat').split(' ')[1] ?? 0))
    .reduce((sum, ns) => sum + ns, 0);
}

/** '' of a thread that has ended meanwhile, or of a kernel that does not tell. */
function textOf(thread: string, file: string): string {
  try {
    return readFileSync(`${folder}/${thread}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
