/**
 * The lock beside a socket file, `PATH.lock`: held by the process that uses the path.
 *
 * The file may be anybody's. It is taken for a lock only when it is a file of our own user that is
 * empty or has our word in it, and it is removed only when we made it: with that word, which a
 * process that was killed left behind.
 */

import { constants } from 'node:fs';
import { type FileHandle, lstat, open, unlink } from 'node:fs/promises';
import type { NativeAddon } from '../../native/boundary/index.ts';
import { codeOf } from '../system-error.ts';

type LockFunctions = Pick<NativeAddon, 'tryLockFile'>;

/** What makes a lock ours. */
const word = Buffer.from('valenic lock\n');
/** A lock file that its owner removes while we open it is opened again, this often. */
const lockAttempts = 8;
const uid = () => process.geteuid?.() ?? 0;

/** Why the lock cannot be had. */
export class LockRefused extends Error {
  /** `used`: another holds it. `foreign`: the file is not a lock of ours; `message` says why. */
  readonly kind: 'used' | 'foreign';
  constructor(kind: 'used' | 'foreign', text: string) {
    super(text);
    this.kind = kind;
  }
}

export class SocketLock {
  readonly #path: string;
  readonly #file: FileHandle;
  /** We may remove it. */
  readonly #ours: boolean;

  private constructor(path: string, file: FileHandle, ours: boolean) {
    this.#path = path;
    this.#file = file;
    this.#ours = ours;
  }

  /** @throws {LockRefused}, or the error of the operating system. */
  static async take(addon: LockFunctions, socketPath: string): Promise<SocketLock> {
    const path = `${socketPath}.lock`;
    for (let attempt = 0; attempt < lockAttempts; ++attempt) {
      const file = await openLock(path);
      if (file === null) continue;
      try {
        const lock = await claimed(addon, path, file);
        if (lock !== null) return new SocketLock(path, file, lock.ours);
        await file.close();
      } catch (error) {
        await file.close();
        throw error;
      }
    }
    throw new LockRefused('used', `${path} is in use`);
  }

  /** The file is still there and is the one we hold, so nobody else can take the path. */
  async stands(): Promise<boolean> {
    return isNamed(this.#path, this.#file);
  }

  /**
   * Removed before it is unlocked, so that whoever gets the lock next finds it gone and makes its
   * own.
   */
  async drop(): Promise<void> {
    if (this.#ours && (await this.stands())) await unlink(this.#path).catch(() => {});
    await this.#file.close().catch(() => {});
  }
}

/** Null: it came or went while we looked. */
async function openLock(path: string): Promise<FileHandle | null> {
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    const made = await open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    // At once, so that others know whose it is; on a full disk it locks without the word.
    await made.write(word, 0, word.length, 0).catch(() => {});
    return made;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  const facts = await lstat(path).catch(() => null);
  if (facts === null) return null;
  // Looked at before it is opened: to open a pipe or a device can wait, and can do something.
  if (!facts.isFile()) throw foreign(path, 'is not a regular file');
  if (facts.uid !== uid()) throw foreign(path, `belongs to user ${facts.uid}`);
  try {
    return await open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Locks an open file, if it is one to be locked. Null: its name leads elsewhere by now. */
async function claimed(
  addon: LockFunctions,
  path: string,
  file: FileHandle,
): Promise<{ ours: boolean } | null> {
  const facts = await file.stat();
  if (!facts.isFile() || facts.uid !== uid()) throw foreign(path, 'was replaced');
  const { buffer, bytesRead } = await file.read(
    Buffer.alloc(word.length + 1),
    0,
    word.length + 1,
    0,
  );
  const content = buffer.subarray(0, bytesRead);
  if (bytesRead > 0 && !content.equals(word)) throw foreign(path, 'has other contents');
  if (!addon.tryLockFile(file.fd)) throw new LockRefused('used', `${path} is in use`);
  // Its last owner may have removed the file before we had the lock: then it protects nothing.
  if (!(await isNamed(path, file))) return null;
  return { ours: bytesRead > 0 };
}

async function isNamed(path: string, file: FileHandle): Promise<boolean> {
  const [ours, named] = await Promise.all([
    file.stat().catch(() => null), // Closed before.
    lstat(path).catch(() => null),
  ]);
  return ours !== null && named !== null && named.ino === ours.ino && named.dev === ours.dev;
}

function foreign(path: string, why: string): LockRefused {
  const advice = 'it is left alone; move it, or choose another path';
  return new LockRefused(
    'foreign',
    `${path} ${why}, so it is not a lock file of Valenic: ${advice}`,
  );
}
