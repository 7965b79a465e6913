/**
 * Where a user's files go: nothing is ever written into the package, which may be root's.
 *
 * The control socket's folder is in backend/daemon/paths.ts.
 */

import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

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
