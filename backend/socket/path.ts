/** Which texts are paths of a socket. */

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
