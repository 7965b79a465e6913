/** The agent's client against agents that misbehave; a real one is in test/e2e/qemu. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { AgentClient, AgentError } from '../../../qemu/agent/index.ts';

const open: { server: Server; dir: string; sockets: Socket[] }[] = [];
type Request = { readonly id: number; readonly op: string; readonly [key: string]: unknown };

async function serve(answer: (request: Request, socket: Socket) => void): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'valenic-'));
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      for (const line of bytes.toString().split('\n')) {
        if (line !== '') answer(JSON.parse(line), socket);
      }
    });
  });
  open.push({ server, dir, sockets });
  const path = join(dir, 'agent.sock');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}
const say = (socket: Socket, object: unknown): void => {
  socket.write(`${JSON.stringify(object)}\n`);
};

afterEach(() => {
  for (const { server, dir, sockets } of open.splice(0)) {
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

describe('AgentClient', () => {
  it('matches answers that come in another order', async () => {
    const asked: Request[] = [];
    const path = await serve((request, socket) => {
      asked.push(request);
      if (asked.length < 2) return;
      for (const { id, interface: name } of asked.reverse()) {
        say(socket, { id, ok: true, combined: name === 'eth0' ? 1 : 2, most: 4 });
      }
    });
    await using agent = await AgentClient.connect(path, { timeoutMs: 1000 });
    const answers = await Promise.all([agent.channels('eth0'), agent.channels('eth1')]);
    expect(answers).toEqual([
      { combined: 1, most: 4 },
      { combined: 2, most: 4 },
    ]);
  });

  it('sends what it was given, and rejects with the guest’s sentence', async () => {
    const path = await serve((request, socket) => {
      say(socket, { id: request.id, error: `${request.op} ${request.mac}: no` });
    });
    await using agent = await AgentClient.connect(path, { timeoutMs: 1000 });
    const refused = agent.setMac('eth0', '02:00:00:00:00:01');
    await expect(refused).rejects.toBeInstanceOf(AgentError);
    await expect(refused).rejects.toMatchObject({
      op: 'set_mac',
      message: 'set_mac 02:00:00:00:00:01: no',
    });
  });

  it('refuses an agent of another version', async () => {
    const path = await serve(({ id }, socket) => say(socket, { id, ok: true, version: 99 }));
    await using agent = await AgentClient.connect(path, { timeoutMs: 1000 });
    await expect(agent.hello()).rejects.toThrow(/speaks version 99, not 1: build the guest image/);
  });

  it('gives up after its deadline', async () => {
    await using agent = await AgentClient.connect(await serve(() => {}), { timeoutMs: 1000 });
    await expect(agent.hello(30)).rejects.toThrow('the guest did not answer hello within 30 ms');
  });

  it('rejects what waits when the guest goes, with what is known about it', async () => {
    const path = await serve((_, socket) => socket.destroy());
    const explain = async (): Promise<string> => 'the guest crashed';
    await using agent = await AgentClient.connect(path, { timeoutMs: 1000, explain });
    await expect(agent.counters()).rejects.toThrow('counters: the guest crashed');
    await expect(agent.counters()).rejects.toThrow('the guest crashed');
  });

  it('says so when it was closed', async () => {
    const agent = await AgentClient.connect(await serve(() => {}), { timeoutMs: 1000 });
    const waiting = agent.counters();
    const rejected = expect(waiting).rejects.toThrow(/connection to the guest agent is closed/);
    await agent.close();
    await rejected;
    await expect(agent.counters()).rejects.toThrow(/is closed/);
  });
});
