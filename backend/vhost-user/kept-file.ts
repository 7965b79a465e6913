/**
 * What guests have, in a file for each port, so that a daemon that starts later can read it.
 *
 * The folder is ours alone, and still a file is read as a stranger's: an old version, another
 * program or a bug may have written it. Whatever it says, a port offers nothing that is not built.
 */

import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { mtuBytes } from '../../native/boundary/index.ts';
import { codeOf } from '../system-error.ts';
import { folderFault, here, stateFolder } from '../xdg.ts';
import { lives, type ProcessId } from './process.ts';

/** What a front-end's process has. */
export interface Had {
  /** Features of virtio that it was offered when it came first, and those that it took later. */
  readonly offered: bigint;
  /** What the driver of its guest took last; 0: no driver came yet. */
  readonly taken: bigint;
  readonly protocolFeatures: bigint;
  /** Queue pairs: of the highest ring that it named. */
  readonly queues: number;
  /** What its guest was told. */
  readonly mtu: number | null;
}

export interface Kept {
  readonly process: ProcessId;
  readonly had: Had;
}

/** Bytes: more than twice what the longest record has, but for its path. */
const maxBytes = 8192;
/** Files of one folder that are looked at. */
const maxFiles = 4096;
const instead = 'set XDG_STATE_HOME to a folder that the daemon may write to';

const bits = z
  .string()
  .regex(/^0x[0-9a-f]{1,16}$/)
  .transform((text) => BigInt(text));
const shape = z.object({
  version: z.literal(1),
  socket: z.string().max(4096),
  process: z.object({
    pid: z.int().min(1),
    startTicks: z.int().min(0),
    boot: z.string().regex(/^[0-9a-f-]{36}$/),
    socketFile: z.string().max(100).optional(),
  }),
  had: z.object({
    offered: bits,
    taken: bits,
    protocolFeatures: bits,
    queues: z.int().min(1).max(0x8000),
    mtu: z.int().min(Number(mtuBytes.min)).max(Number(mtuBytes.max)).nullable(),
  }),
});

/** The records of all ports of this user. A failure costs the record and nothing else. */
export class KeptFiles {
  readonly #folder: string | null;
  readonly #uid: number;
  #swept: Promise<void> | null = null;

  /** @param state  Its folder `guests` is made when the first record is written. */
  constructor(state = stateFolder(), uid = here().uid) {
    this.#folder = state === null ? null : join(state, 'guests');
    this.#uid = uid;
  }

  /**
   * What the front-end at a socket has, which is a process that still runs. Null: nothing is known.
   *
   * @throws {Error} A sentence: there is a record, and it cannot be used.
   */
  async read(socket: string): Promise<Kept | null> {
    if (this.#folder === null) return null;
    const fault = await this.#folderFault(this.#folder);
    if (fault !== null) throw new Error(fault);
    this.#swept ??= sweep(this.#folder);
    await this.#swept;
    const path = this.#pathOf(this.#folder, socket);
    const record = await readRecord(path, this.#uid);
    if (record === null) return null;
    if (record.socket !== resolve(socket)) throw new Error(`${path} is the record of another port`);
    if (await lives(record.process)) return { process: record.process, had: record.had };
    await unlink(path);
    return null;
  }

  /** Replaces the record of a port at once: who reads sees this one or the one before. */
  async write(socket: string, { process: owner, had }: Kept): Promise<void> {
    if (this.#folder === null)
      throw new Error(`neither HOME nor XDG_STATE_HOME is set: ${instead}`);
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const fault = await this.#folderFault(this.#folder);
    if (fault !== null) throw new Error(fault);
    const path = this.#pathOf(this.#folder, socket);
    const own = `${path}.${process.pid}.${randomBytes(8).toString('hex')}`;
    const file = await open(own, 'wx', 0o600);
    try {
      await file.writeFile(textOf({ socket: resolve(socket), process: owner, had }));
      await file.close();
      await rename(own, path);
    } catch (error) {
      await file.close().catch(() => {});
      await unlink(own).catch(() => {});
      throw error;
    }
  }

  async remove(socket: string): Promise<void> {
    if (this.#folder === null) return;
    await unlink(this.#pathOf(this.#folder, socket)).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
  }

  #pathOf(folder: string, socket: string): string {
    const name = createHash('sha256').update(resolve(socket)).digest('hex').slice(0, 32);
    return join(folder, `${name}.json`);
  }

  #folderFault(folder: string): Promise<string | null> {
    return folderFault(folder, this.#uid, instead);
  }
}

interface KeptRecord extends Kept {
  readonly socket: string;
}

function textOf({ had, ...record }: KeptRecord): string {
  const hex = (value: bigint) => `0x${value.toString(16)}`;
  const written = {
    ...had,
    offered: hex(had.offered),
    taken: hex(had.taken),
    protocolFeatures: hex(had.protocolFeatures),
  };
  return `${JSON.stringify({ version: 1, ...record, had: written })}\n`;
}

/** Null: there is none. @throws {Error} A sentence: what is there is not a record of ours. */
async function readRecord(path: string, uid = here().uid): Promise<KeptRecord | null> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const facts = await file.stat();
    if (!facts.isFile() || facts.uid !== uid) throw new Error('it is not a file of this user');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
    return shape.parse(JSON.parse(buffer.toString('utf8', 0, bytesRead)));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new Error(`${path} is not a record that this version can read: ${oneLine(why)}`);
  } finally {
    await file.close();
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').slice(0, 300);
}

/**
 * Removes the records of processes that have ended, and what a daemon that was killed left half
 * written.
 */
async function sweep(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.slice(0, maxFiles)) {
    const path = join(folder, name);
    if (await isStale(path, name)) await unlink(path).catch(() => {});
  }
}

async function isStale(path: string, name: string): Promise<boolean> {
  const writer = /^[0-9a-f]{32}\.json\.(\d+)\.[0-9a-f]{16}$/.exec(name)?.[1];
  if (writer !== undefined) return (await lstat(`/proc/${writer}`).catch(() => null)) === null;
  if (!/^[0-9a-f]{32}\.json$/.test(name)) return false;
  const before = await lstat(path).catch(() => null);
  const record = await readRecord(path).catch(() => null);
  if (record === null || (await lives(record.process))) return false;
  // Another daemon may have put a new record there meanwhile.
  const now = await lstat(path).catch(() => null);
  return now !== null && now.ino === before?.ino && now.mtimeMs === before.mtimeMs;
}
