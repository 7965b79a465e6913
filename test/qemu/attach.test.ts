/** Lines for somebody else's guest: QEMU, libvirt, cloud-hypervisor. */

import { describe, expect, it } from 'vitest';
import {
  cloudHypervisorArgs,
  libvirtParts,
  libvirtText,
  qemuArgsForPort,
  shellQuote,
} from '../../qemu/attach.ts';

const mac = '52:54:00:00:00:01';

/** What stands for a property of `-device` in libvirt's XML. */
function inXml(property: string): string {
  const [name = '', value = ''] = property.split('=');
  const words: Readonly<Record<string, string>> = {
    mac: `<mac address='${value}'/>`,
    romfile: `<rom enabled='no'/>`,
    mq: ` queues='`,
    host_mtu: `<mtu size='${value}'/>`,
    rx_queue_size: `rx_queue_size='${value}'`,
    ctrl_guest_offloads: `name='ctrl_guest_offloads' type='bool' value='false'`,
  };
  return words[name] ?? `name='${name}' type='unsigned' value='${value}'`;
}

describe('lines for somebody else’s guest', () => {
  const port = { path: '/run/valenic/vm1.sock', role: 'server', queues: 2, mac, index: 0 } as const;

  it('qemuArgsForPort includes the shared memory once', () => {
    const first = qemuArgsForPort(port).join(' ');
    expect(first).toContain('-machine memory-backend=valenic-mem');
    expect(first).toContain('size=1024M,share=on');
    expect(first).toContain('-netdev vhost-user,id=valenic0,chardev=valenic0-sock,queues=2');
    expect(first).toContain('mq=on,vectors=6,rx_queue_size=1024,ctrl_guest_offloads=off');
    const second = qemuArgsForPort({ ...port, index: 1 }).join(' ');
    expect(second).not.toContain('memory-backend');
    expect(second).toContain('id=valenic1,');
  });

  it('qemuArgsForPort follows version and accelerator', () => {
    expect(qemuArgsForPort(port, { major: 11, minor: 1, micro: 2 }).join(' ')).toContain(
      'reconnect-ms=250',
    );
    expect(qemuArgsForPort(port, undefined, { accel: 'tcg' }).join(' ')).toContain('vectors=0');
    expect(() => qemuArgsForPort({ ...port, queues: 0 })).toThrow(/queues must be/);
  });

  it('libvirtParts turn the role round and escape', () => {
    const { device, memory } = libvirtParts({ ...port, path: "/run/a'b<c" });
    expect(device).toContain(`path='/run/a&apos;b&lt;c' mode='client'>`);
    expect(device).toContain(`<reconnect enabled='yes' timeout='1'/>`);
    expect(device).toContain(`queues='2'`);
    expect(memory).toContain(`<access mode='shared'/>`);
    const other = libvirtParts({ ...port, role: 'client', queues: 1 }).device;
    expect(other).toContain(`mode='server'/>`);
    expect(other).not.toMatch(/reconnect|queues=/);
    expect(other).toContain("<driver name='vhost' rx_queue_size='1024'/>");
  });

  it('libvirtParts have every property of the QEMU line, whichever QEMU it is', () => {
    for (const accel of ['kvm', 'tcg'] as const) {
      for (const queues of [1, 4]) {
        const whole = { ...port, queues, hostMtu: 9000, index: 3 };
        const line = qemuArgsForPort(whole, undefined, { accel }).at(-1) ?? '';
        const properties = line.split(',').slice(3);
        const xml = libvirtText(libvirtParts(whole, undefined, accel));
        const missing = properties.filter((property) => !xml.includes(inXml(property)));
        expect(missing, `${accel}, ${queues} pairs`).toEqual([]);
      }
    }
  });

  it('cloudHypervisorArgs share the memory once and count virtqueues', () => {
    expect(cloudHypervisorArgs({ ...port, hostMtu: 9000 }, { memoryMiB: 512 })).toEqual([
      '--memory',
      'size=512M,shared=on',
      '--net',
      `vhost_user=true,socket=${port.path},mac=${mac},vhost_mode=client,num_queues=4,` +
        'queue_size=1024,mtu=9000',
    ]);
    const second = cloudHypervisorArgs({ ...port, role: 'client', index: 1 });
    expect(second).toHaveLength(2);
    expect(second[1]).toContain('vhost_mode=server');
    expect(() => cloudHypervisorArgs({ ...port, path: '/run/a,b' })).toThrow(/choose another path/);
  });

  it('shellQuote quotes only what needs it', () => {
    expect(shellQuote(['-append', "a 'b'", '-m', '1'])).toBe(`-append 'a '\\''b'\\''' -m 1`);
  });
});
