/** What a guest writes into packed rings: virtio 1.2, 2.8. */

import type { VirtioFeatureName } from '../../../frontend-spec/index.ts';
import type { DropReason, FaultCode } from '../../../native/boundary/index.ts';
import type { Attack } from '../attack.ts';
import { type Descriptor, flag, hello } from '../guest.ts';

const { next, write, indirect, available, used } = flag;
const packed: readonly VirtioFeatureName[] = ['VIRTIO_F_VERSION_1', 'VIRTIO_F_RING_PACKED'];
const withTables: readonly VirtioFeatureName[] = [...packed, 'VIRTIO_F_INDIRECT_DESC'];
const pageBytes = 4096;
const helloBytes = 72;

interface PackedRow {
  readonly name: string;
  readonly rules: readonly number[];
  readonly features?: readonly VirtioFeatureName[];
  /** 0: to the guest, 1: from it. */
  readonly ring: 0 | 1;
  readonly size?: number;
  /** The first slots of the ring. */
  readonly table: (at: number) => readonly Descriptor[];
  /** One page behind `at`. */
  readonly other?: (at: number) => readonly Descriptor[];
  readonly fault?: FaultCode;
  readonly drop?: DropReason;
}

function chain({ name, rules, features = packed, size = 256, ...row }: PackedRow): Attack {
  const { ring, fault, drop } = row;
  return {
    ...{ name: `packed-${name}`, rules },
    expect: [
      ...(fault === undefined ? [] : [{ ring, fault }]),
      ...(drop === undefined ? [] : [{ drop }]),
      { answers: true },
    ],
    run: async (scene) => {
      const guest = await scene.guest({ features, size });
      guest.writeFrame(guest.free, hello);
      guest.writeTable(guest.free + pageBytes, row.other?.(guest.free) ?? []);
      guest.offerPacked(ring, row.table(guest.free));
      if (ring === 0) (await scene.guest({}, 'y')).send();
    },
  };
}

const good = (at: number): Descriptor => ({ at, bytes: helloBytes });
const buffer = (at: number, bytes = 2048): Descriptor => ({ at, bytes, flags: write });

const chains: readonly PackedRow[] = [
  {
    ...{ name: 'tx-chain-without-end', rules: [5], ring: 1, size: 7, fault: 'chain_loops' },
    table: (at) => Array.from({ length: 7 }, () => ({ ...good(at), flags: next })),
  },
  {
    ...{ name: 'rx-chain-without-end', rules: [5], ring: 0, size: 7, fault: 'chain_loops' },
    table: (at) => Array.from({ length: 7 }, () => ({ ...buffer(at, 2), flags: write | next })),
  },
  {
    ...{ name: 'tx-writable', rules: [6], ring: 1, fault: 'writable_in_send_chain' },
    table: (at) => [{ ...good(at), flags: next }, buffer(at)],
  },
  {
    ...{ name: 'rx-readable', rules: [6], ring: 0, fault: 'readable_in_receive_chain' },
    table: (at) => [good(at)],
  },
  {
    ...{ name: 'tx-outside-memory', rules: [7], ring: 1, fault: 'address_outside_memory' },
    table: () => [{ at: 0xffff_ffff_ffff_fff0n, bytes: helloBytes }],
  },
  {
    ...{ name: 'rx-outside-memory', rules: [7], ring: 0, fault: 'address_outside_memory' },
    table: () => [buffer(1 << 30)],
  },
  {
    ...{ name: 'tx-table-not-negotiated', rules: [9], ring: 1, fault: 'indirect_not_negotiated' },
    table: (at) => [{ at: at + pageBytes, bytes: 16, flags: indirect }],
    other: (at) => [good(at)],
  },
  {
    ...{ name: 'tx-table-nested', rules: [9], ring: 1, drop: 'tx_too_short' },
    // virtio 1.2, 2.8.7: in a table only the direction counts, so it is a buffer.
    features: withTables,
    table: (at) => [{ at: at + pageBytes, bytes: 16, flags: indirect }],
    other: (at) => [{ at: at + pageBytes, bytes: 16, flags: indirect }],
  },
  {
    ...{ name: 'tx-table-too-long', rules: [9], ring: 1, fault: 'indirect_size_invalid' },
    features: withTables,
    table: (at) => [{ at: at + pageBytes, bytes: 16 * 257, flags: indirect }],
    other: (at) => [good(at)],
  },
  {
    ...{ name: 'tx-table-and-link', rules: [9], ring: 1, fault: 'indirect_with_next' },
    features: withTables,
    table: (at) => [{ at: at + pageBytes, bytes: 16, flags: indirect | next }, good(at)],
    other: (at) => [good(at)],
  },
  {
    ...{ name: 'tx-header-incomplete', rules: [10], ring: 1, fault: 'header_incomplete' },
    table: (at) => [{ at, bytes: 11 }],
  },
  {
    ...{ name: 'rx-buffer-too-small', rules: [10], ring: 0, fault: 'buffer_too_small' },
    table: (at) => [buffer(at, 11)],
  },
];

/** What no driver writes: both flags of a slot changed at will, event structures of nonsense. */
const noise: Attack = {
  ...{ name: 'packed-flags-at-random', rules: [15], expect: [{ answers: true }] },
  run: async (scene) => {
    const guest = await scene.guest({ features: [...packed, 'VIRTIO_F_EVENT_IDX'] });
    const sender = await scene.guest({}, 'y');
    guest.writeFrame(guest.free, hello);
    await scene.repeat((round) => {
      const flags = [available, used, available | used, 0].map((bits) => bits);
      for (const ring of [0, 1]) {
        const { descriptors, available: event } = guest.parts(ring);
        const kind = ring === 0 ? write : 0;
        const table = flags.map((bits, index) => ({
          ...{ at: guest.free, bytes: helloBytes, next: (round * 7 + index) & 0xffff },
          flags: kind | bits,
        }));
        guest.writeTable(descriptors + 16 * ((round * 4) % 252), table);
        guest.write(event, Buffer.from([round, round >> 8, round & 3, 0xff]));
        guest.kick(ring);
      }
      sender.send();
    });
  },
};

export const packedRings: readonly Attack[] = [...chains.map(chain), noise];
