import { describe, expect, it } from 'vitest';
import { librariesIn, programEntries } from '../../../qemu/image/program.ts';

describe('a program of this system in a guest image', () => {
  it('comes with the libraries that ldd lists, and the loader', () => {
    const text = [
      '\tlinux-vdso.so.1 (0x00007f203045f000)',
      '\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f203022e000)',
      '\t/lib64/ld-linux-x86-64.so.2 (0x00007f2030461000)',
      '',
    ];
    expect(librariesIn(text.join('\n'))).toEqual([
      '/lib/x86_64-linux-gnu/libc.so.6',
      '/lib64/ld-linux-x86-64.so.2',
    ]);
    expect(librariesIn('\tnot a dynamic executable')).toEqual([]);
  });

  it('has the folders above them first, but for those that are there already', async () => {
    const entries = await programEntries('sh', new Set(['bin']));
    const folders = entries.filter(({ kind }) => kind === 'directory').map(({ path }) => path);
    expect(folders).not.toContain('bin');
    expect(entries.find(({ path }) => path === 'bin/sh')).toMatchObject({ executable: true });
  });

  it('is refused with the remedy when it is not installed', async () => {
    await expect(programEntries('no-such-program', new Set())).rejects.toThrow(/is not installed/);
  });
});
