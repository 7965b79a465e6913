/** A worker is stuck: what the log says of it. */

import { type DatapathEvent, workerActs } from '../../native/boundary/index.ts';

export type LateWorker = Extract<DatapathEvent, { event: 'worker_late' }>;

/** @param name  Of the port; undefined: it was removed, or there is none. */
export function lateWorkerText({ worker, act, asleepMs }: LateWorker, name?: string): string {
  const whom = act === 'nothing' ? '' : ` ${name ?? 'a port that was removed'}`;
  const remedy =
    name === undefined
      ? 'if it does not wake up, restart this daemon'
      : 'it then closes that device; if it does not wake up, end the VMM of that device';
  return (
    `worker ${worker} has been asleep for ${(asleepMs / 1000).toFixed(0)} s ` +
    `while it ${workerActs[act]}${whom}; commands are refused until it wakes up: ${remedy}`
  );
}
