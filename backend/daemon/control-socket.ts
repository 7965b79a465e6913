/**
 * The file of the control socket: bound by one daemon only, never left behind.
 *
 * `PATH.lock` is held for as long as the daemon runs; the kernel lets it go when the daemon dies.
 * Only under that lock a socket file that nobody answers on is removed.
 */

import { constants } from 'node:fs';
import { chmod, type FileHandle, lstat, open, stat, unlink } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { NativeAddon } from '../../native/boundary.ts';
import { ValenicError } from '../errors.ts';

type SocketFunctions = Pick<
  NativeAddon,
  'connectFdSocket' | 'tryLockFile' | 'removeAtExit' | 'keepAtExit'
>;

/** A lock file that its owner removed while we opened it is opened again, this often. */
const lockAttempts = 8;
/** Requests in hand get this long to be answered when the daemon ends. */
const closeGraceMs = 1000;
/** Only its owner may connect. */
const socketMode = 0o600;

export class ControlSocket {
  readonly path: string;
  readonly #addon: SocketFunctions;
  readonly #lock: FileHandle;
  #server: Server | null = null;

  private constructor(addon: SocketFunctions, path: string, lock: FileHandle) {
    this.#addon = addon;
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Takes the path: from here on no other daemon can.
   *
   * @throws {ValenicError} `socket_in_use`, `socket_failed`.
   */
  static async claim(addon: SocketFunctions, path: string): Promise<ControlSocket> {
    const lock = await takeLock(addon, path);
    try {
      await removeStale(addon, path);
      return new ControlSocket(addon, path, lock);
    } catch (error) {
      await dropLock(lock, path);
      throw error instanceof ValenicError ? error : failed(path, error);
    }
  }

  /** Answers requests from now on. @throws {ValenicError} `socket_failed`. */
  async listen(server: Server): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(failed(this.path, error)));
      // Node binds before listen() returns, so nobody can connect with wider permissions meanwhile.
      const before = process.umask(0o777 & ~socketMode);
      try {
        server.listen(this.path, resolve);
      } finally {
        process.umask(before);
      }
    });
    this.#server = server;
    this.#addon.removeAtExit(this.path);
    await chmod(this.path, socketMode);
  }

  /** Stops answering and removes the files. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server !== null) {
      this.#addon.keepAtExit(this.path);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), closeGraceMs);
      await closed; // This removes the socket file.
      clearTimeout(timer);
    }
    await dropLock(this.#lock, this.path);
  }
}

async function takeLock(addon: SocketFunctions, path: string): Promise<FileHandle> {
  const name = `${path}.lock`;
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  for (let attempt = 0; attempt < lockAttempts; attempt++) {
    const file = await open(name, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600).catch((error: unknown) => {
      throw failed(path, error);
    });
    const [ours, named] = await Promise.all([file.stat(), stat(name).catch(() => null)]);
    const locked = addon.tryLockFile(file.fd);
    if (!locked) {
      await file.close();
      throw inUse(path);
    }
    // Its last owner may have removed the file before we had the lock: then it protects nothing.
    const still = await stat(name).catch(() => null);
    if (named?.ino === ours.ino && still?.ino === ours.ino && still.dev === ours.dev) return file;
    await file.close();
  }
  throw inUse(path);
}

/** Removed before it is unlocked: whoever gets the lock next finds it gone and makes its own. */
async function dropLock(file: FileHandle, path: string): Promise<void> {
  await unlink(`${path}.lock`).catch(() => {});
  await file.close().catch(() => {});
}

async function removeStale(addon: SocketFunctions, path: string): Promise<void> {
  const facts = await lstat(path).catch(() => null);
  if (facts === null) return;
  if (!facts.isSocket()) {
    throw new ValenicError('socket_failed', `${path} exists and is not a socket; it is left alone`);
  }
  try {
    addon.connectFdSocket(path).close();
  } catch (error) {
    if (codeOf(error) === 'ECONNREFUSED') return unlink(path);
    if (codeOf(error) === 'ENOENT') return;
    if (codeOf(error) !== 'EAGAIN') throw error; // A full backlog is a listener too.
  }
  throw inUse(path);
}

function inUse(path: string): ValenicError {
  const advice = 'stop it, or use another --control PATH';
  return new ValenicError('socket_in_use', `a daemon already answers at ${path}: ${advice}`);
}

function failed(path: string, error: unknown): ValenicError {
  const sentences: Record<string, string> = {
    ENOENT: 'its folder does not exist',
    ENOTDIR: 'its folder is no folder',
    EACCES: 'this user may not write there',
    EROFS: 'the file system is read-only',
    ELOOP: 'its lock file is a symbolic link',
  };
  const code = codeOf(error) ?? '';
  const why = sentences[code] ?? (error instanceof Error ? error.message : String(error));
  return new ValenicError('socket_failed', `control socket ${path}: ${why}`, { cause: error });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
