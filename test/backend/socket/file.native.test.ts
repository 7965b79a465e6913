/** Files beside a port: what we did not make is left alone; a socket without its file is mended. */

import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { PeerLog } from '../../../backend/log.ts';
import { StreamEndpoint } from '../../../backend/ports/stream/endpoint.ts';
import { SocketFile } from '../../../backend/socket/file.ts';
import { Listener } from '../../../backend/socket/listener.ts';
import {
  addon,
  eventually,
  later,
  RecordingDatapath,
  RecordingLog,
} from '../vhost-user/support.ts';

let folder = '';
let path = '';
let lock = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'valenic-'));
  path = join(folder, 'vm1.sock');
  lock = `${path}.lock`;
  later(() => rmSync(folder, { recursive: true, force: true }));
});

const listen = () => SocketFile.listen({ addon, path, mode: 0o600 });
const refused = (why: RegExp) =>
  expect(listen()).rejects.toMatchObject({
    code: 'socket_failed',
    message: expect.stringMatching(why),
  });

describe('a file that happens to be called as our lock', () => {
  it('with contents: the port is refused, and the file stays', async () => {
    writeFileSync(lock, 'precious');
    await refused(
      /has other contents, so it is not a lock file of Valenic: it is left alone; move it/,
    );
    expect(readFileSync(lock, 'utf8')).toBe('precious');
    expect(existsSync(path)).toBe(false);
  });

  it.each([
    ['a pipe', () => execFileSync('mkfifo', [lock])],
    ['a folder', () => mkdirSync(lock)],
    ['a link', () => symlinkSync('/etc/hostname', lock)],
    ['a link to nowhere', () => symlinkSync(join(folder, 'nowhere'), lock)],
  ])('%s: it is not even opened', async (_, make) => {
    make();
    const before = lstatSync(lock).ino;
    await refused(/is not a regular file/);
    expect(lstatSync(lock).ino).toBe(before);
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  });

  it.runIf(process.getuid?.() === 0)("another user's", async () => {
    writeFileSync(lock, '');
    chownSync(lock, 1, 1);
    await refused(/belongs to user 1/);
    expect(existsSync(lock)).toBe(true);
  });

  it('empty and our own: it locks, and stays', async () => {
    writeFileSync(lock, '');
    const file = await listen();
    await expect(listen()).rejects.toMatchObject({ code: 'socket_in_use' });
    await file.close();
    expect(existsSync(lock)).toBe(true);
  });

  it('left behind by a process of ours that was killed: it is taken over, and goes', async () => {
    const file = await listen();
    linkSync(lock, join(folder, 'kept'));
    await file.close();
    renameSync(join(folder, 'kept'), lock);
    await (await listen()).close();
    expect(existsSync(lock)).toBe(false);
  });

  it('put in the place of ours meanwhile: it stays', async () => {
    const file = await listen();
    rmSync(lock);
    writeFileSync(lock, 'precious');
    await file.close();
    await file.close();
    expect(readFileSync(lock, 'utf8')).toBe('precious');
    expect(existsSync(path)).toBe(false);
  });
});

describe('a listening socket that nobody can reach', () => {
  async function watched() {
    const log = new RecordingLog();
    const told: (string | null)[] = [];
    let served = 0;
    const listener = new Listener(await listen(), {
      serve: async (socket) => {
        served += 1;
        socket.close();
      },
      onReach: (unreachable) => void told.push(unreachable),
      ...{ log: new PeerLog(log, {}), guest: 'peer', lookMs: 10 },
    });
    later(() => listener.close());
    return { log, told, served: () => served };
  }

  it('since its file was removed: that is told, and both are made anew', async () => {
    const { log, told, served } = await watched();
    for (const [turn, also] of [[], [lock]].entries()) {
      for (const file of [path, ...also]) rmSync(file);
      await eventually(() => addon.connectFdSocket(path).close());
      await eventually(() => expect(served()).toBe(turn + 1));
      await eventually(() => expect(told).toHaveLength(turn + 1));
    }
    expect(log.messages('warn')[0]).toBe(
      `${path} was removed while this process listens there, so nobody can connect`,
    );
    expect(told).toEqual([null, null]);
    expect(existsSync(lock)).toBe(true);
  });

  it('since something else stands there: that stays, and it is told until it goes', async () => {
    const { log, told, served } = await watched();
    rmSync(path);
    writeFileSync(path, 'precious');
    await eventually(() => expect(log.messages('warn').length).toBeGreaterThan(1));
    expect(log.messages('warn')[1]).toContain('exists and is not a socket, so it is left alone');
    expect(told.at(-1)).toContain('was replaced');
    expect(readFileSync(path, 'utf8')).toBe('precious');
    rmSync(path);
    await eventually(() => addon.connectFdSocket(path).close());
    await eventually(() => expect(served()).toBe(1));
    expect(told.at(-1)).toBeNull();
  });
});

describe('an abstract socket', () => {
  it.each(['@name', '\0name'])('is refused: it has no permissions (%j)', async (name) => {
    const why = { message: expect.stringContaining('@name would be an abstract socket') };
    await expect(SocketFile.listen({ addon, path: name, mode: 0o600 })).rejects.toMatchObject(why);
    const [datapath, log] = [new RecordingDatapath(), new PeerLog(new RecordingLog(), {})];
    const context = { addon, datapath, port: 1, name: 'vale0:s', mtu: () => 0, log };
    for (const role of ['client', 'server'] as const) {
      const link = new StreamEndpoint(
        { kind: 'stream', address: name, role },
        { ...context, onChange: () => {} },
      );
      await expect(link.start()).rejects.toMatchObject(why);
      await link.close();
    }
  });
});
