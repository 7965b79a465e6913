import { describe, expect, it } from 'vitest';
import { layoutFault } from '../../frontend-spec/generate/cpp-text.ts';
import {
  bytesOfType,
  messageHeader,
  type PayloadTable,
  payloads,
} from '../../frontend-spec/index.ts';

const rows = Object.entries({ ...payloads, messageHeader }) as [string, PayloadTable][];

describe('payloads: vhost-user, "Message Specification"', () => {
  it.each(rows)('%s: the fields follow each other and fill the fixed part', (_, table) => {
    expect(layoutFault(table.bytes, table.fields)).toBeNull();
  });

  it.each(rows)('%s: no field name comes twice, and each field is aligned', (_, table) => {
    const names = table.fields.map(([name]) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const [name, type, offset] of table.fields) {
      const unit = bytesOfType(type.replace(/\[.*/, '') as 'u8');
      expect(offset % unit, name).toBe(0);
    }
  });

  it.each(rows)('%s: what follows is counted by a field that exists', (_, table) => {
    if (table.tail === undefined) return;
    expect(table.fields.map(([name]) => name)).toContain(table.tail.count);
    expect(table.tail.max).toBeGreaterThan(0);
    if (table.tail.kind === 'rows') expect(payloads).toHaveProperty(table.tail.of);
  });

  it('have the sizes that QEMU puts into the header', () => {
    const sizes = Object.fromEntries(rows.map(([name, table]) => [name, table.bytes]));

    expect(sizes).toEqual({
      none: 0,
      u64: 8,
      vringState: 8,
      vringAddr: 40,
      memoryRegion: 32,
      memoryTable: 8,
      singleMemoryRegion: 40,
      log: 16,
      iotlb: 32,
      config: 12,
      vringArea: 24,
      inflight: 24,
      sharedObject: 16,
      deviceState: 8,
      mmapRequest: 40,
      shmemConfig: 2056,
      crypto: 0,
      messageHeader: 12,
    });
  });

  it('put the used ring before the available ring in a vring address', () => {
    expect(payloads.vringAddr.fields.slice(2)).toEqual([
      ['descriptor', 'u64', 8],
      ['used', 'u64', 16],
      ['available', 'u64', 24],
      ['log', 'u64', 32],
    ]);
  });

  it('describe a region the same way alone and in a table', () => {
    const inTable = payloads.memoryRegion.fields.map(([name, type, at]) => [name, type, at + 8]);

    expect(payloads.singleMemoryRegion.fields.slice(1)).toEqual(inTable);
  });

  it('hold at most 8 regions and 256 bytes of configuration', () => {
    expect(payloads.memoryTable.tail.max).toBe(8);
    expect(payloads.config.tail.max).toBe(256);
  });

  it('cannot be changed by who imports them', () => {
    expect(Object.isFrozen(payloads)).toBe(true);
    expect(Object.isFrozen(payloads.vringAddr.fields[0])).toBe(true);
  });
});
