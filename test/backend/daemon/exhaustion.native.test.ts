/** A daemon that runs out of descriptors, or has little memory: it goes on, and says so once. */

import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { requests } from '../../../frontend-spec/index.ts';
import { testFolder, until } from '../support.ts';
import { heldBy, type Served, serve } from './process.ts';

/** Descriptors that it may have from now on. */
function limit({ pid }: Served, fds: number): void {
  execFileSync('prlimit', ['--pid', `${pid}`, `--nofile=${fds}:`]);
}

/** Leaves it without a descriptor: connections to its control socket take what others close. */
async function exhaust(served: Served): Promise<Socket[]> {
  const { fds } = heldBy(served.pid);
  limit(served, fds);
  const idle: Socket[] = [];
  let full = 0;
  const look = () => {
    const missing = fds - heldBy(served.pid).fds;
    full = missing > 0 ? 0 : full + 1;
    if (missing > 0) idle.push(connect(served.control).on('error', () => {}));
    return full;
  };
  await until(look, (looks) => looks >= 40);
  return idle;
}

/** CPU time of a process so far, in hundredths of a second. */
async function ticksOf(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

/** A vhost-user message: request, flags, payload. */
function message(name: keyof typeof requests, payload = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt32LE(requests[name].id, 0);
  header.writeUInt32LE(1, 4);
  header.writeUInt32LE(payload.length, 8);
  return Buffer.concat([header, payload]);
}

/** Connects, and asks for the features. Resolves with the socket once they were answered. */
function greeted(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('data', () => resolve(socket));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
    socket.write(message('GET_FEATURES'));
  });
}

describe('a daemon without a descriptor left', () => {
  it('says so in one sentence, waits without spinning, and recovers', async () => {
    const folder = await testFolder();
    const path = join(folder, 'g.sock');
    const log = openSync(join(folder, 'log'), 'a');
    const stdio = ['ignore', 'ignore', log] as const;
    const words = ['--port', `vale0:g,vhost-user=${path}`, '--port', 'vale0:h,host'];
    const served = await serve({ folder, words, stdio: [...stdio] });
    closeSync(log);
    const { fds } = heldBy(served.pid);
    const idle = await exhaust(served);

    const waiting = connect(path);
    waiting.on('error', () => {});
    waiting.write(message('GET_FEATURES'));
    const answered = new Promise((resolve) => waiting.once('data', resolve));
    const said = () => readFile(join(folder, 'log'), 'utf8');
    const sentence =
      'no connection is accepted: ' +
      'this process has no file descriptors left: raise its limit (ulimit -n)';
    await until(said, (text) => text.includes(sentence));
    for (let at = 0; at < 20; at++) await served.client.ports().catch(() => {});
    const before = await ticksOf(served.pid);
    await sleep(2000);
    expect((await ticksOf(served.pid)) - before).toBeLessThan(100);
    expect((await said()).split(sentence).length).toBe(2);
    for (const line of (await said()).trimEnd().split('\n')) JSON.parse(line);

    limit(served, fds + 100);
    await answered; // Who waited meanwhile is served.
    for (const socket of [waiting, ...idle]) socket.destroy();
    const device = { kind: 'host' } as const;
    await until(
      () => served.client.addPort({ name: 'vale0:new', device }).catch(() => null),
      (port) => port !== null,
    );
    expect(await served.stop()).toBe(0);
  });

  it('refuses new ports in a sentence, and has them once it may', async () => {
    const folder = await testFolder();
    const served = await serve({ folder });
    const { fds } = heldBy(served.pid);
    limit(served, fds + 12);
    const path = join(folder, 'new.sock');
    const add = (name: string) => {
      const at = name === 'new' ? path : join(folder, `${name}.sock`);
      const device = { kind: 'vhost-user', path: at, role: 'server', queues: 1 } as const;
      return served.client.addPort({ name: `vale0:${name}`, device });
    };
    const refusals: string[] = [];
    // The command's own connection needs a descriptor too, so nothing answers then.
    for (let at = 0; at < 20; at++) {
      await add(`p${at}`).catch((error: Error) => refusals.push(error.message));
    }
    expect(refusals.length).toBeGreaterThan(0);
    for (const text of refusals) {
      expect(text).toMatch(/no file descriptors left: raise its limit|no daemon answers/);
    }
    limit(served, fds + 200);
    await until(
      () => add('new').catch(() => null),
      (port) => port !== null,
    );
    (await greeted(path)).destroy();
    expect(await served.stop()).toBe(0);
  });
});

describe('a daemon with a heap of 40 MB', () => {
  it('has as much left after 200,000 messages that are commands of the datapath', async () => {
    const folder = await testFolder();
    const path = join(folder, 'g.sock');
    const node = ['--max-old-space-size=40'];
    const served = await serve({ folder, node, words: ['--port', `vale0:g,vhost-user=${path}`] });
    const socket = await greeted(path);
    const versionOne = Buffer.alloc(8);
    versionOne.writeBigUInt64LE(1n << 32n);
    const batch = Buffer.concat(
      Array.from({ length: 1000 }, () => message('SET_FEATURES', versionOne)),
    );
    socket.write(message('SET_OWNER'));
    for (let at = 0; at < 200; at++) {
      socket.write(batch);
      socket.write(message('GET_FEATURES'));
      await new Promise((resolve) => socket.once('data', resolve));
    }
    expect((await served.client.port('vale0:g')).name).toBe('vale0:g');
    socket.destroy();
    expect(await served.stop()).toBe(0);
  });
});
