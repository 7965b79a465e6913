/** The addresses that the printed lines give to guests. */

import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GuestMacs, installationPath } from '../../../backend/daemon/guest-macs.ts';

const uid = process.getuid?.() ?? 0;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valenic-macs-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A daemon's addresses, and what it says. */
function daemon(state = folder, control = '/run/valenic/control.sock') {
  const warnings: string[] = [];
  const warn = (_: object, message: string) => void warnings.push(message);
  const log = { debug() {}, info() {}, error() {}, warn };
  const context = { env: { XDG_STATE_HOME: state }, uid };
  return { macs: new GuestMacs({ control, log, context }), warnings };
}

const filePath = () => join(folder, 'valenic/installation');

describe("a guest's address", () => {
  it('is one of a station, and the same for the same port after a restart', async () => {
    const first = await daemon().macs.of('vale0:vm1');
    expect(first).toMatch(/^52(:[0-9a-f]{2}){5}$/);
    expect(await daemon().macs.of('vale0:vm1')).toBe(first);
    expect(await daemon().macs.of('vale0:vm2')).not.toBe(first);
  });

  it('is another one on another host, and of another daemon of this host', async () => {
    const other = join(folder, 'other');
    const all = await Promise.all([
      daemon().macs.of('vale0:vm1'),
      daemon(other).macs.of('vale0:vm1'),
      daemon(folder, '/tmp/second.sock').macs.of('vale0:vm1'),
    ]);
    expect(new Set(all).size).toBe(3);
  });

  it('does not come together with that of any of 200 other daemons', async () => {
    const seen = new Set<string>();
    for (let host = 0; host < 200; host++) {
      seen.add(await daemon(folder, `/run/${host}.sock`).macs.of('vale0:vm1'));
    }
    expect(seen.size).toBe(200);
  });
});

describe('the random part of an installation', () => {
  it('is kept in a file for its owner alone, whole, and nothing is left beside it', async () => {
    const before = process.umask(0);
    try {
      await daemon().macs.of('vale0:vm1');
    } finally {
      process.umask(before);
    }
    expect((await stat(filePath())).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'valenic'))).mode & 0o777).toBe(0o700);
    expect(await readFile(filePath(), 'utf8')).toMatch(/^[0-9a-f]{32}\n$/);
    expect(await readdir(join(folder, 'valenic'))).toEqual(['installation']);
  });

  it('is one, however many daemons start at once', async () => {
    const daemons = Array.from({ length: 20 }, () => daemon());
    const all = await Promise.all(daemons.map(({ macs }) => macs.of('vale0:vm1')));
    expect(new Set(all).size).toBe(1);
    expect(daemons.flatMap(({ warnings }) => warnings)).toEqual([]);
    expect(await readdir(join(folder, 'valenic'))).toEqual(['installation']);
  });

  it('goes with the process where there can be no file, and a sentence says so', async () => {
    await writeFile(join(folder, 'file'), '');
    const { macs, warnings } = daemon(join(folder, 'file'));
    const first = await macs.of('vale0:vm1');
    expect(await macs.of('vale0:vm1')).toBe(first);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('set XDG_STATE_HOME to a folder that the daemon may write to');
    expect(await daemon(join(folder, 'file')).macs.of('vale0:vm1')).not.toBe(first);
  });

  it.each([
    ['empty', () => writeFile(filePath(), '')],
    ['of something else', () => writeFile(filePath(), 'f'.repeat(32))],
    ['a folder', () => mkdir(filePath())],
    ['a link to elsewhere', () => symlink('/etc/hostname', filePath())],
  ])('is not taken from a file that is %s, and that is left alone', async (_, make) => {
    await mkdir(join(folder, 'valenic'), { mode: 0o700 });
    await make();
    const { macs, warnings } = daemon();
    await macs.of('vale0:vm1');
    expect(warnings).toHaveLength(1);
    expect(await readdir(join(folder, 'valenic'))).toEqual(['installation']);
  });

  it('is not taken from a folder that others may write to', async () => {
    await mkdir(join(folder, 'valenic'));
    await chmod(join(folder, 'valenic'), 0o777);
    const { macs, warnings } = daemon();
    await macs.of('vale0:vm1');
    expect(warnings[0]).toContain('others may write to');
  });
});

describe('where it is kept', () => {
  it.each([
    [
      { STATE_DIRECTORY: '/var/lib/vnic:/x', XDG_STATE_HOME: '/s' },
      0,
      '/var/lib/vnic/installation',
    ],
    [{ XDG_STATE_HOME: '/s', HOME: '/home/u' }, 1000, '/s/valenic/installation'],
    [
      { XDG_STATE_HOME: 'relative', HOME: '/home/u' },
      1000,
      '/home/u/.local/state/valenic/installation',
    ],
    [{ HOME: '/root' }, 0, '/var/lib/valenic/installation'],
    [{}, 1000, null],
  ])('%j as user %i: %s', (env, user, path) => {
    expect(installationPath({ env, uid: user })).toBe(path);
  });
});
