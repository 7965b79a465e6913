/** Datagram sockets of attackers, which end with them. */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { ownLoopback } from '../backend/support.ts';
import type { Scene } from './scene.ts';

/** Bound, closed when the attacker leaves. @throws why it cannot be bound. */
export async function udpSocket(scene: Scene, port = 0, address = ownLoopback): Promise<Socket> {
  const socket = createSocket('udp4');
  scene.later(() => void socket.close());
  socket.bind(port, address);
  await once(socket, 'listening');
  return socket;
}

/** Resolves when it was sent, or when the socket is closed: of that nobody is told. */
export function sendTo(
  socket: Socket,
  bytes: Buffer,
  port: number,
  address = ownLoopback,
): Promise<void> {
  return new Promise((done) => {
    socket.once('close', done);
    socket.send(bytes, port, address, () => {
      socket.off('close', done);
      done();
    });
  });
}
