/** Our side of the comparison: `valenic serve` in a process of its own, polling as the peers do. */

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../datapath/load.ts';
import { ValenicError } from '../../errors.ts';
import { environmentOf, noGuest } from '../environment.ts';
import type { Backend, Ground } from './backend.ts';
import { Program } from './program.ts';

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
export async function startOwn(ground: Ground): Promise<Backend> {
  const root = packageRoot();
  if (!existsSync(join(root, 'dist/backend/cli/main.js'))) {
    throw new ValenicError('bench_failed', '"valenic serve" is not built: run "npm run build"');
  }
  const folder = join(ground.folder, 'valenic');
  await mkdir(folder, { recursive: true });
  const sockets = [join(folder, 'a.sock'), join(folder, 'b.sock')] as const;
  const words = serveWords(join(root, 'bin/valenic.mjs'), ground, join(folder, 'control'), sockets);
  const serve = new Program(words);
  try {
    await serve.until('answer of valenic serve', () => serve.said.includes('"control"'));
  } catch (error) {
    await serve.stop('SIGKILL');
    throw error;
  }
  return {
    ...{ system: 'valenic', burst: null, sockets, command: serve.command, refused: [] },
    version: `Valenic ${environmentOf(noGuest, []).valenic}`,
    get over() {
      return serve.over;
    },
    pause: () => serve.pause(),
    resume: () => serve.resume(),
    close: () => serve.stop(),
  };
}
