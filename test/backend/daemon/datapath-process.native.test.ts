/** `valenic serve --datapath process`: the datapath in a process of its own. */

import { openSync, readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder, until } from '../support.ts';
import { type Served, serve } from './process.ts';

/** The daemon's child. */
function datapathOf({ pid }: Served): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  const found = children.map(Number).find((child) => {
    return readFileSync(`/proc/${child}/comm`, 'utf8').startsWith('valenic-datapat');
  });
  return found ?? -1;
}

async function served() {
  const folder = await testFolder();
  const log = join(folder, 'log');
  const words = ['--datapath', 'process', '--port', `vale0:g,vhost-user=${join(folder, 'g.sock')}`];
  const daemon = await serve({ folder, words, stdio: ['ignore', 'ignore', openSync(log, 'a')] });
  return { daemon, folder, log };
}

describe('a daemon whose datapath is a process', () => {
  it('ends it too, and leaves nothing behind', async () => {
    const { daemon, folder } = await served();
    const datapath = datapathOf(daemon);
    expect(datapath).toBeGreaterThan(0);
    expect((await daemon.client.port('vale0:g')).name).toBe('vale0:g');
    expect(await daemon.stop()).toBe(0);
    expect(() => process.kill(datapath, 0)).toThrow('ESRCH');
    expect(readdirSync(folder)).toEqual(['log']);
  });

  it.each(['SIGKILL', 'SIGSEGV'] as const)(
    'ends with one sentence and code 1 when it dies: %s',
    async (signal) => {
      const { daemon, folder, log } = await served();
      process.kill(datapathOf(daemon), signal);
      await until(
        () => daemon.child.exitCode,
        (code) => code !== null,
      );
      expect(daemon.child.exitCode).toBe(1);
      const said = (await readFile(log, 'utf8')).trimEnd().split('\n');
      const lines = said.filter((line) => line.includes('the datapath process was ended by'));
      expect(lines).toEqual([expect.stringContaining(signal)]);
      expect(readdirSync(folder)).toEqual(['log']);
    },
  );

  it('ends with the daemon, however that ends', async () => {
    const { daemon } = await served();
    const datapath = datapathOf(daemon);
    daemon.child.kill('SIGKILL');
    const gone = () => {
      try {
        return !process.kill(datapath, 0);
      } catch {
        return true;
      }
    };
    await until(gone, Boolean);
  });
});
