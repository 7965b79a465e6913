/** What costs more than it looks: one peer's work beside that of others on one worker. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { VirtioFeatureName } from '../../../frontend-spec/index.ts';
import type { FaultCode } from '../../../native/boundary/index.ts';
import type { Attack } from '../attack.ts';
import { type Descriptor, flag, type Guest, hello } from '../guest.ts';
import type { Scene } from '../scene.ts';
import { segmented, tcpFrame } from './offloads.ts';

const offloads: readonly VirtioFeatureName[] = [
  'VIRTIO_F_VERSION_1',
  ...(['VIRTIO_NET_F_CSUM', 'VIRTIO_NET_F_HOST_TSO4'] as const),
];

/** Keeps chain 0 of TX waiting, as often as the ring holds it. */
async function keepSending(scene: Scene, guest: Guest, ring = 1): Promise<void> {
  const half = Math.min(guest.size / 2, 2048);
  let offered = 0;
  await scene.repeat(async () => {
    const under = (offered - guest.used(ring)) & 0xffff;
    if (under + half > guest.size) return sleep(1);
    guest.offer(ring, ...Array.from({ length: half }, () => 0));
    offered = (offered + half) & 0xffff;
  });
}

interface Sender {
  readonly name: string;
  readonly rules: readonly number[];
  readonly size?: number;
  readonly features?: readonly VirtioFeatureName[];
  /** Of the ring, behind a frame at `at`. */
  readonly table: (at: number, bytes: number) => readonly Descriptor[];
  readonly fault?: FaultCode;
  readonly frame?: Buffer;
  readonly header?: Buffer;
}

const linked = (count: number, one: (index: number) => Descriptor): readonly Descriptor[] =>
  Array.from({ length: count }, (_, index) => ({
    ...one(index),
    ...{ flags: index + 1 < count ? flag.next : 0, next: index + 1 },
  }));

const senders: readonly Sender[] = [
  {
    ...{ name: 'cost-chains-of-nothing', rules: [5, 39], size: 32_768, fault: 'chain_too_long' },
    table: (at) => linked(32_768, () => ({ at, bytes: 0 })),
  },
  {
    ...{ name: 'cost-frames-of-255-pieces', rules: [11, 37, 38], size: 512 },
    table: (at) => linked(255, (index) => ({ at: at + 4 * index, bytes: 4 })),
  },
  {
    ...{ name: 'cost-many-small-segments', rules: [37, 38, 52], features: offloads },
    ...{ frame: tcpFrame(54 + 255 * 88), header: segmented(88) },
    table: (at, bytes) => [{ at, bytes }],
  },
  {
    ...{ name: 'cost-large-segments', rules: [37, 38, 52], features: offloads },
    ...{ frame: tcpFrame(65_000), header: segmented(1448) },
    table: (at, bytes) => [{ at, bytes }],
  },
  {
    ...{ name: 'cost-partial-checksums', rules: [37], features: offloads },
    ...{ frame: tcpFrame(1514), header: segmented(0, { gsoType: 0 }) },
    table: (at, bytes) => [{ at, bytes }],
  },
  {
    ...{ name: 'cost-broadcasts', rules: [42, 43] },
    table: (at, bytes) => [{ at, bytes }],
  },
];

const sending: readonly Attack[] = senders.map((row) => ({
  ...{ name: row.name, rules: row.rules, kind: 'cost, not frames' },
  expect: row.fault === undefined ? [] : [{ ring: 1, fault: row.fault }],
  run: async (scene) => {
    const guest = await scene.guest({
      ...{ size: row.size ?? 1024, features: row.features ?? ['VIRTIO_F_VERSION_1'] },
    });
    const bytes = guest.writeFrame(guest.free, row.frame ?? hello, row.header);
    guest.describe(1, row.table(guest.free, bytes));
    await keepSending(scene, guest);
  },
}));

/** What a receiver costs is its own to pay: chains of nothing, walked for every broadcast. */
const receiver: Attack = {
  ...{ name: 'cost-receiver-of-long-chains', rules: [39, 43], kind: 'cost, not frames' },
  expect: [{ ring: 0, fault: 'chain_too_long' }],
  run: async (scene) => {
    const guest = await scene.guest({ size: 32_768 });
    guest.describe(
      0,
      linked(32_768, () => ({ at: guest.free, bytes: 0 })).map((one) => ({
        ...one,
        flags: one.flags === 0 ? flag.write : flag.write | flag.next,
      })),
    );
    guest.offer(0, ...Array.from({ length: 2048 }, () => 0));
    const sender = await scene.guest({ size: 1024 }, 'y');
    const bytes = sender.writeFrame(sender.free, hello);
    sender.describe(1, [{ at: sender.free, bytes }]);
    await keepSending(scene, sender);
  },
};

/** Says `count` frames from stations of its own. */
async function speaks(scene: Scene, guest: Guest, count: number, seed: number): Promise<void> {
  for (let first = 0; first < count && !scene.over; first += 64) {
    for (let index = 0; index < 64; ++index) {
      const frame = Buffer.from(hello);
      frame.writeUInt32BE(seed * 0x1_0000 + first + index, 8);
      const at = guest.free + 128 * index;
      const bytes = guest.writeFrame(at, frame);
      guest.writeTable(guest.parts(1).descriptors + 16 * index, [{ at, bytes }]);
    }
    const wanted = (guest.used(1) + 64) & 0xffff;
    guest.offer(1, ...Array.from({ length: 64 }, (_, index) => index));
    await scene.until(
      'the end of a burst',
      () => guest.used(1),
      (used) => used === wanted,
    );
  }
}

const addresses: Attack = {
  ...{ name: 'macs-beyond-the-limit', rules: [45, 84, 85], expect: [] },
  run: async (scene) => {
    const guest = await scene.guest();
    await speaks(scene, guest, 4096, 1);
    const { macs } = await scene.port('x');
    if (macs.length > 1024) throw new Error(`a port holds ${macs.length} addresses`);
  },
};

/** How many hostile ports fill the table of 8192 addresses, at 1024 each. */
const crowdPorts = 12;
const marker = 'nobody else may read this';

/** A station that introduced itself and then listens; the others fill the table. */
const overheard: Attack = {
  ...{
    name: 'macs-push-out-a-silent-receiver',
    rules: [46, 83],
    kind: 'who holds most loses first',
  },
  ...{ expect: [], floods: true },
  ports: (folder) =>
    Array.from(
      { length: crowdPorts },
      (_, index) => `c${index},vhost-user=${folder}/c${index}.sock`,
    ),
  run: async (scene) => {
    const silent = await scene.guest({}, 'y');
    silent.send();
    const crowd: Guest[] = [];
    for (let index = 0; index < crowdPorts; ++index) {
      const port = `c${index}` as 'x';
      const guest = await scene.guest({}, port);
      crowd.push(guest);
      await speaks(scene, guest, 1024, 16 + index);
    }
    const spy = crowd[0];
    if (spy === undefined) return;
    spy.describe(0, [{ at: spy.free + 65_536, bytes: 2048, flags: flag.write }]);
    spy.offer(0, 0);
    const sender = await scene.guest({}, 'x');
    const frame = Buffer.alloc(60);
    Buffer.from('0266000000990266000000aa88b5', 'hex').copy(frame);
    frame.write(marker, 20);
    sender.send(frame);
    await sleep(200);
    const seen = spy.read(spy.free + 65_536, 256).includes(marker);
    if (seen && !scene.over) throw new Error("a silent receiver's frames were overheard");
  },
};

export const cost: readonly Attack[] = [...sending, receiver, addresses, overheard];
