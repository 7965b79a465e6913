/** The other end of a dgram port, and strangers to it. */

import { once } from 'node:events';
import { frame } from '../../backend/ports/support.ts';
import { ownLoopback } from '../../backend/support.ts';
import type { Attack } from '../attack.ts';
import { hello } from '../guest.ts';
import type { Scene } from '../scene.ts';
import { sendTo, udpSocket } from '../udp.ts';
import { tailCutOff } from './memory.ts';

/** Whatever `each` makes, from the peer that the port has. */
async function datagrams(scene: Scene, each: (round: number) => Buffer): Promise<void> {
  const socket = await udpSocket(scene, peerPort);
  socket.on('message', () => {});
  await scene.repeat((round) => sendTo(socket, each(round), ownPort));
}
/** Below those that the kernel gives away. */
const [ownPort, peerPort] = [4731, 4732];
const udpPort = () => [`n,dgram=udp:${ownLoopback}:${ownPort},peer=udp:${ownLoopback}:${peerPort}`];

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
      const socket = await udpSocket(scene);
      await scene.repeat(() => sendTo(socket, hello, ownPort));
      if ((await taken()) > before && !scene.over)
        throw new Error("a stranger's datagrams were taken");
    },
  },
  tailCutOff(
    'tail-cut-off-to-a-datagram-peer',
    async (scene) => {
      const socket = await udpSocket(scene, peerPort);
      return async () => {
        // Where the attacker leaves before it came, the end of the socket ends the wait.
        const heard = Promise.race([once(socket, 'message'), once(socket, 'close')]);
        (await scene.guest({}, 'y')).send(hello);
        await heard;
        if (scene.over) return;
        // And the port hears it still.
        await sendTo(socket, hello, ownPort);
      };
    },
    { ports: udpPort },
  ),
];
