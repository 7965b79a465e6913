/**
 * The MAC addresses that the printed lines give to guests: the same for the same port of the same
 * daemon, and others on every other host.
 *
 * An address is made of a random part that this installation draws once and keeps in a file, of the
 * daemon's control socket, which no other daemon of the host has, and of the port's name.
 */

import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Logger } from '../log.ts';
import { folderFault, here, type PathContext, stateFolder } from '../xdg.ts';

const randomPart = /^[0-9a-f]{32}\n$/;

/** Where the random part is kept. Null: there is no such place. */
export function installationPath(context: PathContext): string | null {
  const folder = stateFolder(context);
  return folder === null ? null : join(folder, 'installation');
}

export interface GuestMacsOptions {
  /** Of the daemon's control socket. */
  readonly control: string;
  readonly log: Logger;
  readonly context?: PathContext;
}

export class GuestMacs {
  readonly #options: GuestMacsOptions;
  #random: Promise<string> | null = null;

  constructor(options: GuestMacsOptions) {
    this.#options = options;
  }

  /** @param name  Of the port: `vale0:vm1`. */
  async of(name: string): Promise<string> {
    this.#random ??= this.#load();
    const hash = createHash('sha256');
    for (const part of [await this.#random, this.#options.control, name]) hash.update(`${part}\0`);
    // As QEMU's own 52:54:00, 52 is an address of one station, locally administered.
    const bytes = [0x52, ...hash.digest().subarray(0, 5)];
    return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  }

  /** The file's, or one that goes with this process when there can be no file. */
  async #load(): Promise<string> {
    const { context = here(), log } = this.#options;
    const path = installationPath(context);
    try {
      if (path === null) throw new Error('neither HOME nor XDG_STATE_HOME is set');
      return await loadOrMake(path, context.uid);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const where = path === null ? '' : ` in ${path}`;
      log.warn(
        {},
        'the MAC addresses printed for guests will change with each start of the daemon, ' +
          `because their random part cannot be kept${where}: ${why}; set XDG_STATE_HOME to a ` +
          'folder that the daemon may write to, or give --mac',
      );
      return randomBytes(16).toString('hex');
    }
  }
}

/** Several daemons may start at the same time: all read what the first one wrote. */
async function loadOrMake(path: string, uid: number): Promise<string> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const fault = await folderFault(folder, uid, 'set XDG_STATE_HOME to another folder');
  if (fault !== null) throw new Error(fault);
  const there = await read(path);
  if (there !== null) return there;
  const own = `${path}.${process.pid}.${randomBytes(8).toString('hex')}`;
  const file = await open(own, 'wx', 0o600);
  try {
    await file.writeFile(`${randomBytes(16).toString('hex')}\n`);
    await file.sync();
    // Whole or not at all, and never over somebody else's.
    await link(own, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await file.close();
    await rm(own, { force: true });
  }
  const made = await read(path);
  if (made === null) throw new Error('it disappeared while it was being made');
  return made;
}

/** Null: it is not there. @throws when what is there is not ours. */
async function read(path: string): Promise<string | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const buffer = Buffer.alloc(64);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    const text = buffer.toString('latin1', 0, bytesRead);
    if (!(await file.stat()).isFile() || !randomPart.test(text)) {
      throw new Error('it does not contain 32 hexadecimal digits and a line feed: remove it');
    }
    return text.trim();
  } finally {
    await file.close();
  }
}
