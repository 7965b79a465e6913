import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { elfSection, isStaticProgram } from '../../../qemu/image/elf.ts';
import { moduleName, parseModinfo, resolveModules } from '../../../qemu/image/modules.ts';

/** An ELF file with one section of that name, or with one program header of that type. */
function elf(section: string, body: string, segmentType?: number): Buffer {
  const names = Buffer.from(`\0${section}\0`);
  const contents = Buffer.from(body);
  const header = Buffer.alloc(64);
  header.writeUInt32BE(0x7f454c46, 0);
  header.writeUInt16BE(0x0201, 4);
  const sectionsAt = 64 + 56 + names.length + contents.length;
  header.writeBigUInt64LE(64n, 32); // e_phoff
  header.writeBigUInt64LE(BigInt(sectionsAt), 40); // e_shoff
  header.writeUInt16LE(56, 54); // e_phentsize
  header.writeUInt16LE(segmentType === undefined ? 0 : 1, 56); // e_phnum
  header.writeUInt16LE(64, 58); // e_shentsize
  header.writeUInt16LE(3, 60); // e_shnum
  header.writeUInt16LE(2, 62); // e_shstrndx
  const segment = Buffer.alloc(56);
  segment.writeUInt32LE(segmentType ?? 0, 0);
  const row = (name: number, at: number, bytes: number): Buffer => {
    const entry = Buffer.alloc(64);
    entry.writeUInt32LE(name, 0);
    entry.writeBigUInt64LE(BigInt(at), 24);
    entry.writeBigUInt64LE(BigInt(bytes), 32);
    return entry;
  };
  const namesAt = 64 + 56;
  const rows = [
    row(0, 0, 0),
    row(1, namesAt + names.length, contents.length),
    row(0, namesAt, names.length),
  ];
  return Buffer.concat([header, segment, names, contents, ...rows]);
}
const moduleFile = (...texts: string[]): Buffer => elf('.modinfo', `${texts.join('\0')}\0`);

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'valenic-modules-'));
  const put = (path: string, bytes: Buffer | string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), bytes);
  };
  put('kernel/drivers/virtio/virtio.ko', moduleFile('name=virtio', 'depends=virtio_ring'));
  put('kernel/drivers/virtio/virtio_ring.ko', moduleFile('depends=', 'name=virtio_ring'));
  put('kernel/drivers/net/virtio-net.ko', moduleFile('depends=virtio,failover,crc-core'));
  put('kernel/net/failover.ko.gz', gzipSync(moduleFile('softdep=pre: maybe virtio_ring post: x')));
  put('kernel/a.ko', moduleFile('depends=b'));
  put('kernel/b.ko', moduleFile('depends=a'));
  put('kernel/lonely.ko', moduleFile('depends=gone'));
  put('kernel/text.ko', 'no module');
  put('modules.builtin', 'kernel/lib/crc-core.ko\n');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('resolveModules', () => {
  const order = async (...wanted: string[]): Promise<string[]> =>
    (await resolveModules(root, wanted)).map(({ name }) => name);

  it('puts dependencies first, each once, and leaves out what is built in', async () => {
    expect(await order('virtio_net', 'virtio')).toEqual([
      'virtio_ring',
      'virtio',
      'failover',
      'virtio_net',
    ]);
    expect(await order('crc_core')).toEqual([]);
  });

  it('unpacks compressed modules', async () => {
    const modules = await resolveModules(root, ['failover']);
    expect(modules.at(-1)?.bytes.readUInt32BE(0)).toBe(0x7f454c46);
  });

  it('ends where modules need each other', async () => {
    expect(await order('a')).toEqual(['b', 'a']);
  });

  it.each([
    ['nowhere', /has no module nowhere, which the guest image needs/],
    ['lonely', /has no module gone, which lonely needs/],
    ['text', /is not a kernel module/],
  ])('refuses %s', async (name, sentence) => {
    const resolving = resolveModules(root, [name]);
    await expect(resolving).rejects.toThrow(sentence);
    await expect(resolving).rejects.toMatchObject({ code: 'kernel_missing' });
  });
});

describe('parseModinfo', () => {
  it('reads dependencies and what should be loaded before', () => {
    const text = 'license=GPL\0depends=a-b,c\0softdep=pre: d e post: f\0softdep=post: g\0';
    expect(parseModinfo(Buffer.from(text), 'm')).toEqual({
      name: 'm',
      depends: ['a_b', 'c'],
      softPre: ['d', 'e'],
    });
  });

  it('takes "-" and "_" for the same, and names without their endings', () => {
    expect(moduleName('kernel/drivers/net/virtio-net.ko.xz')).toBe('virtio_net');
  });
});

describe('elf', () => {
  it('tells static programs from others', () => {
    expect(isStaticProgram(elf('.x', '', 1))).toBe(true);
    expect(isStaticProgram(elf('.x', '', 3))).toBe(false); // PT_INTERP
    expect(isStaticProgram(Buffer.from('#!/bin/sh\n'.repeat(10)))).toBe(false);
  });

  it('answers null for a file cut short anywhere, and never throws', () => {
    const whole = moduleFile('depends=virtio', 'name=x');
    expect(elfSection(whole, '.modinfo')?.toString()).toContain('depends=virtio');
    expect(elfSection(whole, '.other')).toBeNull();
    for (let bytes = 0; bytes < whole.length; bytes += 1) {
      expect(elfSection(whole.subarray(0, bytes), '.modinfo')).toBeNull();
    }
  });
});
