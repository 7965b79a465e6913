/** Peers behind a descriptor: streams, the NAT. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCode } from '../../../native/boundary/index.ts';
import { framed } from '../../backend/ports/support.ts';
import type { Attack } from '../attack.ts';
import { hello } from '../guest.ts';
import type { Scene } from '../scene.ts';
import { tcpFrame } from './offloads.ts';

function length(bytes: number): Buffer {
  const word = Buffer.alloc(4);
  word.writeUInt32BE(bytes);
  return word;
}

function streamFault(name: string, fault: FaultCode, bytes: Buffer, leaves = false): Attack {
  return {
    ...{ name, rules: [62, 63], expect: [{ link: 's', fault }] },
    run: async (scene) => {
      const peer = await scene.stream();
      peer.write(bytes);
      if (leaves) peer.end();
    },
  };
}

const streams: readonly Attack[] = [
  streamFault('stream-length-zero', 'stream_length_zero', length(0)),
  streamFault('stream-length-65551', 'stream_length_excessive', length(65_551)),
  streamFault('stream-length-four-gigabytes', 'stream_length_excessive', length(0xffff_ffff)),
  streamFault('stream-ends-in-a-frame', 'stream_truncated', length(60), true),
  streamFault(
    'stream-garbage-behind-a-frame',
    'stream_length_excessive',
    Buffer.concat([framed(hello), Buffer.alloc(100, 0xee)]),
  ),
  {
    ...{ name: 'stream-byte-by-byte', rules: [62], expect: [] },
    run: async (scene) => {
      const peer = await scene.stream();
      peer.setNoDelay?.(true);
      const bytes = framed(hello);
      await scene.repeat(async (round) => {
        peer.write(bytes.subarray(round % bytes.length, (round % bytes.length) + 1));
        await sleep(0);
      });
    },
  },
  {
    // The shortest there is, as fast as they are taken.
    ...{
      name: 'stream-of-tiny-frames',
      rules: [42, 62],
      expect: [{ drop: 'tx_too_short', port: 's' }],
    },
    run: async (scene) => {
      const peer = await scene.stream();
      const many = framed(...Array.from({ length: 5000 }, () => Buffer.of(1)));
      await scene.repeat(async () => {
        if (!peer.write(many)) await Promise.race([once(peer, 'drain'), sleep(50)]);
      });
    },
  },
  {
    ...{ name: 'stream-not-read', rules: [64], expect: [{ drop: 'rx_backlog_full', port: 's' }] },
    run: async (scene) => {
      const peer = await scene.stream();
      peer.pause();
      const sender = await scene.guest({}, 'y');
      const bytes = sender.writeFrame(sender.free, tcpFrame(9000));
      sender.describe(1, [{ at: sender.free, bytes }]);
      // More than what holds frames for it; as fast as the worker takes them, and no faster.
      for (let turn = 0; turn < 60 && !scene.over; ++turn) {
        const wanted = (sender.used(1) + 100) & 0xffff;
        sender.offer(1, ...Array.from({ length: 100 }, () => 0));
        await scene.until(
          'the end of a burst',
          () => sender.used(1),
          (used) => used === wanted,
        );
      }
    },
  },
  {
    ...{ name: 'stream-second-peer', rules: [66], expect: [] },
    run: async (scene) => {
      const first = await scene.stream();
      let ended = false;
      first.on('close', () => {
        ended = true;
      });
      for (let count = 0; count < 5 && !scene.over; ++count) await scene.stream();
      await sleep(700); // Longer than a newcomer waits.
      if (ended && !scene.over) throw new Error('the first peer lost its connection');
    },
  },
  {
    ...{ name: 'stream-comes-and-goes', rules: [63, 66], expect: [] },
    run: async (scene) => {
      await scene.repeat(async (round) => {
        const peer = await scene.stream();
        peer.write(framed(hello).subarray(0, 10 + (round % 50)));
        peer.destroy();
        await sleep(2);
      });
    },
  },
];

/** What is behind a user port: its NAT's process must be there all along. */
export function natOf(scene: Scene): readonly number[] {
  const children = readFileSync(
    `/proc/${scene.daemon.pid}/task/${scene.daemon.pid}/children`,
    'utf8',
  );
  return children.trim().split(/ +/).filter(Boolean).map(Number);
}

const nat: Attack = {
  ...{ name: 'nat-fed-garbage', rules: [68, 69], ports: () => ['u,user'], expect: [] },
  run: async (scene) => {
    const before = natOf(scene);
    const guest = await scene.guest();
    await scene.repeat((round) => {
      const packet = tcpFrame(60 + ((round * 37) % 1400));
      for (let at = 12; at < 60; ++at) {
        if ((round * 31 + at * 17) % 5 === 0) packet[at] = (round * 7 + at) & 0xff;
      }
      guest.send(packet);
    });
    const now = natOf(scene);
    if (before.join() !== now.join() && !scene.over) throw new Error("the NAT's process ended");
  },
};

export const peers: readonly Attack[] = [...streams, nat];
