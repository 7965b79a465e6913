/** Our network: `valenic serve` with a port for each guest, and a tap port to the host. */

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { NicBackend } from '../../../qemu/index.ts';
import { packageRoot } from '../../datapath/load.ts';
import { ValenicError } from '../../errors.ts';
import { environmentOf, noGuest } from '../environment.ts';
import { Program } from '../peers/program.ts';
import { ip } from './ip.ts';
import { type Addresses, type LiveNetwork, sleepsByItself, type TcpGround } from './network.ts';

const tapName = 'valenic-own';

export function ownWords(
  program: string,
  folder: string,
  polling: TcpGround['polling'],
): readonly string[] {
  const port = (name: string) => `vale0:${name},vhost-user=${join(folder, `${name}.sock`)}`;
  return [
    ...[process.execPath, program, '--json', '--control', join(folder, 'control'), 'serve'],
    ...['--port', port('a'), '--port', port('b'), '--port', `vale0:host,tap=${tapName}`],
    ...['--polling', polling],
  ];
}

/** @throws {ValenicError} `bench_failed` */
export async function startOwn(ground: TcpGround, { host }: Addresses): Promise<LiveNetwork> {
  const root = packageRoot();
  if (!existsSync(join(root, 'dist/backend/cli/main.js'))) {
    throw new ValenicError('bench_failed', '"valenic serve" is not built: run "npm run build"');
  }
  const folder = join(ground.folder, 'valenic');
  await mkdir(folder, { recursive: true });
  await ip(
    `tuntap add ${tapName} mode tap`,
    `addr add ${host}/24 dev ${tapName}`,
    `link set ${tapName} up`,
  );
  const serve = new Program(ownWords(join(root, 'bin/valenic.mjs'), folder, ground.polling));
  try {
    await serve.until('answer of valenic serve', () => serve.said.includes('"control"'));
  } catch (error) {
    await serve.stop('SIGKILL');
    throw error;
  }
  const nic = (name: string): NicBackend => {
    const path = join(folder, `${name}.sock`);
    return { kind: 'vhost-user', path, role: 'server', queues: 1 };
  };
  return {
    ...{ command: serve.command, pids: [serve.pid] },
    ...(ground.polling === 'busy' ? standsStill(serve) : sleepsByItself),
    version: `Valenic ${environmentOf(noGuest, []).valenic}`,
    ...{ a: nic('a'), b: nic('b') },
    close: async () => {
      await serve.stop();
      await ip(`link del ${tapName}`);
    },
  };
}

/** A worker that spins would take a CPU from the peer. */
function standsStill(serve: Program): Pick<LiveNetwork, 'pause' | 'resume'> {
  return { pause: () => serve.pause(), resume: () => serve.resume() };
}
