/** The memory that a front-end shares, and what becomes of it meanwhile. */

import { ftruncateSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionFault } from '../../../backend/vhost-user/faults.ts';
import type { CommandError } from '../../../native/boundary/index.ts';
import { addon, memoryBase, region } from '../../backend/vhost-user/support.ts';
import type { Attack } from '../attack.ts';
import { flag, type Guest, hello } from '../guest.ts';
import type { Scene } from '../scene.ts';
import { segmented, tcpFrame } from './offloads.ts';

interface Row {
  readonly guest: bigint;
  readonly bytes: bigint;
  readonly user: bigint;
  readonly offset?: bigint;
}

/** A table that is refused; its front-end leaves with it. */
function table(
  name: string,
  closed: ConnectionFault | CommandError,
  fileBytes: number,
  rows: readonly Row[],
): Attack {
  return {
    ...{ name, rules: [24, 29], expect: [{ closed }] },
    run: async (scene) => {
      const frontend = await scene.frontend();
      await frontend.negotiate();
      await frontend.send(
        'SET_MEM_TABLE',
        {
          ...{ numRegions: rows.length, padding: 0 },
          rows: rows.map(({ guest, bytes, user, offset = 0n }) => ({
            ...region(guest, bytes, user),
            mmapOffset: offset,
          })),
        },
        { fds: rows.map(() => addon.createMemFd('hostile', fileBytes)) },
      );
    },
  };
}

const page = 4096n;
const most = (1n << 64n) - page;
const tables: readonly Attack[] = [
  table('regions-overlap', 'region_overlaps', 8192, [
    { guest: 0n, bytes: 2n * page, user: memoryBase },
    { guest: page, bytes: page, user: memoryBase + 2n * page },
  ]),
  table('regions-overlap-in-user-addresses', 'region_overlaps', 8192, [
    { guest: 0n, bytes: 2n * page, user: memoryBase },
    { guest: 4n * page, bytes: page, user: memoryBase + page },
  ]),
  table('region-overflows', 'region_overflows', 8192, [
    { guest: most, bytes: 2n * page, user: memoryBase },
  ]),
  table('region-longer-than-its-file', 'region_overflows', 4096, [
    { guest: 0n, bytes: 2n * page, user: memoryBase },
  ]),
  table('region-behind-its-file', 'region_overflows', 4096, [
    { guest: 0n, bytes: page, user: memoryBase, offset: 1n << 62n },
  ]),
  table('region-of-nothing', 'region_invalid', 4096, [{ guest: 0n, bytes: 0n, user: memoryBase }]),
];

const truncated: Attack = {
  ...{ name: 'memory-cut-off', rules: [27, 90], expect: [{ closed: 'memory_truncated' }] },
  run: async (scene) => {
    const guest = await scene.guest();
    ftruncateSync(guest.memory, 0);
    guest.kick(1);
    await sleep(2000);
  },
};

/** Commands that come all the time keep nobody from looking at the memory. */
const truncatedBesideCommands: Attack = {
  ...{ name: 'memory-cut-off-beside-commands', rules: [27] },
  expect: [{ closed: 'memory_truncated' }],
  run: async (scene) => {
    const guest = await scene.guest();
    ftruncateSync(guest.memory, 0);
    guest.kick(1);
    // What must come is looked for by asking, again and again.
  },
};

/** What is put in place of the pages must not be ours to pay. */
const truncatedGibibytes: Attack = {
  ...{ name: 'gibibytes-cut-off', rules: [27, 91], kind: 'bounded by construction' },
  ...{ expect: [{ closed: 'memory_truncated' }], floods: true },
  run: async (scene) => {
    const bytes = 2 ** 31;
    const guest = await scene.guest({ memoryBytes: bytes, size: 32_768 });
    const stride = Math.floor((bytes - guest.free) / guest.size / 64) * 64;
    const ring = Array.from({ length: guest.size }, (_, index) => ({
      ...{ at: guest.free + index * stride, bytes: stride, flags: flag.write },
    }));
    guest.describe(0, ring);
    const before = scene.daemon.ownBytes();
    ftruncateSync(guest.memory, guest.free);
    guest.offer(0, ...ring.map((_, index) => index));
    const sender = await scene.guest({ size: 256 }, 'y');
    const send = keepsSending(sender, 60_000);
    let highest = before;
    for (let turn = 0; turn < 100; ++turn) {
      highest = Math.max(highest, scene.daemon.ownBytes());
      send();
      await sleep(10);
    }
    const grown = (highest - before) >> 20;
    if (grown > 128) throw new Error(`the daemon's own memory grew by ${grown} MiB`);
  },
};

/** One frame of `bytes`, to everybody, as many more times as the ring takes at each call. */
function keepsSending(guest: Guest, bytes: number): () => void {
  const length = guest.writeFrame(guest.free, tcpFrame(bytes));
  guest.describe(1, [{ at: guest.free, bytes: length }]);
  let offered = 0;
  return () => {
    const room = guest.size - ((offered - guest.used(1)) & 0xffff);
    guest.offer(1, ...Array.from({ length: room }, () => 0));
    offered = (offered + room) & 0xffff;
  };
}

/** Multicast, of another station than `hello`. */
const after = Buffer.concat([Buffer.from('ffffffffffff0266000000978899', 'hex'), Buffer.alloc(46)]);

/** The frames that a stream's peer got so far, by their lengths. */
function framesOf(peer: Socket): () => readonly Buffer[] {
  let [bytes, frames]: [Buffer, Buffer[]] = [Buffer.alloc(0), []];
  peer.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE()) {
      const end = 4 + bytes.readUInt32BE();
      frames = [...frames, bytes.subarray(4, end)];
      bytes = bytes.subarray(end);
    }
  });
  return () => frames;
}

/** The tail of a frame to a peer behind a descriptor is in memory that is gone. */
export function tailCutOff(
  name: string,
  see: (scene: Scene) => Promise<() => Promise<void>>,
  more: Pick<Attack, 'ports' | 'lacks'> & { readonly rules?: readonly number[] } = {},
): Attack {
  const { rules = [], ...rest } = more;
  const kind = 'an error of a send is of whom it belongs to';
  return {
    ...{ ...rest, name, kind, rules: [27, 88, 90, ...rules] },
    expect: [{ closed: 'memory_truncated' }],
    run: async (scene) => {
      const check = await see(scene);
      const guest = await scene.guest({ memoryBytes: 4 << 20 });
      const tail = guest.memoryBytes - 4096;
      guest.writeFrame(guest.free, hello);
      guest.describe(1, [
        { at: guest.free, bytes: 200, flags: flag.next, next: 1 },
        { at: tail, bytes: 800 },
      ]);
      ftruncateSync(guest.memory, tail);
      guest.offer(1, 0);
      await check();
    },
  };
}

/** It stays, and what it gets are frames, whole. */
const streamStays = async (scene: Scene) => {
  const peer = await scene.stream();
  const frames = framesOf(peer);
  let ended = false;
  peer.on('close', () => {
    ended = true;
  });
  return async () => {
    for (let turn = 0; turn < 10; ++turn) {
      if (ended && !scene.over) throw new Error("another port's peer lost its connection");
      await sleep(50);
    }
    const other = await scene.guest({}, 'y');
    await scene.until(
      'the frame after the one that was cut off',
      () => {
        other.send(after);
        return frames();
      },
      (got) => got.at(-1)?.equals(after) === true,
    );
  };
};

/** Lengths, indices and headers that change while they are read. */
function moving(
  name: string,
  rules: readonly number[],
  aim: (scene: Scene, guest: Guest) => Promise<unknown>,
): Attack {
  return {
    ...{ name, rules, expect: [], floods: true },
    run: async (scene) => {
      const guest = await scene.guest({
        features: ['VIRTIO_F_VERSION_1', 'VIRTIO_NET_F_CSUM', 'VIRTIO_NET_F_HOST_TSO4'],
      });
      const bytes = guest.writeFrame(guest.free, tcpFrame(2000), segmented(1000));
      guest.describe(1, [{ at: guest.free, bytes }]);
      guest.describe(0, [{ at: guest.free + 8192, bytes: 2048, flags: flag.write }]);
      await aim(scene, guest);
      await scene.repeat(async () => {
        guest.offer(1, 0);
        guest.offer(0, 0);
        // A ring that was stopped for it starts again.
        await guest.frontend.ask('GET_VRING_BASE', { index: 1, num: 0 });
        await guest.startRing(1);
        guest.setAvailable(1, 0);
      });
    },
  };
}

const flip =
  (at: (guest: Guest) => number, a: number | bigint, b: number | bigint, size: number) =>
  (scene: Scene, guest: Guest) =>
    scene.attackers().ask('flip', [at(guest), a, b, size], [guest.memory]);

const movers: readonly Attack[] = [
  moving(
    'length-that-moves',
    [1],
    flip((guest) => guest.parts(1).descriptors + 8, 100, 3e9, 4),
  ),
  moving(
    'address-that-moves',
    [1],
    flip((guest) => guest.parts(1).descriptors, 0, 1n << 62n, 8),
  ),
  moving(
    'flags-that-move',
    [1],
    flip((guest) => guest.parts(1).descriptors + 12, 0, 3, 2),
  ),
  moving(
    'net-header-that-moves',
    [2, 12],
    flip((guest) => guest.free + 4, 1, 1000, 2),
  ),
  moving(
    'mac-that-moves',
    [2],
    flip((guest) => guest.free + 12, 0, 0xff, 2),
  ),
  moving(
    'ip-header-that-moves',
    [2, 12],
    flip((guest) => guest.free + 26, 0x45, 0x4f, 2),
  ),
  moving(
    'used-index-that-moves',
    [1],
    flip((guest) => guest.parts(0).used + 2, 0, 0xffff, 2),
  ),
  moving('index-that-runs', [3], (scene, guest) =>
    scene.attackers().ask('pound', [guest.parts(1).available + 2, 1], [guest.memory]),
  ),
];

/** Removes and adds regions under running rings. */
const shuffled: Attack = {
  ...{ name: 'memory-replaced-under-rings', rules: [24, 29], expect: [{ answers: true }] },
  run: async (scene) => {
    const guest = await scene.guest();
    await scene.repeat(async () => {
      guest.send();
      await guest.shareMemory();
      await guest.frontend.settled();
    });
  },
};

export const memory: readonly Attack[] = [
  ...tables,
  ...[truncated, truncatedBesideCommands, truncatedGibibytes],
  tailCutOff('tail-cut-off-to-a-stream', streamStays, { rules: [89] }),
  ...movers,
  shuffled,
];
