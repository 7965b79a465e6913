import { describe, expect, it } from 'vitest';
import { mtuBytes, queuePairs } from '../../native/boundary/index.ts';
import { guestArgv, nicArgv } from '../../qemu/argv.ts';
import { libvirtParts, qemuArgsForPort } from '../../qemu/attach.ts';
import {
  type GuestDescription,
  type GuestHost,
  type GuestNic,
  nicFault,
} from '../../qemu/description.ts';

const paths = { qmp: '/t/q', agent: '/t/a', serial: '/t/s' };
const old: GuestHost = { version: { major: 7, minor: 2, micro: 22 }, accel: 'tcg' };
const recent: GuestHost = { version: { major: 11, minor: 1, micro: 2 }, accel: 'tcg' };
const mac = '52:54:00:00:00:01';
const vhost = (queues: number, more: Partial<GuestNic> = {}): GuestNic => ({
  mac,
  backend: { kind: 'vhost-user', path: '/run/v.sock', role: 'server', queues },
  ...more,
});
const guest = (nics: readonly GuestNic[]): GuestDescription => ({
  name: 'g1',
  memoryMiB: 256,
  cpus: 2,
  boot: { kind: 'kernel', kernel: '/k', initrd: '/i', append: 'console=ttyS0 quiet' },
  nics,
});
const device = (nic: GuestNic, host: GuestHost): string => nicArgv(nic, 'n', host).at(-1) ?? '';

describe('guestArgv', () => {
  it('shares all of the guest memory with the back-end', () => {
    const args = guestArgv(guest([]), paths, old).join(' ');
    expect(args).toContain('-M q35,memory-backend=mem -m 256 -smp 2');
    expect(args).toContain('-object memory-backend-memfd,id=mem,size=256M,share=on');
  });

  it('keeps an append line one argument', () => {
    const args = guestArgv(guest([]), paths, old);
    expect(args[args.indexOf('-append') + 1]).toBe('console=ttyS0 quiet');
  });

  it('names the agent port', () => {
    expect(guestArgv(guest([]), paths, old).join(' ')).toContain('name=org.valenic.agent.0');
  });

  it('gives several NICs ids of their own', () => {
    const nics = [vhost(1), { ...vhost(1), mac: '52:54:00:00:00:02' }];
    const args = guestArgv(guest(nics), paths, old).join(' ');
    expect(args).toContain('id=net0,chardev=net0-sock');
    expect(args).toContain('id=net1,chardev=net1-sock');
  });

  it('takes the MTUs and queue pairs that a port can have, and no others', () => {
    const taken = (nic: GuestNic) => nicFault(nic) === null;
    const [least, most] = [Number(mtuBytes.min), Number(mtuBytes.max)];
    const mtus = [least - 1, least, most, most + 1];
    expect(mtus.map((hostMtu) => taken(vhost(1, { hostMtu })))).toEqual([false, true, true, false]);
    const pairs = Number(queuePairs.max);
    expect([pairs, pairs + 1].map((queues) => taken(vhost(queues)))).toEqual([true, false]);
  });

  it.each<[string, Partial<GuestDescription>, RegExp]>([
    ['no memory to speak of', { memoryMiB: 8 }, /memoryMiB must be 32/],
    ['half a CPU', { cpus: 0.5 }, /cpus must be 1/],
    ['a name with a comma', { name: 'a,b' }, /a guest's name is/],
    ['one MAC twice', { nics: [vhost(1), vhost(1)] }, /same MAC/],
    ['no MAC', { nics: [{ ...vhost(1), mac: 'x' }] }, /NIC 0: "x" is not a MAC/],
    ['a multicast MAC', { nics: [{ ...vhost(1), mac: '01:00:5e:00:00:01' }] }, /is multicast/],
    ['17 queue pairs', { nics: [vhost(17)] }, /queues must be 1..16/],
    ['an odd ring', { nics: [vhost(1, { rxQueueSize: 300 })] }, /rxQueueSize must be a power/],
    ['a tiny MTU', { nics: [vhost(1, { hostMtu: 60 })] }, /hostMtu must be 68/],
    [
      'a long TX ring without vhost-user',
      { nics: [{ mac, txQueueSize: 1024, backend: { kind: 'user' } }] },
      /txQueueSize must be a power of two, 256..256/,
    ],
  ])('refuses %s', (_, change, sentence) => {
    const build = (): unknown => guestArgv({ ...guest([]), ...change }, paths, old);
    expect(build).toThrow(sentence);
    expect(build).toThrow(expect.objectContaining({ code: 'guest_failed' }));
  });
});

describe('a vhost-user NIC', () => {
  it('has QEMU connect, again and again, when we are the server', () => {
    expect(nicArgv(vhost(1), 'n', old)).toContain('socket,id=n-sock,path=/run/v.sock,reconnect=1');
    const [, chardev] = nicArgv(vhost(1), 'n', recent);
    expect(chardev).toBe('socket,id=n-sock,path=/run/v.sock,reconnect-ms=250');
  });

  it('has QEMU listen when we are the client', () => {
    const backend = { kind: 'vhost-user', path: '/a,b', role: 'client', queues: 1 } as const;
    const [, chardev] = nicArgv({ mac, backend }, 'n', recent);
    expect(chardev).toBe('socket,id=n-sock,path=/a,,b,server=on,wait=off');
  });

  it('has no MSI-X under TCG before QEMU 11, which would crash', () => {
    expect(device(vhost(1), old)).toContain('vectors=0');
    expect(device(vhost(4), old)).toContain('mq=on,vectors=0');
    expect(device(vhost(4), recent)).toContain('mq=on,vectors=10');
    expect(device(vhost(4), { ...old, accel: 'kvm' })).toContain('mq=on,vectors=10');
    expect(device(vhost(1), recent)).not.toMatch(/mq=|vectors=/);
    expect(device({ mac, backend: { kind: 'user' } }, old)).not.toContain('vectors');
  });

  it('passes on what the guest is to see', () => {
    const face = { hostMtu: 9000, rxQueueSize: 1024, txQueueSize: 512, packed: true };
    const line = device(vhost(1, { ...face, properties: { mrg_rxbuf: 'off' } }), old);
    expect(line).toContain('packed=on,host_mtu=9000,rx_queue_size=1024,tx_queue_size=512');
    expect(line).toContain('ctrl_guest_offloads=off,mrg_rxbuf=off');
  });
});

describe('other NICs', () => {
  it.each<[GuestNic['backend'], string]>([
    [
      { kind: 'stream', path: '/t/s', listen: true },
      'stream,id=n,server=on,addr.type=unix,addr.path=/t/s',
    ],
    [
      { kind: 'stream', path: { host: '10.0.0.1', port: 5555 }, listen: false },
      'stream,id=n,server=off,addr.type=inet,addr.host=10.0.0.1,addr.port=5555',
    ],
    [
      { kind: 'dgram', local: '/t/a,b', remote: { host: '::1', port: 9 } },
      'dgram,id=n,local.type=unix,local.path=/t/a,,b,' +
        'remote.type=inet,remote.host=::1,remote.port=9',
    ],
    [{ kind: 'tap', ifname: 'tap0' }, 'tap,id=n,ifname=tap0,script=no,downscript=no,vhost=off'],
    [{ kind: 'user', options: 'restrict=on' }, 'user,id=n,restrict=on'],
  ])('%o', (backend, netdev) => {
    expect(nicArgv({ mac, backend }, 'n', old)[1]).toBe(netdev);
    expect(device({ mac, backend }, old)).not.toContain('ctrl_guest_offloads');
  });

  it('connects a stream again where QEMU can', () => {
    const backend = { kind: 'stream', path: '/t/s', listen: false } as const;
    const netdev = (major: number, minor: number) =>
      nicArgv({ mac, backend }, 'n', { version: { major, minor, micro: 0 }, accel: 'kvm' })[1];
    expect(netdev(7, 2)).not.toContain('reconnect');
    expect(netdev(8, 0)).toContain('server=off,reconnect=1,');
    expect(netdev(9, 2)).toContain('server=off,reconnect-ms=250,');
  });

  it('has what a model without virtio takes, and no more', () => {
    const backend = { kind: 'stream', path: '/t/s', listen: false } as const;
    const nic: GuestNic = { mac, model: 'e1000', hostMtu: 9000, backend };
    expect(device(nic, old)).toBe(`e1000,netdev=n,id=n-nic,mac=${mac},romfile=`);
    expect(() => guestArgv(guest([vhost(1, { model: 'e1000' })]), paths, old)).toThrow(
      'vhost-user needs virtio-net-pci, not e1000: use a stream port',
    );
  });

  it('attaches to a stream port without shared memory', () => {
    const backend = { kind: 'stream', path: '/t/s', listen: false } as const;
    const args = qemuArgsForPort({ backend, model: 'rtl8139', mac, index: 0 });
    expect(args.join(' ')).toBe(
      '-netdev stream,id=valenic0,server=off,addr.type=unix,addr.path=/t/s ' +
        `-device rtl8139,netdev=valenic0,id=valenic0-nic,mac=${mac},romfile=`,
    );
  });

  it('tells a virtio NIC the MTU, whatever it is attached by', () => {
    const backend = { kind: 'stream', path: '/t/s', listen: false } as const;
    const link = { backend, mac, index: 0, hostMtu: 9000 };
    expect(qemuArgsForPort({ ...link, model: 'virtio-net-pci' }).join(' ')).toContain(
      'host_mtu=9000',
    );
    expect(qemuArgsForPort({ ...link, model: 'e1000' }).join(' ')).not.toContain('mtu');
    const port = { path: '/run/v', role: 'server', queues: 1, mac, index: 0 } as const;
    expect(qemuArgsForPort({ ...port, hostMtu: 1400 }).join(' ')).toContain(',host_mtu=1400,');
    expect(qemuArgsForPort({ ...port, hostMtu: 0 }).join(' ')).not.toContain('mtu');
    expect(libvirtParts({ ...port, hostMtu: 1400 }).device).toContain("  <mtu size='1400'/>\n");
    expect(libvirtParts(port).device).not.toContain('mtu');
  });

  it('refuses -netdev stream where QEMU has none', () => {
    const backend = { kind: 'stream', path: '/t/s', listen: true } as const;
    const host: GuestHost = { version: { major: 7, minor: 1, micro: 0 }, accel: 'kvm' };
    expect(() => nicArgv({ mac, backend }, 'n', host)).toThrow(/came with QEMU 7.2/);
  });
});
