/** A UDP socket as the addon opens it: docs/THREAT_MODEL.md names this test. */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { loadAddon } from '../../../backend/datapath/load.ts';
import { ownLoopback, readNow, until } from '../../backend/support.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function boundSocket(): Promise<Socket> {
  const socket = createSocket('udp4');
  cleanups.push(() => socket.close());
  socket.bind(0, ownLoopback);
  await once(socket, 'listening');
  return socket;
}

it('hears its peer and nobody else', async () => {
  const addon = loadAddon();
  const [peer, stranger] = [await boundSocket(), await boundSocket()];
  const local = { host: ownLoopback, port: 4734 };
  const fd = addon.openUdp(local, { host: ownLoopback, port: peer.address().port });
  cleanups.push(() => addon.closeFd(fd));
  const sent = (socket: Socket, text: string) =>
    new Promise((done) => socket.send(text, local.port, local.host, done));
  await sent(stranger, 'from a stranger');
  await sent(peer, 'from its peer');
  const heard = await until(
    () => readNow(fd),
    (text) => text !== '',
  );
  expect(heard).toBe('from its peer');
});
