/** The control socket, as a program of the same user that means no good, or is broken, uses it. */

import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.ts';
import type { Scene } from '../scene.ts';

async function open(scene: Scene): Promise<Socket> {
  const socket = connect(join(scene.daemon.folder, 'control.sock'));
  socket.on('error', () => {});
  socket.resume();
  scene.later(() => socket.destroy());
  // Closed is also what it is where it could not connect, or where the attacker left meanwhile.
  await new Promise<void>((done) => socket.once('connect', done).once('close', () => done()));
  return socket;
}

/** Says something on a connection of its own, and waits for what comes of it. */
function saying(name: string, ...texts: readonly (string | Buffer)[]): Attack {
  return {
    ...{ name, rules: [57], expect: [] },
    run: async (scene) => {
      for (const text of texts) {
        const socket = await open(scene);
        socket.write(text);
        await sleep(50);
      }
    },
  };
}

/** Descriptors that a process may have from now on. */
function limitFds(pid: number, most: string): void {
  execFileSync('prlimit', ['--pid', `${pid}`, `--nofile=${most}:`]);
}

/** Takes every descriptor that the daemon may have: who is there goes on, and it says so once. */
const takingDescriptors: Attack = {
  ...{ name: 'control-takes-all-descriptors', rules: [94] },
  expect: [{ says: /no connection is accepted: this process has no file descriptors left/ }],
  run: async (scene) => {
    const { pid } = scene.daemon;
    const words = ['--pid', `${pid}`, '--nofile', '--raw', '--noheadings', '--output', 'SOFT'];
    const before = execFileSync('prlimit', words, { encoding: 'utf8' }).trim();
    const count = () => readdirSync(`/proc/${pid}/fd`).length;
    const most = count() + 8;
    limitFds(pid, `${most}`);
    try {
      const sockets: Socket[] = [];
      await scene.until(
        'the daemon without a descriptor',
        async () => {
          for (let more = 0; more < 4; ++more) sockets.push(await open(scene));
          return count();
        },
        (there) => there >= most,
      );
      const late = await scene.frontend('y');
      await sleep(500);
      late.close();
      for (const socket of sockets) socket.destroy();
    } finally {
      if (scene.daemon.running) limitFds(pid, before);
    }
    (await scene.guest()).send(); // Whoever comes after it is served.
  },
};

const post = (path: string, body: string, more = '') =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${more}` +
  `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

export const control: readonly Attack[] = [
  takingDescriptors,
  saying('control-garbage', Buffer.alloc(70_000, 0x81), '\r\n\r\n\r\n', 'GET', '\0\0\0\0'),
  saying('control-half-a-request', 'GET /v1/ports HT', 'POST /v1/ports HTTP/1.1\r\nHost: x\r\n'),
  saying(
    'control-bodies',
    post('/v1/ports', '{'),
    post('/v1/ports', 'null'),
    post('/v1/ports', '[]'),
    post('/v1/ports', JSON.stringify({ port: 'x'.repeat(100_000) })),
    post('/v1/ports', `${'['.repeat(50_000)}${']'.repeat(50_000)}`),
    post('/v1/ports', JSON.stringify({ name: '__proto__', device: { kind: 'constructor' } })),
    post('/v1/ports', '{"__proto__":{"port":"vale0:z,host"}}'),
  ),
  saying(
    'control-lengths',
    'POST /v1/ports HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n',
    'POST /v1/ports HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    'POST /v1/ports HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n',
  ),
  saying(
    'control-paths',
    `GET /v1/ports/${'%2e%2e%2f'.repeat(1000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    'GET /v1/ports/%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n',
    'DELETE /v1/ports/vale0%3Anobody HTTP/1.1\r\nHost: x\r\n\r\n',
    'TRACE / HTTP/1.1\r\nHost: x\r\n\r\n',
  ),
  {
    ...{ name: 'control-two-hundred-that-say-nothing', rules: [57], expect: [] },
    run: async (scene) => {
      for (let count = 0; count < 200 && !scene.over; ++count) await open(scene);
    },
  },
  {
    ...{ name: 'control-listeners-that-do-not-read', rules: [57], expect: [] },
    run: async (scene) => {
      for (let count = 0; count < 20 && !scene.over; ++count) {
        const socket = await open(scene);
        socket.pause();
        socket.write('GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n');
      }
      const { control: client } = scene.daemon;
      await scene.repeat((round) => client.setPort('vale0:y', { budget: 64 + (round & 1) }));
      if (!scene.over) await client.setPort('vale0:y', { budget: 64 });
    },
  },
  {
    ...{ name: 'control-questions-by-the-thousand', rules: [57], expect: [] },
    run: async (scene) => {
      const question = 'GET /v1/ports HTTP/1.1\r\nHost: x\r\n\r\n';
      const socket = await open(scene);
      await scene.repeat(async () => {
        socket.write(question.repeat(20));
        await sleep(20);
      });
    },
  },
];
