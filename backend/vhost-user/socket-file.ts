/**
 * The file of a listening socket: made, guarded and removed so that no one else's is ever touched.
 *
 * A lock file beside it (`PATH.lock`) says that a process of ours is using the path. Only under
 * that lock a socket file that was left behind is removed, and only when nobody answers there.
 */

import { constants } from 'node:fs';
import {
  chmod,
  chown,
  type FileHandle,
  lstat,
  open,
  readFile,
  stat,
  unlink,
} from 'node:fs/promises';
import type { NativeAddon, NativeFdListener } from '../../native/boundary.ts';
import { ValenicError } from '../errors.ts';
import { codeOf } from './faults.ts';

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
/** A lock file that is removed while we open it is opened again, this often. */
const lockAttempts = 8;

/** What is bound to the path. */
export interface Bound {
  close(): void;
}

/** A listening socket, its file and its lock. */
export class SocketFile<Socket extends Bound = NativeFdListener> {
  readonly listener: Socket;
  readonly #addon: SocketFunctions;
  readonly #path: string;
  readonly #inode: bigint;
  readonly #lock: FileHandle;

  private constructor(
    addon: SocketFunctions,
    path: string,
    listener: Socket,
    inode: bigint,
    lock: FileHandle,
  ) {
    this.#addon = addon;
    this.#path = path;
    this.listener = listener;
    this.#inode = inode;
    this.#lock = lock;
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
    const { addon, path, mode, group } = options;
    const gid = group === undefined ? null : await groupId(group);
    const lock = await takeLock(addon, path);
    try {
      await removeStale(addon, path);
      // With a group, nobody but the owner gets in before the file is that group's.
      const first = gid === null ? mode : mode & 0o700;
      const listener = bind(path, first, make);
      try {
        if (gid !== null) {
          await chown(path, -1, gid);
          await chmod(path, mode);
        }
        const { ino } = await lstat(path, { bigint: true });
        addon.removeAtExit(path);
        return new SocketFile(addon, path, listener, ino, lock);
      } catch (error) {
        listener.close();
        await unlink(path).catch(() => {});
        throw error;
      }
    } catch (error) {
      await dropLock(lock, path);
      if (error instanceof ValenicError) throw error;
      throw new ValenicError('socket_failed', sentence(path, error, group), { cause: error });
    }
  }

  /** Stops listening and removes the file, unless another took its place. */
  async close(): Promise<void> {
    this.listener.close();
    this.#addon.keepAtExit(this.#path);
    const facts = await lstat(this.#path, { bigint: true }).catch(() => null);
    if (facts?.ino === this.#inode && facts.isSocket()) await unlink(this.#path).catch(() => {});
    await dropLock(this.#lock, this.#path);
  }
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
  throw new ValenicError('group_unknown', `no group "${name}" is in /etc/group`);
}

function lockPath(path: string): string {
  return `${path}.lock`;
}

async function takeLock(addon: SocketFunctions, path: string): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  for (let attempt = 0; attempt < lockAttempts; ++attempt) {
    let file: FileHandle;
    try {
      file = await open(lockPath(path), O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
    } catch (error) {
      throw new ValenicError('socket_failed', sentence(path, error), { cause: error });
    }
    try {
      if (!addon.tryLockFile(file.fd)) throw inUse(path, 'Valenic, another port or process,');
      // Its last owner may have removed the file before we had the lock: then it protects nothing.
      const [ours, named] = await Promise.all([
        file.stat(),
        stat(lockPath(path)).catch(() => null),
      ]);
      if (named !== null && named.ino === ours.ino && named.dev === ours.dev) return file;
      await file.close();
    } catch (error) {
      await file.close();
      throw error;
    }
  }
  throw inUse(path, 'Valenic, another port or process,');
}

/**
 * Removed before it is unlocked, so that whoever gets the lock next finds it gone and makes its
 * own.
 */
async function dropLock(file: FileHandle, path: string): Promise<void> {
  await unlink(lockPath(path)).catch(() => {});
  await file.close().catch(() => {});
}

/** Removes a socket file that nobody answers on; refuses anything else that stands there. */
async function removeStale(addon: SocketFunctions, path: string): Promise<void> {
  const facts = await lstat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (facts === null) return;
  if (!facts.isSocket()) {
    throw new ValenicError('socket_failed', `${path} exists and is not a socket; it is left alone`);
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
      return `${path}: longer than the 107 bytes a socket's path can have`;
    default:
      return `${path}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
