/** The NAT of a user port as a process: with its daemon, and without root. */

import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { discover, offered } from '../backend/ports/packets.ts';
import { framed, StreamPeer } from '../backend/ports/support.ts';
import { until } from './lab.ts';
import { asUser, program, ServeProcess } from './serve-process.ts';

/** Debian's "nobody". */
const nobody = 65_534;
const root = process.getuid?.() === 0;
/** A checkout in a folder of root's own is not for others to read. */
const readable =
  root &&
  spawnSync('setpriv', [...asUser(nobody), process.execPath, '--check', program]).status === 0;
if (root && !readable) console.error(`not run: user ${nobody} may not read ${program}`);

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'valenic-user-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const gone = (pid: number): boolean => !existsSync(`/proc/${pid}`);
async function natOf(daemon: ServeProcess): Promise<number> {
  const { endpoint } = await daemon.port('vale0:net');
  expect(endpoint).toMatchObject({ connected: true, fault: null });
  return endpoint?.peer?.pid ?? 0;
}

describe('the process of a user port', () => {
  it('ends by itself when its daemon is killed', async () => {
    await using daemon = await ServeProcess.start(dir, '--port', 'vale0:net,user');
    const nat = await natOf(daemon);
    expect(gone(nat)).toBe(false);
    process.kill(daemon.pid, 'SIGKILL');
    await until(
      'the end of the NAT',
      () => gone(nat),
      (over) => over,
    );
  });

  it.skipIf(!readable)('serves guests when the daemon is not root', async () => {
    chownSync(dir, nobody, nobody);
    const socket = join(dir, 's.sock');
    const ports = ['--port', 'vale0:net,user', '--port', `vale0:s,stream=${socket}`];
    await using daemon = await ServeProcess.startAs(nobody, dir, ...ports);
    const nat = await natOf(daemon);
    for (const pid of [daemon.pid, nat]) {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      expect(status).toMatch(/^CapEff:\t0+$/m);
      expect(status).not.toMatch(/^Uid:.*\t0(\t|$)/m);
    }
    const peer = await StreamPeer.connect(socket);
    const mac = '525400000001';
    await peer.write(framed(discover(mac)));
    const answer = () =>
      peer.frames.map((frame) => offered(frame, mac)).find((one) => one !== null);
    const address = await until('an address', answer, (found) => found !== undefined);
    expect(address).toBe('10.0.2.15');
  });
});
