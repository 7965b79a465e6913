/** What a guest writes into split rings: virtio 1.2, 2.7. */

import type { VirtioFeatureName } from '../../../frontend-spec/index.ts';
import type { DropReason, FaultCode } from '../../../native/boundary/index.ts';
import type { Attack } from '../attack.ts';
import { type Descriptor, flag, type Guest, hello } from '../guest.ts';

const { next, write, indirect } = flag;
const version1: readonly VirtioFeatureName[] = ['VIRTIO_F_VERSION_1'];
const withTables: readonly VirtioFeatureName[] = [...version1, 'VIRTIO_F_INDIRECT_DESC'];
/** Ring 0 is the guest's RX, ring 1 its TX. */
const [rx, tx] = [0, 1] as const;

interface ChainRow {
  readonly name: string;
  readonly rules: readonly number[];
  readonly features?: readonly VirtioFeatureName[];
  /** Slots; 256 unless it is said. */
  readonly size?: number;
  readonly ring: typeof rx | typeof tx;
  /** Of the ring. `at`: memory that nothing else uses, with a good frame to be sent in it. */
  readonly table: (at: number) => readonly Descriptor[];
  /** Another table, one page behind `at`. */
  readonly other?: (at: number) => readonly Descriptor[];
  readonly head?: number;
  readonly fault?: FaultCode;
  readonly drop?: DropReason;
}

const pageBytes = 4096;
/** Header and frame of `hello`. */
const helloBytes = 72;

/** One chain; a receiving ring is given a frame, so that it is looked at. */
function chain(row: ChainRow): Attack {
  const { fault, drop, ring } = row;
  return {
    ...{ name: row.name, rules: row.rules },
    expect: [
      ...(fault === undefined ? [] : [{ ring, fault }]),
      ...(drop === undefined ? [] : [{ drop }]),
      { answers: true },
    ],
    run: async (scene) => {
      const guest = await scene.guest({
        ...{ features: row.features ?? version1, size: row.size ?? 256 },
      });
      guest.writeFrame(guest.free, hello);
      guest.writeTable(guest.free + pageBytes, row.other?.(guest.free) ?? []);
      guest.describe(ring, row.table(guest.free));
      guest.offer(ring, row.head ?? 0);
      if (ring === rx) (await scene.guest({}, 'y')).send();
    },
  };
}

const good = (at: number): Descriptor => ({ at, bytes: helloBytes });
const buffer = (at: number, bytes = 2048): Descriptor => ({ at, bytes, flags: write });

const chains: readonly ChainRow[] = [
  {
    ...{ name: 'tx-head-outside', rules: [4], ring: tx, fault: 'index_outside_table' },
    ...{ table: (at) => [good(at)], head: 256 },
  },
  {
    ...{ name: 'rx-head-outside', rules: [4], ring: rx, fault: 'index_outside_table' },
    ...{ table: (at) => [buffer(at)], head: 0xffff },
  },
  {
    ...{ name: 'tx-link-outside', rules: [4], ring: tx, fault: 'index_outside_table' },
    table: (at) => [{ ...good(at), flags: next, next: 256 }],
  },
  {
    // The last entry's link: behind as many steps as the table has entries it is no loop.
    ...{ name: 'tx-link-outside-of-a-full-table', rules: [17], ring: tx, size: 16 },
    ...{ fault: 'index_outside_table' },
    table: (at) =>
      Array.from({ length: 16 }, (_, index) => ({ ...good(at), flags: next, next: index + 1 })),
  },
  {
    ...{ name: 'rx-link-outside', rules: [4], ring: rx, fault: 'index_outside_table' },
    // Too small for the frame, so the walk goes on.
    table: (at) => [{ ...buffer(at, 16), flags: write | next, next: 0xffff }],
  },
  {
    ...{ name: 'tx-chain-loops', rules: [5], ring: tx, fault: 'chain_loops' },
    table: (at) => [{ ...good(at), flags: next, next: 0 }],
  },
  {
    ...{ name: 'tx-chain-of-nothing-loops', rules: [5], ring: tx, fault: 'chain_loops' },
    table: (at) => [
      { at, bytes: 0, flags: next, next: 1 },
      { at, bytes: 0, flags: next, next: 0 },
    ],
  },
  {
    ...{ name: 'rx-chain-loops', rules: [5], ring: rx, fault: 'chain_loops', size: 32 },
    table: (at) => [{ ...buffer(at, 16), flags: write | next, next: 0 }],
  },
  {
    ...{ name: 'rx-chain-loops-in-a-long-ring', rules: [5], ring: rx, fault: 'chain_too_long' },
    table: (at) => [{ ...buffer(at, 16), flags: write | next, next: 0 }],
  },
  {
    ...{ name: 'tx-writable', rules: [6], ring: tx, fault: 'writable_in_send_chain' },
    table: (at) => [{ ...good(at), flags: next, next: 1 }, buffer(at)],
  },
  {
    ...{ name: 'rx-readable', rules: [6], ring: rx, fault: 'readable_in_receive_chain' },
    table: (at) => [good(at)],
  },
  {
    ...{ name: 'tx-outside-memory', rules: [7], ring: tx, fault: 'address_outside_memory' },
    table: () => [{ at: 1n << 40n, bytes: helloBytes }],
  },
  {
    ...{ name: 'tx-across-the-end', rules: [7], ring: tx, fault: 'address_outside_memory' },
    table: () => [{ at: (4 << 20) - 8, bytes: helloBytes }],
  },
  {
    ...{ name: 'tx-around-the-end', rules: [7], ring: tx, fault: 'address_outside_memory' },
    table: () => [{ at: 0xffff_ffff_ffff_fff0n, bytes: helloBytes }],
  },
  {
    ...{ name: 'rx-outside-memory', rules: [7], ring: rx, fault: 'address_outside_memory' },
    table: () => [buffer(1 << 30)],
  },
  {
    ...{ name: 'rx-around-the-end', rules: [7], ring: rx, fault: 'address_outside_memory' },
    table: () => [{ at: 0xffff_ffff_ffff_f000n, bytes: 0xffff, flags: write }],
  },
  {
    ...{ name: 'tx-table-not-negotiated', rules: [9], ring: tx, fault: 'indirect_not_negotiated' },
    table: (at) => [{ at: at + pageBytes, bytes: 16, flags: indirect }],
    other: (at) => [good(at)],
  },
  {
    ...{ name: 'tx-table-nested', rules: [9], ring: tx, fault: 'indirect_nested' },
    features: withTables,
    table: (at) => [{ at: at + pageBytes, bytes: 16, flags: indirect }],
    other: (at) => [{ at: at + pageBytes, bytes: 16, flags: indirect }],
  },
  {
    ...{ name: 'rx-table-nested', rules: [9], ring: rx, fault: 'indirect_nested' },
    features: withTables,
    table: (at) => [{ at: at + pageBytes, bytes: 16, flags: indirect }],
    other: (at) => [{ at: at + pageBytes, bytes: 16, flags: indirect }],
  },
  ...[0, 8, 17, 16 * 257].map(
    (bytes): ChainRow => ({
      ...{ name: `tx-table-of-${bytes}-bytes`, rules: [9], ring: tx },
      ...{ fault: 'indirect_size_invalid', features: withTables },
      table: (at) => [{ at: at + pageBytes, bytes, flags: indirect }],
      other: (at) => [good(at)],
    }),
  ),
  {
    ...{ name: 'tx-table-and-link', rules: [9], ring: tx, fault: 'indirect_with_next' },
    features: withTables,
    table: (at) => [{ at: at + pageBytes, bytes: 16, flags: indirect | next, next: 1 }, good(at)],
    other: (at) => [good(at)],
  },
  {
    ...{ name: 'tx-table-link-outside', rules: [4, 9], ring: tx, fault: 'index_outside_table' },
    features: withTables,
    table: (at) => [{ at: at + pageBytes, bytes: 16, flags: indirect }],
    other: (at) => [{ ...good(at), flags: next, next: 7 }],
  },
  {
    ...{ name: 'tx-table-loops', rules: [5, 9], ring: tx, fault: 'chain_loops' },
    features: withTables,
    table: (at) => [{ at: at + pageBytes, bytes: 32, flags: indirect }],
    other: (at) => [
      { ...good(at), flags: next, next: 1 },
      { ...good(at), flags: next, next: 0 },
    ],
  },
  {
    ...{ name: 'tx-table-outside-memory', rules: [7, 9], ring: tx, features: withTables },
    ...{ fault: 'address_outside_memory' },
    table: () => [{ at: 1n << 40n, bytes: 32, flags: indirect }],
  },
  {
    ...{ name: 'tx-header-incomplete', rules: [10, 16], ring: tx, fault: 'header_incomplete' },
    table: (at) => [{ at, bytes: 11 }],
  },
  {
    ...{ name: 'rx-buffer-too-small', rules: [10], ring: rx, fault: 'buffer_too_small' },
    table: (at) => [buffer(at, 11)],
  },
  {
    ...{ name: 'tx-too-short', rules: [11, 16], ring: tx, drop: 'tx_too_short' },
    table: (at) => [{ at, bytes: 12 + 13 }],
  },
  {
    ...{ name: 'tx-too-long', rules: [11], ring: tx, drop: 'tx_too_long' },
    table: (at) => [{ at, bytes: 1 << 20 }],
  },
  {
    ...{ name: 'tx-many-gigabytes', rules: [11], ring: tx, drop: 'tx_too_long' },
    table: (at) => [
      { at: 0, bytes: 4 << 20, flags: next, next: 1 },
      ...Array.from({ length: 200 }, (_, index) => ({
        ...{ at: 0, bytes: 4 << 20, flags: next, next: index + 2 },
      })),
      good(at),
    ],
  },
  {
    ...{ name: 'tx-too-many-pieces', rules: [11], ring: tx, drop: 'tx_too_many_segments' },
    size: 512,
    table: (at) =>
      Array.from({ length: 400 }, (_, index) => ({
        ...{ at: at + 8 * index, bytes: 4, flags: index < 399 ? next : 0, next: index + 1 },
      })),
  },
];

/** The index alone. */
const jumps: readonly Attack[] = [
  [tx, 300],
  [tx, 0xffff],
  [rx, 300],
  [rx, 0x8000],
].map(([ring = tx, index = 0]) => ({
  name: `${ring === tx ? 'tx' : 'rx'}-index-jumps-to-${index}`,
  rules: [3],
  expect: [{ ring, fault: 'avail_index_jumped' as const }, { answers: true as const }],
  run: async (scene) => {
    const guest = await scene.guest();
    guest.setAvailable(ring, index);
    guest.kick(ring);
    if (ring === rx) (await scene.guest({}, 'y')).send();
  },
}));

/** Offers buffers that have not come back. */
function offersTwice(guest: Guest): void {
  guest.describe(rx, [buffer(guest.free), buffer(guest.free)]);
  guest.offer(rx, ...Array.from({ length: 200 }, () => 0));
  guest.offer(rx, ...Array.from({ length: 200 }, () => 1));
}

export const rings: readonly Attack[] = [
  ...chains.map(chain),
  ...jumps,
  {
    ...{ name: 'rx-offers-again', rules: [15] },
    expect: [{ ring: rx, fault: 'avail_index_jumped' }, { answers: true }],
    run: async (scene) => {
      offersTwice(await scene.guest());
      (await scene.guest({}, 'y')).send();
    },
  },
  {
    // All chains lead to one buffer: what comes is written over by what comes later, and by us.
    ...{ name: 'rx-one-buffer-for-all', rules: [13, 15], expect: [{ answers: true }] },
    run: async (scene) => {
      const guest = await scene.guest();
      guest.describe(rx, [buffer(guest.free)]);
      const sender = await scene.guest({}, 'y');
      await scene.repeat(() => {
        guest.offer(rx, 0);
        sender.send();
      });
    },
  },
  {
    // The device's own used ring is the buffer.
    ...{ name: 'rx-buffer-is-its-ring', rules: [7], expect: [{ answers: true }] },
    run: async (scene) => {
      const guest = await scene.guest();
      const { used } = guest.parts(rx);
      guest.describe(rx, [buffer(used)]);
      const sender = await scene.guest({}, 'y');
      await scene.repeat(() => {
        guest.offer(rx, 0);
        sender.send();
      });
    },
  },
];
