/** What `valenic libvirt-xml` prints, held against libvirt's own schema for domains. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LibvirtParts, libvirtParts } from '../../qemu/attach.ts';

/** Debian: libvirt-clients, which has it run xmllint of libxml2-utils. */
const validator = 'virt-xml-validate';
const there = [validator, 'xmllint'].every((program) => !spawnSync(program, ['--version']).error);
if (!there) console.error(`not run: ${validator} or xmllint is not installed`);

const mac = '52:54:00:00:00:01';
const port = { path: '/run/valenic/vm1.sock', role: 'server', queues: 1, mac, index: 0 } as const;

/** A domain with the interface, and with what it needs beside it. */
function domainWith({ namespace, memory, device, override }: LibvirtParts): string {
  return `<domain type='kvm' ${namespace}>
    <name>vm1</name>
    <memory unit='MiB'>1024</memory>
    <vcpu>1</vcpu>
    <os><type arch='x86_64' machine='q35'>hvm</type></os>
    ${memory}
    <devices>${device}</devices>
    ${override}
  </domain>`;
}

describe.skipIf(!there)("libvirt's schema", () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'valenic-xml-'));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  function faultsOf(parts: LibvirtParts): string {
    const file = join(dir, 'domain.xml');
    writeFileSync(file, domainWith(parts));
    const { status, stdout, stderr } = spawnSync(validator, [file, 'domain'], { encoding: 'utf8' });
    return status === 0 ? '' : `${stdout}${stderr}`;
  }

  it.each([
    ['of one queue pair, where we listen', {}],
    ['of several', { queues: 16 }],
    ['where QEMU listens', { role: 'client' as const, queues: 4 }],
    ['with an MTU', { hostMtu: 9000 }],
    ['with a path that needs escaping', { path: `/run/a'b<c>&"d` }],
  ])('takes a port %s', (_, change) => {
    const parts = libvirtParts({ ...port, ...change });
    expect(faultsOf(parts)).toBe('');
  });

  it('takes what QEMU 7.2 needs without KVM', () => {
    const parts = libvirtParts(port, undefined, 'tcg');
    expect(parts.override).toContain(`name='vectors' type='unsigned' value='0'`);
    expect(faultsOf(parts)).toBe('');
  });

  it('is asked in earnest: an element that it does not know is refused', () => {
    const parts = libvirtParts(port);
    const other = (from: string, to: string) => ({
      ...parts,
      device: parts.device.replace(from, to),
    });
    expect(faultsOf(other("<model type='virtio'/>", '<colour/>'))).toContain('fails to validate');
    expect(faultsOf(other(mac, '52:54'))).not.toBe('');
  });
});
