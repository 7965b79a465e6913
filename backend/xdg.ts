/**
 * Where a user's files go: nothing is ever written into the package, which may be root's.
 *
 * The control socket's folder is in backend/daemon/paths.ts.
 */

import { lstat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

export interface PathContext {
  readonly env: Environment;
  readonly uid: number;
}

/** Of this process. */
export function here(): PathContext {
  return { env: process.env, uid: process.getuid?.() ?? 0 };
}

/**
 * `$XDG_CACHE_HOME/valenic`, else `~/.cache/valenic`: what can be made again.
 *
 * XDG Base Directory Specification 0.8: a path that is not absolute is ignored.
 */
export function cacheFolder(env: Environment = process.env, home = homedir()): string {
  const given = env.XDG_CACHE_HOME;
  return join(given?.startsWith('/') ? given : join(home, '.cache'), 'valenic');
}

/** Kernel, busybox and image of guests that we boot are kept here between runs. */
export function guestCache(env?: Environment, home?: string): string {
  return join(cacheFolder(env, home), 'guest');
}

/**
 * Where is kept what must outlive a daemon: systemd's state folder of the service, else `valenic`
 * in `$XDG_STATE_HOME`, for root in /var/lib, in `~/.local/state`. Null: there is no such place.
 */
export function stateFolder({ env, uid }: PathContext = here()): string | null {
  const absolute = (path: string | undefined) => (path?.startsWith('/') ? path : undefined);
  const service = absolute(env.STATE_DIRECTORY?.split(':')[0]);
  if (service !== undefined) return service;
  const state = absolute(env.XDG_STATE_HOME);
  if (state !== undefined) return join(state, 'valenic');
  if (uid === 0) return '/var/lib/valenic';
  const home = absolute(env.HOME);
  return home === undefined ? null : join(home, '.local/state/valenic');
}

/**
 * Why a folder that we would make ourselves is not to be trusted; null when it is, or is not
 * there.
 */
export async function folderFault(
  folder: string,
  uid = here().uid,
  instead = 'use --control PATH',
): Promise<string | null> {
  const facts = await lstat(folder).catch(() => null);
  if (facts === null) return null;
  if (!facts.isDirectory()) return `${folder} is not a folder: remove it, or ${instead}`;
  if (facts.uid !== uid) {
    return `${folder} belongs to user ${facts.uid}: remove it, or ${instead}`;
  }
  if ((facts.mode & 0o022) !== 0) return `others may write to ${folder}: chmod 700 ${folder}`;
  return null;
}
