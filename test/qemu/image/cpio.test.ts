import { describe, expect, it } from 'vitest';
import { writeCpio } from '../../../qemu/image/cpio.ts';

/** Reads a newc archive back, by the format's description. */
function readCpio(
  archive: Buffer,
): { name: string; mode: number; fields: number[]; body: Buffer }[] {
  const entries = [];
  for (let at = 0; ; ) {
    expect(archive.toString('latin1', at, at + 6)).toBe('070701');
    const fields = Array.from({ length: 13 }, (_, index) =>
      Number.parseInt(archive.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16),
    );
    const [, mode = 0, , , , , size = 0] = fields;
    const nameBytes = fields[11] ?? 0;
    const name = archive.toString('latin1', at + 110, at + 110 + nameBytes - 1);
    const bodyAt = (at + 110 + nameBytes + 3) & ~3;
    if (name === 'TRAILER!!!') return entries;
    entries.push({ name, mode, fields, body: archive.subarray(bodyAt, bodyAt + size) });
    at = (bodyAt + size + 3) & ~3;
  }
}

describe('writeCpio: the "newc" format', () => {
  const archive = writeCpio([
    { kind: 'directory', path: 'dev' },
    { kind: 'device', path: 'dev/console', major: 5, minor: 1 },
    { kind: 'file', path: 'init', bytes: Buffer.from('#!sh'), executable: true },
    { kind: 'file', path: 'odd', bytes: Buffer.from('12345') },
    { kind: 'link', path: 'sh', target: 'busybox' },
  ]);

  it('writes types, permissions and contents', () => {
    const entries = readCpio(archive);
    expect(entries.map(({ name, mode }) => [name, mode.toString(8)])).toEqual([
      ['dev', '40755'],
      ['dev/console', '20600'],
      ['init', '100755'],
      ['odd', '100644'],
      ['sh', '120777'],
    ]);
    expect(entries[1]?.fields.slice(9, 11)).toEqual([5, 1]);
    expect(entries[3]?.body.toString()).toBe('12345');
    expect(entries[4]?.body.toString()).toBe('busybox');
  });

  it('is padded to 512 bytes, has no times and no owners', () => {
    expect(archive.length % 512).toBe(0);
    for (const { fields } of readCpio(archive)) {
      expect([fields[2], fields[3], fields[5]]).toEqual([0, 0, 0]);
    }
  });

  it.each(['/etc', '../etc', 'a/../../b'])('refuses the path %s', (path) => {
    expect(() => writeCpio([{ kind: 'directory', path }])).toThrow(/a path in the archive is/);
  });
});
