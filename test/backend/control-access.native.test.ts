/** Who may command the daemon. docs/THREAT_MODEL.md names these tests. */

import { chmod, mkdir, readFile, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { serveConfig } from '../../backend/config/index.ts';
import { ControlClient, Daemon } from '../../backend/daemon/index.ts';
import { folderFault } from '../../backend/xdg.ts';
import { testFolder } from './support.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const daemons: Daemon[] = [];

afterEach(async () => {
  for (const daemon of daemons.splice(0)) await daemon.close();
});

async function serve(control: string): Promise<Daemon> {
  const daemon = await Daemon.start({ config: serveConfig([{ control, ports: [] }]), log });
  daemons.push(daemon);
  return daemon;
}

describe('the control socket', () => {
  it('is for its owner alone, whatever the umask', async () => {
    const path = join(await testFolder(), 'control.sock');
    const before = process.umask(0);
    try {
      await serve(path);
    } finally {
      process.umask(before);
    }

    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('is not taken from a daemon that answers there', async () => {
    const path = join(await testFolder(), 'control.sock');
    const first = await serve(path);

    await expect(serve(path)).rejects.toMatchObject({ code: 'socket_in_use' });

    await first.close();
    await serve(path);
  });

  it('is made anew when its file is removed, and what is put there is not removed', async () => {
    const path = join(await testFolder(), 'control.sock');
    const daemon = await serve(path);
    const client = new ControlClient(path);
    for (let turn = 0; turn < 2; ++turn) {
      await unlink(path);
      await vi.waitFor(async () => expect(await client.ports()).toEqual([]), 20_000);
    }
    await unlink(path);
    await writeFile(path, 'precious');
    await daemon.close();
    expect(await readFile(path, 'utf8')).toBe('precious');
  });

  it('is not abstract: such a socket has no permissions', async () => {
    await expect(serve('@valenic')).rejects.toThrow('would be an abstract socket');
  });
});

describe('the folder of the control socket, where nobody names one', () => {
  it('is not trusted when others may write to it', async () => {
    const folder = join(await testFolder(), 'open');
    await mkdir(folder);
    await chmod(folder, 0o777);

    expect(await folderFault(folder)).toContain('others may write to');

    await chmod(folder, 0o700);
    expect(await folderFault(folder)).toBeNull();
  });

  it('is not trusted when it belongs to somebody else, or is a link', async () => {
    const folder = join(await testFolder(), 'mine');
    await mkdir(folder, 0o700);
    await symlink(folder, `${folder}-link`);

    expect(await folderFault(folder, 123_456)).toContain('belongs to user');
    expect(await folderFault(`${folder}-link`)).toContain('is not a folder');
  });
});
