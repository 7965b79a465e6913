/** CPUs that an operator names. */

import { existsSync } from 'node:fs';
import { ValenicError } from '../errors.ts';

/** @throws {ValenicError} `value_invalid`: this machine has no such CPU. */
export function refuseAbsentCpus(cpus: readonly number[]): void {
  const absent = cpus.find((cpu) => !existsSync(`/sys/devices/system/cpu/cpu${cpu}`));
  if (absent === undefined) return;
  throw new ValenicError('value_invalid', `there is no CPU ${absent} here: lscpu lists the CPUs`);
}
