/** Files that a person names: what is not there is told before anything starts. */

import { statSync } from 'node:fs';
import { ValenicError } from './errors.ts';

/**
 * @param what  What the option needs, e.g. `a bzImage`.
 * @throws {ValenicError} `file_not_found`.
 */
export function mustBeFile(option: string, path: string | undefined, what: string): void {
  if (path === undefined || statSync(path, { throwIfNoEntry: false })?.isFile() === true) return;
  throw new ValenicError(
    'file_not_found',
    `there is no file ${path}: ${option} needs the path of ${what}`,
  );
}

/** As mustBeFile(), for `--qemu`. A name without a slash is looked up in PATH later. */
export function mustBeQemu(program: string | undefined): void {
  if (program?.includes('/') === true) mustBeFile('--qemu', program, 'a qemu-system-x86_64');
}
