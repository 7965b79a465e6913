/** What a guest says of its frames in the net header: virtio 1.2, 5.1.6. */

import type { VirtioFeatureName } from '../../../frontend-spec/index.ts';
import type { DropReason } from '../../../native/boundary/index.ts';
import type { Attack } from '../attack.ts';
import { headerBytes, hello } from '../guest.ts';

const all: readonly VirtioFeatureName[] = [
  'VIRTIO_F_VERSION_1',
  ...(['VIRTIO_NET_F_CSUM', 'VIRTIO_NET_F_HOST_TSO4', 'VIRTIO_NET_F_HOST_TSO6'] as const),
];
const gso = { none: 0, tcp4: 1, udp: 3, tcp6: 4 } as const;
const needsChecksum = 1;

interface Header {
  readonly flags?: number;
  readonly gsoType?: number;
  readonly headerBytes?: number;
  readonly gsoSize?: number;
  readonly start?: number;
  readonly offset?: number;
}

function header(fields: Header): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.writeUInt8(fields.flags ?? 0, 0);
  bytes.writeUInt8(fields.gsoType ?? 0, 1);
  bytes.writeUInt16LE(fields.headerBytes ?? 0, 2);
  bytes.writeUInt16LE(fields.gsoSize ?? 0, 4);
  bytes.writeUInt16LE(fields.start ?? 0, 6);
  bytes.writeUInt16LE(fields.offset ?? 0, 8);
  return bytes;
}

/** Ethernet, IPv4 and TCP headers, to everybody, and bytes behind them. */
export function tcpFrame(bytes: number): Buffer {
  const frame = Buffer.alloc(bytes, 0x5a);
  Buffer.from('ffffffffffff0266000000990800', 'hex').copy(frame);
  const ip = Buffer.from('45000000000040004006000009000001e0000001', 'hex');
  ip.writeUInt16BE(bytes - 14, 2);
  ip.copy(frame, 14);
  const tcp = Buffer.from('04d2162e00000001000000005010ffff00000000', 'hex');
  tcp.copy(frame, 34);
  return frame;
}

/** What segmentation into `gsoSize` bytes asks for. */
export function segmented(gsoSize: number, more: Header = {}): Buffer {
  const tcp = { gsoType: gso.tcp4, flags: needsChecksum, start: 34, offset: 16 };
  return header({ ...tcp, headerBytes: 54, gsoSize, ...more });
}

interface Row {
  readonly name: string;
  readonly header: Buffer;
  readonly drop: DropReason;
  readonly features?: readonly VirtioFeatureName[];
  readonly bytes?: number;
}

const rows: readonly Row[] = [
  {
    ...{ name: 'checksum-not-negotiated', drop: 'tx_offload_not_negotiated' },
    ...{ header: header({ flags: needsChecksum }), features: ['VIRTIO_F_VERSION_1'] },
  },
  {
    ...{ name: 'segmentation-not-negotiated', drop: 'tx_offload_not_negotiated' },
    ...{ header: segmented(1000), features: ['VIRTIO_F_VERSION_1', 'VIRTIO_NET_F_CSUM'] },
  },
  {
    ...{ name: 'checksum-beyond-the-frame', drop: 'tx_csum_misplaced' },
    header: header({ flags: needsChecksum, start: 0xffff, offset: 0xffff }),
  },
  {
    ...{ name: 'checksum-of-the-last-byte', drop: 'tx_csum_misplaced' },
    header: header({ flags: needsChecksum, start: 34, offset: 2000 - 35 }),
  },
  {
    ...{ name: 'segments-of-nothing', header: segmented(0) },
    drop: 'tx_gso_size_invalid',
  },
  {
    ...{ name: 'segments-of-one-byte', header: segmented(1) },
    drop: 'tx_gso_size_invalid',
  },
  {
    ...{ name: 'segments-of-another-protocol', header: segmented(1000, { gsoType: gso.tcp6 }) },
    drop: 'tx_gso_headers_invalid',
  },
  {
    ...{ name: 'segments-of-an-unknown-kind', header: segmented(1000, { gsoType: 0x7f }) },
    drop: 'tx_offload_not_negotiated',
  },
];

const lies: readonly Attack[] = rows.map(({ name, drop, header: said, ...row }) => ({
  ...{ name, rules: [12, 52], expect: [{ drop }, { answers: true as const }] },
  run: async (scene) => {
    const guest = await scene.guest({ features: row.features ?? all });
    guest.send(tcpFrame(row.bytes ?? 2000), said);
  },
}));

/** Every header there is in 16 bits of flags and kind, and lengths around every border. */
const allLies: Attack = {
  ...{ name: 'headers-at-random', rules: [12], expect: [{ answers: true }] },
  run: async (scene) => {
    const guest = await scene.guest({ features: all, size: 256 });
    const lengths = [0, 1, 13, 14, 33, 34, 53, 54, 55, 66, 115, 116, 117, 1999, 2000, 65535];
    await scene.repeat((round) => {
      const pick = (factor: number) => lengths[(round * factor) % lengths.length] ?? 0;
      const said = header({
        ...{ flags: round & 3, gsoType: [0, 1, 3, 4, 5, 0x81][round % 6] ?? 0 },
        ...{ headerBytes: pick(3), gsoSize: pick(5), start: pick(7), offset: pick(11) },
      });
      guest.send(tcpFrame(54 + ((round * 37) % 4000)), said);
    });
  },
};

const ethernet = (type: number): Buffer => {
  const header = Buffer.from('0266000000990266000000770000', 'hex');
  header.writeUInt16BE(type, 12);
  return header;
};
/** So many bytes of one header that says that the same follows. */
const again = (bytes: number, header: string): Buffer =>
  Buffer.alloc(bytes, Buffer.from(header, 'hex'));
const ip6 = (next: string, bytes: number): Buffer =>
  Buffer.concat([
    Buffer.from(`60000000${bytes.toString(16).padStart(4, '0')}${next}40`, 'hex'),
    Buffer.alloc(32, 0xfd),
  ]);
const ip4In4 = '450000000000400040040000' + '0a0000010a000002';
/** What could be walked for as long as the frame is, where a queue is chosen by a flow. */
const nested: readonly Buffer[] = [
  Buffer.concat([ethernet(0x86dd), ip6('3c', 8000), again(8000, '3c00010400000000')]),
  Buffer.concat([ethernet(0x86dd), ip6('00', 8000), again(8000, '00ff010400000000')]),
  Buffer.concat([ethernet(0x86dd), again(8000, `600000001f002940${'fd'.repeat(32)}`)]),
  Buffer.concat([ethernet(0x0800), again(8000, ip4In4)]),
  Buffer.concat([ethernet(0x8100), again(8000, '00018100')]),
  Buffer.concat([ethernet(0x88a8), again(8000, '000188a8')]),
];

/** To a station with more queues than one. */
const nestedHeaders: Attack = {
  ...{ name: 'headers-nested-without-end', rules: [80], expect: [{ answers: true }] },
  run: async (scene) => {
    const receiver = await scene.guest({ rings: [0, 1, 2, 3] });
    receiver.send(hello);
    await scene.until(
      'the station of x',
      async () => (await scene.port('x')).macs,
      (macs) => macs.length > 0,
    );
    const sender = await scene.guest({}, 'y');
    await scene.repeat((round) => sender.send(nested[round % nested.length]));
  },
};

export const offloads: readonly Attack[] = [...lies, allLies, nestedHeaders];
