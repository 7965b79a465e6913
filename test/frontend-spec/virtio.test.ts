import { describe, expect, it } from 'vitest';
import { layoutFault } from '../../frontend-spec/generate/cpp-text.ts';
import {
  vhostUserConstants,
  virtioConstants,
  virtioStructs,
} from '../../frontend-spec/generate/headers.ts';
import {
  bytesOfType,
  deviceStatus,
  type FieldType,
  netConfig,
  netHeader,
  netHeaderGso,
  packedDesc,
  pciCap,
  pciIds,
  splitDesc,
  splitLimits,
  splitUsedElem,
} from '../../frontend-spec/index.ts';

const sizes = new Map(virtioStructs.map((table) => [table.cpp, table.bytes]));
const sizeOf = (type: string) => sizes.get(type) ?? bytesOfType(type as FieldType);
const structs = virtioStructs.map((table) => [table.cpp, table] as const);

describe('the structures of virtio', () => {
  it.each(structs)('%s: the fields follow each other and fill it', (_, table) => {
    expect(layoutFault(table.bytes, table.fields, sizeOf)).toBeNull();
  });

  it.each(structs)('%s cites its section', (_, table) => {
    expect(table.spec).toMatch(/^virtio 1\.\d, [\d.]+ ".+"/);
  });

  it('have the sizes that the specification gives', () => {
    expect(splitDesc.bytes).toBe(16);
    expect(splitUsedElem.bytes).toBe(8);
    expect(packedDesc.bytes).toBe(16);
    expect(netHeader.bytes).toBe(12);
    expect(netConfig.bytes).toBe(24);
    expect(pciCap.bytes).toBe(16);
  });

  it('put id before flags in a packed descriptor, flags before next in a split one', () => {
    expect(packedDesc.fields.map(([name]) => name)).toEqual(['addr', 'len', 'id', 'flags']);
    expect(splitDesc.fields.map(([name]) => name)).toEqual(['addr', 'len', 'flags', 'next']);
  });
});

describe('the constants', () => {
  const tables = [...virtioConstants, ...vhostUserConstants];

  it('have a C++ name of their own each', () => {
    const names = tables.flatMap((table) => Object.values(table.rows).map((row) => row.cpp));
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
  });

  it('fit into their types', () => {
    const most = { uint8_t: 0xff, uint16_t: 0xffff };
    for (const table of tables) {
      const limit = table.type in most ? most[table.type as keyof typeof most] : 0xffff_ffff;
      for (const [name, row] of Object.entries(table.rows)) {
        expect(row.value >= 0 && row.value <= limit, name).toBe(true);
      }
    }
  });

  it('are those of the specification', () => {
    expect(splitLimits.rows.QUEUE_SIZE_MAX.value).toBe(2 ** 15);
    expect(pciIds.rows.NET_MODERN.value).toBe(0x1040 + pciIds.rows.NET_DEVICE_TYPE.value);
    expect(netHeaderGso.rows.VIRTIO_NET_HDR_GSO_UDP_L4.value).toBe(5);
    expect(Object.values(deviceStatus.rows).map((row) => row.value)).toEqual([
      1, 2, 4, 8, 0x40, 0x80,
    ]);
  });
});

describe('bytesOfType', () => {
  it.each([
    ['u8', 1],
    ['u16', 2],
    ['u64', 8],
    ['u8[6]', 6],
    ['u64[256]', 2048],
  ] as const)('%s takes %i bytes', (type, bytes) => {
    expect(bytesOfType(type)).toBe(bytes);
  });

  it('refuses what is not a type', () => {
    expect(() => bytesOfType('u24' as FieldType)).toThrow('there is no field type u24');
  });
});

describe('layoutFault', () => {
  it.each([
    [
      'a hole',
      8,
      [
        ['a', 'u16', 0],
        ['b', 'u32', 4],
      ],
      'b is at 4, the field before it ends at 2',
    ],
    ['a short structure', 4, [['a', 'u64', 0]], 'the fields end at 8, the structure at 4'],
  ] as const)('finds %s', (_, bytes, fields, sentence) => {
    expect(layoutFault(bytes, fields)).toBe(sentence);
  });
});
