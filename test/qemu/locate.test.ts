import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { kvmProbeSector } from '../../qemu/kvm.ts';
import { findProgram, locateQemu } from '../../qemu/locate.ts';
import { atLeast, parseVersion } from '../../qemu/version.ts';

const dir = mkdtempSync(join(tmpdir(), 'valenic-locate-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('locateQemu', () => {
  it('finds an executable in PATH, not a plain file of that name', () => {
    const file = join(dir, 'qemu-system-x86_64');
    writeFileSync(file, '');
    chmodSync(file, 0o644);
    expect(findProgram('qemu-system-x86_64', dir)).toBeNull();
    chmodSync(file, 0o755);
    expect(locateQemu(undefined, `/nowhere:${dir}`)).toBe(file);
    expect(locateQemu(file, '')).toBe(file);
  });

  it('says how to install what is missing', () => {
    const missing = (): string => locateQemu(undefined, '/nowhere');
    expect(missing).toThrow(/apt-get install qemu-system-x86/);
    expect(missing).toThrow(expect.objectContaining({ code: 'qemu_missing' }));
    expect(() => locateQemu('/nowhere/qemu')).toThrow(/there is no \/nowhere\/qemu/);
    expect(() => locateQemu(dir)).toThrow(/there is no /);
  });
});

describe('parseVersion', () => {
  it.each([
    ['QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)', 7, 2, 22],
    ['QEMU emulator version 11.1.2 (Debian)', 11, 1, 2],
    ['QEMU emulator version 10.0', 10, 0, 0],
  ])('reads %s', (text, major, minor, micro) => {
    expect(parseVersion(text)).toEqual({ major, minor, micro });
  });

  it('compares numbers, not text', () => {
    expect(atLeast({ major: 10, minor: 0, micro: 0 }, 9, 2)).toBe(true);
    expect(atLeast({ major: 9, minor: 10, micro: 0 }, 9, 2)).toBe(true);
    expect(atLeast({ major: 9, minor: 1, micro: 9 }, 9, 2)).toBe(false);
    expect(parseVersion('GNU bash, Version x')).toBeNull();
  });
});

describe('the KVM probe sector', () => {
  it.skipIf(findProgram('as') === null || findProgram('ld') === null)(
    'is what its source assembles to (skipped without binutils)',
    () => {
      const object = join(dir, 'p.o');
      const binary = join(dir, 'p.bin');
      execFileSync('as', ['--64', '-o', object, 'qemu/kvm-probe.s']);
      execFileSync('ld', ['-Ttext', '0x7c00', '--oformat', 'binary', '-o', binary, object]);
      expect(readFileSync(binary).equals(kvmProbeSector())).toBe(true);
    },
  );
});
