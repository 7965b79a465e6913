/**
 * The file of a listening socket: made, guarded and removed so that no one else's is ever touched.
 *
 * A lock file beside it (`PATH.lock`) says that a process of ours is using the path. Only under
 * that lock a socket file that was left behind is removed, and only when nobody answers there.
 */

import { chmod, chown, lstat, readFile, unlink } from 'node:fs/promises';
import type { NativeAddon, NativeFdListener } from '../../native/boundary/index.ts';
import { ValenicError } from '../errors.ts';
import { codeOf, systemText } from '../system-error.ts';
import { LockRefused, SocketLock } from './lock.ts';
import { refuseAbstract } from './path.ts';

/** The functions of the addon that a listening socket needs. */
export type SocketFunctions = Pick<
  NativeAddon,
  'connectFdSocket' | 'listenFdSocket' | 'tryLockFile' | 'removeAtExit' | 'keepAtExit'
>;

export interface SocketFileOptions {
  readonly addon: SocketFunctions;
  readonly path: string;
  /** Permissions of the file. */
  readonly mode: number;
  /** Name of the group the file is given to. */
  readonly group?: string | undefined;
}

/** Connections that may wait while another is being served: those of one QEMU that is restarted. */
const backlog = 8;

/** What is bound to the path. */
export interface Bound {
  close(): void;
}

/** Which file: a path may lead to another one later. */
interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** A listening socket, its file and its lock. */
export class SocketFile<Socket extends Bound = NativeFdListener> {
  readonly #options: SocketFileOptions;
  readonly #make: (path: string, mode: number) => Socket;
  #bound: { readonly socket: Socket; readonly file: Identity };
  #lock: SocketLock;

  private constructor(
    options: SocketFileOptions,
    make: (path: string, mode: number) => Socket,
    lock: SocketLock,
    bound: { readonly socket: Socket; readonly file: Identity },
  ) {
    this.#options = options;
    this.#make = make;
    this.#lock = lock;
    this.#bound = bound;
  }

  get listener(): Socket {
    return this.#bound.socket;
  }

  /** @throws {ValenicError} `group_unknown`, `socket_in_use` or `socket_failed`. */
  static listen(options: SocketFileOptions): Promise<SocketFile> {
    const { addon } = options;
    return SocketFile.open(options, (path, mode) => addon.listenFdSocket(path, backlog, mode));
  }

  /**
   * As listen(), for another kind of socket.
   *
   * @param make  Binds one to a path, with that mode.
   */
  static async open<Socket extends Bound>(
    options: SocketFileOptions,
    make: (path: string, mode: number) => Socket,
  ): Promise<SocketFile<Socket>> {
    refuseAbstract(options.path, 'socket_failed');
    const lock = await takeLock(options.addon, options.path);
    try {
      const bound = await bindFile(options, make);
      options.addon.removeAtExit(options.path);
      return new SocketFile(options, make, lock, bound);
    } catch (error) {
      await lock.drop();
      throw error;
    }
  }

  /** What keeps others from reaching the socket; null when nothing does. */
  async unreachable(): Promise<string | null> {
    const { path } = this.#options;
    const named = await identityOf(path);
    if (named !== null && isSame(named, this.#bound.file)) return null;
    const what = named === null ? 'was removed' : 'was replaced';
    return `${path} ${what} while this process listens there, so nobody can connect`;
  }

  /** Makes the socket and its file again, unless something else is there. @throws {ValenicError} */
  async renew(): Promise<void> {
    const { addon, path } = this.#options;
    if (!(await this.#lock.stands())) {
      const lock = await takeLock(addon, path);
      await this.#lock.drop();
      this.#lock = lock;
    }
    const before = this.#bound.socket;
    this.#bound = await bindFile(this.#options, this.#make);
    before.close();
  }

  /** Stops listening and removes the file, unless another took its place. */
  async close(): Promise<void> {
    const { socket, file } = this.#bound;
    const { addon, path } = this.#options;
    socket.close();
    addon.keepAtExit(path);
    await unlinkSame(path, file);
    await this.#lock.drop();
  }
}

async function bindFile<Socket extends Bound>(
  { addon, path, mode, group }: SocketFileOptions,
  make: (path: string, mode: number) => Socket,
): Promise<{ socket: Socket; file: Identity }> {
  try {
    const gid = group === undefined ? null : await groupId(group);
    await removeStale(addon, path);
    // With a group, nobody but the owner gets in before the file is that group's.
    const socket = bind(path, gid === null ? mode : mode & 0o700, make);
    const file = await identityOf(path);
    try {
      if (file === null) throw new Error('the file was removed at once');
      if (gid !== null) {
        await chown(path, -1, gid);
        await chmod(path, mode);
      }
      return { socket, file };
    } catch (error) {
      socket.close();
      if (file !== null) await unlinkSame(path, file);
      throw error;
    }
  } catch (error) {
    if (error instanceof ValenicError) throw error;
    throw new ValenicError('socket_failed', sentence(path, error, group), { cause: error });
  }
}

async function identityOf(path: string): Promise<Identity | null> {
  return lstat(path, { bigint: true }).catch(() => null);
}

const isSame = (one: Identity, other: Identity) => one.dev === other.dev && one.ino === other.ino;

async function unlinkSame(path: string, file: Identity): Promise<void> {
  const named = await identityOf(path);
  if (named !== null && isSame(named, file)) await unlink(path).catch(() => {});
}

function inUse(path: string, who: string): ValenicError {
  return new ValenicError('socket_in_use', `${path}: ${who} listens there; choose another path`);
}

/** Group names are looked up where groups are defined on the machine itself. */
async function groupId(name: string): Promise<number> {
  const text = await readFile('/etc/group', 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    const [group, , id] = line.split(':');
    if (group === name && id !== undefined && /^\d+$/.test(id)) return Number(id);
  }
  throw new ValenicError('group_unknown', `there is no group "${name}" in /etc/group`);
}

async function takeLock(addon: SocketFunctions, path: string): Promise<SocketLock> {
  try {
    return await SocketLock.take(addon, path);
  } catch (error) {
    if (!(error instanceof LockRefused)) {
      throw new ValenicError('socket_failed', sentence(path, error), { cause: error });
    }
    if (error.kind === 'used') throw inUse(path, 'Valenic (another port or process)');
    throw new ValenicError('socket_failed', error.message);
  }
}

/** Removes a socket file that nobody answers on; refuses anything else. */
async function removeStale(addon: SocketFunctions, path: string): Promise<void> {
  const facts = await lstat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (facts === null) return;
  if (!facts.isSocket()) {
    throw new ValenicError(
      'socket_failed',
      `${path} exists and is not a socket, so it is left alone`,
    );
  }
  try {
    addon.connectFdSocket(path).close();
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return;
    if (code === 'ECONNREFUSED') return unlink(path);
    // A full backlog is a listener too, and so is a socket of another type.
    if (code !== 'EAGAIN' && code !== 'EPROTOTYPE') throw error;
  }
  throw inUse(path, 'another program');
}

function bind<Socket>(
  path: string,
  mode: number,
  make: (path: string, mode: number) => Socket,
): Socket {
  try {
    return make(path, mode);
  } catch (error) {
    if (codeOf(error) === 'EADDRINUSE') throw inUse(path, 'another program');
    throw error;
  }
}

/** What went wrong with a path, and what to do. */
function sentence(path: string, error: unknown, group?: string): string {
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `${path}: its folder does not exist; make it, or choose another path`;
    case 'EACCES':
      return `${path}: this process may not write there`;
    case 'EPERM':
      return `${path}: this process may not give it to group ${group ?? '?'}; join the group first`;
    case 'ENAMETOOLONG':
      return `${path}: longer than 107 bytes, the most that a socket's path can have`;
    default:
      return `${path}: ${systemText(error)}`;
  }
}
