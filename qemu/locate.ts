/** Finds programs, and says how to get them when they are not there. */

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { QemuError } from './errors.ts';

export const qemuProgram = 'qemu-system-x86_64';

/**
 * The full path of QEMU.
 *
 * @param wanted  A path, or a name to look for; `qemu-system-x86_64` when absent.
 * @throws {QemuError} `qemu_missing`, with the command that installs it.
 */
export function locateQemu(wanted?: string, path = process.env.PATH ?? ''): string {
  const found = findProgram(wanted ?? qemuProgram, path);
  if (found !== null) return found;
  const which = wanted === undefined ? `${qemuProgram} is not installed` : `there is no ${wanted}`;
  throw new QemuError(
    'qemu_missing',
    `${which}: install it with "sudo apt-get install qemu-system-x86", or name a binary`,
  );
}

/** The full path of an executable file, or null. Names without a slash are looked up in `path`. */
export function findProgram(name: string, path = process.env.PATH ?? ''): string | null {
  if (name === '') return null;
  if (isAbsolute(name) || name.includes('/')) {
    const full = resolve(name);
    return isExecutable(full) ? full : null;
  }
  for (const dir of path.split(delimiter)) {
    if (dir !== '' && isExecutable(join(dir, name))) return join(dir, name);
  }
  return null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
