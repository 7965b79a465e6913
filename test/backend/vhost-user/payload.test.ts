/** Payloads as bytes: by hand from the specification, not by the tables. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { longestServedPayload } from '../../../backend/vhost-user/decode.ts';
import { longestPayload, readPayload, writePayload } from '../../../backend/vhost-user/payload.ts';
import { payloads } from '../../../frontend-spec/index.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('vhost-user, "Message Specification": Payload', () => {
  it('u64: eight bytes, little-endian', () => {
    expect(readPayload('u64', hex('0100000000000080'))).toEqual({ value: 0x8000000000000001n });
    expect(writePayload('u64', { value: 0x102n })).toEqual(hex('0201000000000000'));
  });

  it('vring state: index, num', () => {
    expect(readPayload('vringState', hex('01000000 00010000'))).toEqual({ index: 1, num: 256 });
  });

  it('vring address: index, flags, descriptor, used, available, log', () => {
    const bytes = hex(
      '01000000 00000000 0010000000000000 0020000000000000 0030000000000000 0000000000000000',
    );
    expect(readPayload('vringAddr', bytes)).toEqual({
      ...{ index: 1, flags: 0, log: 0n },
      ...{ descriptor: 0x1000n, used: 0x2000n, available: 0x3000n },
    });
  });

  it('memory regions: count, padding, rows of guest address, size, user address, offset', () => {
    const row = '0000000000000000 0000100000000000 000000000000007f 0010000000000000';
    expect(readPayload('memoryTable', hex(`01000000 00000000 ${row}`))).toEqual({
      ...{ numRegions: 1, padding: 0 },
      rows: [
        {
          ...{ guestAddress: 0n, size: 0x100000n },
          ...{ userAddress: 0x7f00000000000000n, mmapOffset: 0x1000n },
        },
      ],
    });
  });

  it('config: offset, size, flags, bytes', () => {
    expect(readPayload('config', hex('02000000 03000000 00000000 0a0b0c'))).toEqual({
      ...{ offset: 2, size: 3, flags: 0 },
      bytes: hex('0a0b0c'),
    });
  });

  it.each([
    ['u64', 7, 'expected 8 bytes, got 7'],
    ['u64', 9, 'expected 8 bytes, got 9'],
    ['none', 1, 'expected 0 bytes, got 1'],
    ['vringAddr', 32, 'expected 40 bytes, got 32'],
    ['memoryTable', 4, 'expected 8 bytes, got 4'],
  ] as const)('refuses %s of %i bytes', (name, length, text) => {
    expect(() => readPayload(name, Buffer.alloc(length))).toThrow(text);
  });

  it('refuses a table whose rows are not as many as it says', () => {
    const two = Buffer.concat([hex('02000000 00000000'), Buffer.alloc(32)]);
    expect(() => readPayload('memoryTable', two)).toThrow('expected 72 bytes, got 40');
  });

  it.each([9, 0xffff_ffff])('refuses a table that says it has %i rows', (count) => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(count);
    expect(() => readPayload('memoryTable', bytes)).toThrow(`numRegions is ${count}, at most 8`);
  });

  it('knows the longest payload of what is served: a whole configuration space', () => {
    expect(longestPayload('memoryTable')).toBe(8 + 8 * 32);
    expect(longestServedPayload).toBe(12 + 256);
  });

  it('reads what it wrote, and never fails otherwise than with a fault', () => {
    const names = Object.keys(payloads) as (keyof typeof payloads)[];
    const any = fc.tuple(fc.constantFrom(...names), fc.uint8Array({ maxLength: 300 }));
    fc.assert(
      fc.property(any, ([name, bytes]) => {
        let read: ReturnType<typeof readPayload> | null = null;
        try {
          read = readPayload(name, Buffer.from(bytes));
        } catch (error) {
          expect(error).toMatchObject({
            code: expect.stringMatching(/^payload_(size_wrong|value_invalid)$/),
          });
        }
        if (read === null || name === 'crypto') return;
        expect(writePayload(name, read as never)).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 2000 },
    );
  });
});
