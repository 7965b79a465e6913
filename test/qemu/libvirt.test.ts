/** What `valenic libvirt-xml` prints, held against libvirt's own schema for domains. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { libvirtInterfaceXml } from '../../qemu/argv.ts';

/** Debian: libvirt-clients, which has it run xmllint of libxml2-utils. */
const validator = 'virt-xml-validate';
const there = [validator, 'xmllint'].every((program) => !spawnSync(program, ['--version']).error);
if (!there) console.error(`not run: ${validator} or xmllint is not installed`);

const mac = '52:54:00:00:00:01';
const port = { path: '/run/valenic/vm1.sock', role: 'server', queues: 1, mac, index: 0 } as const;

/** A domain with the interface, and with what the comment above it asks for. */
function domainWith(xml: string): string {
  const asked = /<!-- The domain needs: (.*) -->/.exec(xml)?.[1] ?? '';
  return `<domain type='kvm'>
    <name>vm1</name>
    <memory unit='MiB'>1024</memory>
    <vcpu>1</vcpu>
    <os><type arch='x86_64' machine='q35'>hvm</type></os>
    ${asked}
    <devices>${xml}</devices>
  </domain>`;
}

describe.skipIf(!there)("libvirt's schema", () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'valenic-xml-'));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  function faultsOf(xml: string): string {
    const file = join(dir, 'domain.xml');
    writeFileSync(file, domainWith(xml));
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
    const xml = libvirtInterfaceXml({ ...port, ...change });
    expect(xml).toContain('<memoryBacking>');
    expect(faultsOf(xml)).toBe('');
  });

  it('is asked in earnest: an element that it does not know is refused', () => {
    const xml = libvirtInterfaceXml(port);
    expect(faultsOf(xml.replace("<model type='virtio'/>", '<colour/>'))).toContain(
      'fails to validate',
    );
    expect(faultsOf(xml.replace(mac, '52:54'))).not.toBe('');
  });
});
