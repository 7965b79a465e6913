/** The other end of a dgram port, and strangers to it. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { frame } from '../../backend/ports/support.ts';
import type { Attack } from '../attack.ts';
import { hello } from '../guest.ts';
import type { Scene } from '../scene.ts';
import { tailCutOff } from './memory.ts';

/** The addon's datagram socket sends nowhere; what a program sends, Node cannot: a helper does. */
async function datagrams(scene: Scene, each: (round: number) => Buffer): Promise<void> {
  const socket = createSocket('udp4');
  scene.later(() => void socket.close());
  await new Promise<void>((done) => socket.bind(peerPort, '127.0.0.1', done));
  socket.on('message', () => {});
  await scene.repeat(async (round) => {
    await new Promise<void>((done) => {
      socket.send(each(round), ownPort, '127.0.0.1', () => done());
    });
  });
}
const [ownPort, peerPort] = [47_311, 47_312];
const udpPort = () => [`n,dgram=udp:127.0.0.1:${ownPort},peer=udp:127.0.0.1:${peerPort}`];

export const dgrams: readonly Attack[] = [
  {
    ...{ name: 'datagrams-of-every-length', rules: [67], ports: udpPort, expect: [], floods: true },
    run: (scene) => datagrams(scene, (round) => frame((round * 131) % 65_000, round)),
  },
  {
    ...{ name: 'datagrams-of-nothing', rules: [67], ports: udpPort, expect: [] },
    run: (scene) => datagrams(scene, () => Buffer.alloc(0)),
  },
  {
    ...{ name: 'datagrams-from-a-stranger', rules: [67], ports: udpPort, expect: [] },
    run: async (scene) => {
      const taken = async () => (await scene.port('n')).stats.counters.tx_frames;
      const before = await taken();
      const socket = createSocket('udp4');
      scene.later(() => void socket.close());
      await scene.repeat(async () => {
        await new Promise<void>((done) => {
          socket.send(hello, ownPort, '127.0.0.1', () => done());
        });
      });
      if ((await taken()) > before && !scene.over)
        throw new Error("a stranger's datagrams were taken");
    },
  },
  tailCutOff(
    'tail-cut-off-to-a-datagram-peer',
    async (scene) => {
      const socket = createSocket('udp4');
      scene.later(() => void socket.close());
      await new Promise<void>((done) => socket.bind(peerPort, '127.0.0.1', done));
      return async () => {
        const heard = once(socket, 'message');
        (await scene.guest({}, 'y')).send(hello);
        await heard;
        // And the port hears it still.
        await new Promise<void>((done) => socket.send(hello, ownPort, '127.0.0.1', () => done()));
      };
    },
    { ports: udpPort },
  ),
];
