/** The QMP client against peers that break the protocol. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { QmpClient, QmpConnectionError } from '../../../qemu/qmp/index.ts';

const version = { qemu: { major: 7, minor: 2, micro: 22 }, package: '' };
const greeting = `${JSON.stringify({ QMP: { version, capabilities: ['oob'] } })}\n`;
const open: { server: Server; dir: string; sockets: Socket[] }[] = [];

/** Serves one monitor: what it says first, and what it answers to each request. */
async function serve(
  first: string,
  answer: (request: { execute: string; id: number }, socket: Socket) => void = () => {},
): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'valenic-'));
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.write(first);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      for (const line of bytes.toString().split('\n')) {
        if (line !== '') answer(JSON.parse(line), socket);
      }
    });
  });
  open.push({ server, dir, sockets });
  const path = join(dir, 'qmp.sock');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}
const accept = (request: { id: number }, socket: Socket): void => {
  socket.write(`{"return":{},"id":${request.id}}\n`);
};

afterEach(() => {
  for (const { server, dir, sockets } of open.splice(0)) {
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

describe('QmpClient.connect', () => {
  it('takes a greeting that comes in pieces', async () => {
    const path = await serve(greeting.slice(0, 30), accept);
    const connecting = QmpClient.connect(path);
    await new Promise((resolve) => setTimeout(resolve, 30));
    open[0]?.sockets[0]?.write(greeting.slice(30));
    await using qmp = await connecting;
    expect(qmp.greeting.version.qemu.micro).toBe(22);
  });

  it.each([
    ['says nothing', '', /no greeting within/],
    ['is not a QMP monitor', 'SSH-2.0-OpenSSH_9.2\n', /is not JSON: SSH-2\.0/],
    ['sends something that is not an object', '[1]\n', /is not a JSON object/],
  ])('refuses a peer that %s', async (_, first, sentence) => {
    const path = await serve(first);
    await expect(QmpClient.connect(path, { timeoutMs: 100 })).rejects.toThrow(sentence);
  });

  it('refuses a path that does not fit in a socket address', async () => {
    await expect(QmpClient.connect(`/tmp/${'x'.repeat(110)}`)).rejects.toThrow(/allow 107/);
  });
});

describe('QmpClient.execute', () => {
  it('rejects what waits when the peer goes away', async () => {
    const path = await serve(greeting, (request, socket) => {
      if (request.execute === 'qmp_capabilities') accept(request, socket);
      else socket.destroy();
    });
    await using qmp = await QmpClient.connect(path);
    await expect(qmp.execute('query-status')).rejects.toThrow(/query-status: .*closed/);
  });

  it('gives up after its deadline and drops the late answer', async () => {
    let late: () => void = () => {};
    const path = await serve(greeting, (request, socket) => {
      if (request.execute !== 'stop') accept(request, socket);
      else late = () => accept(request, socket);
    });
    await using qmp = await QmpClient.connect(path);
    await expect(qmp.execute('stop', {}, { timeoutMs: 30 })).rejects.toThrow(/within 30 ms/);
    late();
    await expect(qmp.execute('query-status')).resolves.toEqual({});
  });

  it('disconnects a peer that never ends its line', async () => {
    const path = await serve(greeting, (request, socket) => {
      if (request.execute === 'qmp_capabilities') accept(request, socket);
      else socket.write(Buffer.alloc(5 << 20, 0x20));
    });
    await using qmp = await QmpClient.connect(path);
    const asked = qmp.execute('query-status');
    await expect(asked).rejects.toBeInstanceOf(QmpConnectionError);
    await expect(asked).rejects.toThrow(/longer than 4194304 bytes/);
  });
});
