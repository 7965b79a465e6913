/** Which texts are paths of a socket. */

import { resolve } from 'node:path';
import { type ErrorCode, ValenicError } from '../errors.ts';

/**
 * Refuses the name of an abstract socket. Such a socket has no file, so it has no permissions:
 * every process of its network namespace gets in.
 *
 * @throws {ValenicError}
 */
export function refuseAbstract(path: string, code: ErrorCode = 'value_invalid'): void {
  if (!path.startsWith('@') && !path.startsWith('\0')) return;
  const name = path.replace(/^\0/, '@');
  throw new ValenicError(
    code,
    `${name} would be an abstract socket, which has no permissions: everybody gets in; ` +
      `give a path (a file of that name is ./${name})`,
  );
}

/** What sockaddr_un holds without its closing zero: unix(7). */
const maxSocketPathBytes = 107;

/** An absolute path that a UNIX socket can have. @throws {ValenicError} `value_invalid`. */
export function socketPath(path: string, folder: string): string {
  refuseAbstract(path);
  const full = resolve(folder, path);
  const bytes = Buffer.byteLength(full);
  if (bytes <= maxSocketPathBytes && !full.includes('\0')) return full;
  throw new ValenicError(
    'value_invalid',
    `${full} has ${bytes} bytes: the path of a socket may have at most ${maxSocketPathBytes}`,
  );
}
