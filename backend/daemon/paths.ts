/** Where the control socket is, for the daemon and for those who look for it. */

import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ValenicError } from '../errors.ts';
import { folderFault, here, type PathContext } from '../xdg.ts';

/**
 * `$XDG_RUNTIME_DIR/valenic/control.sock`, else in /run for root, else in a folder of ours in
 * /tmp.
 */
export function defaultControlPath({ env, uid }: PathContext = here()): string {
  const runtime = env.XDG_RUNTIME_DIR;
  // XDG Base Directory Specification 0.8: a path that is not absolute is ignored.
  if (runtime?.startsWith('/')) return join(runtime, 'valenic/control.sock');
  return uid === 0 ? '/run/valenic/control.sock' : `/tmp/valenic-${uid}/control.sock`;
}

/**
 * Makes the folder of a default path, and refuses one that others could put sockets into.
 *
 * @throws {ValenicError} `socket_failed`.
 */
export async function prepareFolder(path: string, uid = here().uid): Promise<void> {
  const folder = dirname(path);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ValenicError('socket_failed', `${folder} cannot be made: ${why}; use --control PATH`);
  }
  const fault = await folderFault(folder, uid);
  if (fault !== null) throw new ValenicError('socket_failed', fault);
}
