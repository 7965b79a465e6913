/** Files at and beside the paths of sockets, put there by somebody else. */

import { spawnSync } from 'node:child_process';
import { lstatSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack } from '../attack.ts';
import type { Scene } from '../scene.ts';

/** A port that is added, if that is possible, and removed. The files of the attack begin so too. */
async function addAndRemove(scene: Scene, socket: string): Promise<void> {
  const { control } = scene.daemon;
  try {
    await control.addPort({ port: `vale0:f,vhost-user=${socket}` });
  } catch {
    return; // Refused: then it must not have touched anything either.
  }
  await control.removePort('vale0:f');
}

/** @param put  Makes what is at the path before. @param check  Says what became of it. */
function beside(
  name: string,
  path: (socket: string) => string,
  put: (path: string) => void,
  check: (path: string) => string | null,
): Attack {
  return {
    ...{ name, rules: [54, 55, 58], kind: 'what was not made by us is never removed', expect: [] },
    run: async (scene) => {
      const socket = join(scene.daemon.folder, 'kept.sock');
      const file = path(socket);
      const clear = () => {
        for (const each of [socket, `${socket}.lock`, `${socket}.target`]) {
          rmSync(each, { force: true });
        }
      };
      clear();
      put(file);
      scene.later(clear);
      await addAndRemove(scene, socket);
      const fault = check(file);
      if (fault !== null && !scene.over) throw new Error(fault);
    },
  };
}

const atSocket = (socket: string): string => socket;
const atLock = (socket: string): string => `${socket}.lock`;
const diary = 'the diary of somebody else\n';

function unchanged(path: string): string | null {
  try {
    return readFileSync(path, 'utf8') === diary ? null : `${path} was written to`;
  } catch {
    return `${path} was removed`;
  }
}

function stillThere(path: string): string | null {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined ? `${path} was removed` : null;
}

const link = (path: string): void => {
  const target = path.replace(/(\.lock)?$/, '').concat('.target');
  writeFileSync(target, diary);
  symlinkSync(target, path);
};
const linkKept = (path: string): string | null => {
  const target = path.replace(/\.lock$/, '').concat('.target');
  return stillThere(path) ?? unchanged(target);
};
const fifo = (path: string): void => void spawnSync('mkfifo', [path]);
const write = (path: string): void => writeFileSync(path, diary);

export const files: readonly Attack[] = [
  beside('file-where-the-socket-goes', atSocket, write, unchanged),
  beside('link-where-the-socket-goes', atSocket, link, linkKept),
  beside('fifo-where-the-socket-goes', atSocket, fifo, stillThere),
  beside('file-where-the-lock-goes', atLock, write, unchanged),
  beside('link-where-the-lock-goes', atLock, link, linkKept),
  beside('fifo-where-the-lock-goes', atLock, fifo, stillThere),
  {
    ...{ name: 'socket-replaced-by-a-file', rules: [55, 59], expect: [] },
    run: async (scene) => {
      const { control, folder } = scene.daemon;
      const socket = join(folder, 'kept-too.sock');
      scene.later(() => rmSync(socket, { force: true }));
      await control.addPort({ port: `vale0:f,vhost-user=${socket}` });
      rmSync(socket);
      writeFileSync(socket, diary);
      await control.removePort('vale0:f');
      const fault = unchanged(socket);
      if (fault !== null && !scene.over) throw new Error(fault);
    },
  },
];
