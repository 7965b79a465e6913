/** A guest behind a user port: servers elsewhere, the host's loopback, and the way in. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eth0, Lab, type Station, until } from './lab.ts';

const may = process.getuid?.() === 0;
const namespace = `vale-user-${process.pid}`;
const [outer, inner] = [`vu${process.pid}`, `vv${process.pid}`];
/** The host's end of the wire, and the server's. */
const [host, server] = ['198.18.77.1', '198.18.77.2'];
const port = 5001;
const forwarded = 5002;
const payloadBytes = 1 << 20;
const inside = (...words: string[]): string[] => ['netns', 'exec', namespace, ...words];
const ip = (...words: string[]): void => void execFileSync('ip', words, { stdio: 'pipe' });

/**
 * Passes what comes to an address on to the forwarded port: so what a guest sends to a server
 * elsewhere comes back to it from outside, and its agent compares every byte.
 */
const relay = `
  const net = require('node:net');
  const [address, port] = process.argv.slice(1);
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const other = net.connect({ port: ${forwarded}, host: '${host}', allowHalfOpen: true });
    client.pipe(other).pipe(client);
    const end = () => { client.destroy(); other.destroy(); };
    for (const one of [client, other]) one.on('error', end);
  });
  server.listen(Number(port), address, () => console.log('at ' + server.address().port));
`;

describe.skipIf(!may)('a guest behind a user port', () => {
  let lab: Lab;
  let guest: Station;
  const relays: ChildProcess[] = [];
  let loopbackPort = 0;

  /** @returns  The port that it listens at. */
  async function relayAt(program: string, before: string[], words: string[]): Promise<number> {
    const started = spawn(program, [...before, '-e', relay, ...words]);
    relays.push(started);
    let said = '';
    started.stdout.on('data', (text) => {
      said += text;
    });
    const line = await until(
      'a relay',
      () => /^at (\d+)\n/.exec(said)?.[1],
      (found) => found !== undefined,
    );
    return Number(line);
  }

  beforeAll(async () => {
    ip('netns', 'add', namespace);
    ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', namespace);
    ip('addr', 'add', `${host}/30`, 'dev', outer);
    ip('link', 'set', outer, 'up');
    ip(...inside('ip', 'addr', 'add', `${server}/30`, 'dev', inner));
    ip(...inside('ip', 'link', 'set', inner, 'up'));
    await relayAt('ip', inside(process.execPath), [server, `${port}`]);
    loopbackPort = await relayAt(process.execPath, [], ['127.0.0.1', '0']);
    lab = await Lab.create();
    await lab.addPort('a');
    await addUser(false);
    guest = await lab.boot('a', { station: 1 });
  });
  afterAll(async () => {
    for (const one of relays) one.kill();
    await lab?.close();
    spawnSync('ip', ['netns', 'del', namespace]);
    spawnSync('ip', ['link', 'del', outer]);
  });

  function addUser(hostLoopback: boolean) {
    const one = {
      protocol: 'tcp',
      hostAddress: host,
      hostPort: forwarded,
      guestPort: port,
    } as const;
    return lab.addDevice('net', { kind: 'user', hostLoopback, forwards: [one] });
  }
  /** To the relay at this address, and back through the forwarded port. */
  async function roundTrip(address: string, to: number): Promise<void> {
    const listener = await guest.agent.tcpListen(port);
    try {
      const sent = await guest.agent.tcpConnect({
        address,
        port: to,
        bytes: payloadBytes,
        seed: 3,
      });
      expect(sent).toMatchObject({ bytes: payloadBytes, checksumOk: true });
    } finally {
      await listener.stop();
    }
  }

  it('gets an address, the way out, and a name server', async () => {
    await guest.agent.configure({ interface: eth0, up: true });
    expect(await guest.agent.dhcp(eth0)).toEqual({
      address: '10.0.2.15/24',
      router: '10.0.2.2',
      nameservers: ['10.0.2.3'],
    });
  });

  it('reaches a server elsewhere and is reached from there, every byte as it was', async () => {
    await roundTrip(server, port);
  });

  it("does not reach the host's loopback", async () => {
    await expect(roundTrip('10.0.2.2', loopbackPort)).rejects.toThrow(/refused|unreachable/i);
  });

  it('reaches it when the port says so', async () => {
    await lab.removePort('net');
    await addUser(true);
    await roundTrip('10.0.2.2', loopbackPort);
  });
});
