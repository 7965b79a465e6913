/** Our side of the comparison: `valenic serve` in a process of its own, polling as the peers do. */

import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { packageRoot } from '../../datapath/load.ts';
import { ValenicError } from '../../errors.ts';
import { environmentOf, noGuest } from '../environment.ts';
import type { Backend, Ground, OwnPeerName, Peer } from './backend.ts';
import { Program } from './program.ts';

/** Whose `valenic serve` it is, and where its datapath runs. */
interface OwnBuild {
  readonly system: 'valenic' | OwnPeerName;
  /** The checkout that it is started from. */
  readonly root: string;
  /** Further words of `valenic serve`. */
  readonly words: readonly string[];
}

export function serveWords(
  program: string,
  ground: Ground,
  control: string,
  sockets: readonly [string, string],
): readonly string[] {
  const [a, b] = sockets;
  return [
    ...[process.execPath, program, '--json', '--control', control, 'serve'],
    ...['--port', `vale0:a,vhost-user=${a}`, '--port', `vale0:b,vhost-user=${b}`],
    ...['--polling', 'busy', '--cpu', `${ground.workerCpu}`],
  ];
}

/** @throws {ValenicError} `bench_failed` */
export function startOwn(ground: Ground): Promise<Backend> {
  return startBuild({ system: 'valenic', root: packageRoot(), words: [] }, ground);
}

/** Ours beside ours with the datapath in a process of its own. */
export const processPeer = peerOf('valenic-process', () => ({
  root: packageRoot(),
  words: ['--datapath', 'process'],
}));

/** @param root  Another checkout, which is built. */
export function otherPeer(root: string): Peer {
  return peerOf('valenic-other', () => ({ root: resolve(root), words: [] }));
}

function peerOf(system: OwnPeerName, build: () => Omit<OwnBuild, 'system'>): Peer {
  const start = (ground: Ground) => startBuild({ system, ...build() }, ground);
  return { name: system, missing: () => null, variants: [{ system, burst: null, start }] };
}

/** @throws {ValenicError} `bench_failed` */
async function startBuild({ system, root, words }: OwnBuild, ground: Ground): Promise<Backend> {
  if (!existsSync(join(root, 'dist/backend/cli/main.js'))) {
    const why = `"valenic serve" is not built in ${root}: run "npm run build" there`;
    throw new ValenicError('bench_failed', why);
  }
  const folder = join(ground.folder, system);
  await mkdir(folder, { recursive: true });
  const sockets = [join(folder, 'a.sock'), join(folder, 'b.sock')] as const;
  const line = serveWords(join(root, 'bin/valenic.mjs'), ground, join(folder, 'control'), sockets);
  const serve = new Program([...line, ...words]);
  try {
    await serve.until('answer of valenic serve', () => serve.said.includes('"control"'));
  } catch (error) {
    await serve.stop('SIGKILL');
    throw error;
  }
  return {
    ...{ system, burst: null, sockets, command: serve.command, refused: [] },
    version: `Valenic ${versionIn(root)}`,
    get over() {
      return serve.over;
    },
    pause: () => serve.pause(),
    resume: () => serve.resume(),
    close: () => serve.stop(),
  };
}

function versionIn(root: string): string {
  if (root === packageRoot()) return environmentOf(noGuest, []).valenic;
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}
