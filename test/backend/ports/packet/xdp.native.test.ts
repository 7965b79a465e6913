/** Packet ports over AF_XDP, on veth pairs of this machine. Needs root. */

import { spawn, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { xdpSentence } from '../../../../backend/ports/packet/xdp.ts';
import { until } from '../../support.ts';
import { linkRig } from '../support.ts';
import { bytes, client, inside, ip, loseAndFind, may, server, wire } from '../wires.ts';

const spec = (name: string, queues = 1) =>
  ({ kind: 'packet', interface: name, queues, io: 'af-xdp' }) as const;
const addon = new URL('../../../../build/release/native/valenic.node', import.meta.url).pathname;
/** A program that opens an interface, and says that it did or why it could not. */
const opening = (name: string): string => `
  try {
    require('${addon}').openXdp('${name}', { queues: 1, zeroCopyOnly: false });
    console.log('open');
  } catch (error) {
    console.log(error.syscall, error.code);
  }`;
/** What `ip link` says about a program; "" if there is none. */
const programOf = (name: string): string =>
  /xdp\S*/.exec(spawnSync('ip', ['link', 'show', name], { encoding: 'utf8' }).stdout)?.[0] ?? '';

describe.skipIf(!may)('a packet port over AF_XDP', () => {
  it('carries the TCP of two kernels, every byte as it was, and says how', async () => {
    const rig = await linkRig();
    const [a, b] = [wire('10.88.0.1/24'), wire('10.88.0.2/24')];
    const left = await rig.add('a', spec(a.near));
    const right = await rig.add('b', spec(b.near));
    expect(left.state().endpoint).toMatchObject({
      connected: true,
      address: a.near,
      offloads: [],
      io: { mode: 'af-xdp', zeroCopy: false, xdp: 'native', needWakeup: true, why: null },
      notice: null,
    });
    expect(programOf(a.near)).toBe('xdp');
    await inside(b.namespace, server, /ready/);
    const said = await inside(a.namespace, client('10.88.0.2'));
    expect(said()).toBe('same\n');
    expect(right.stats().counters.rx_bytes).toBeGreaterThan(bytes);
    // The far kernel leaves checksums to a NIC that does not exist.
    expect(right.stats().counters.rx_checksums_made).toBeGreaterThan(0);
    await rig.backend.removePort(left.spec.name);
    expect(programOf(a.near)).toBe('');
  });

  it('interface_gone: is told, and found again when it is back', () =>
    loseAndFind((near) => spec(near)));

  it('leaves no program behind when its process is killed', async () => {
    const { near } = wire();
    const waiting = 'setInterval(() => {}, 1000)';
    const child = spawn(process.execPath, ['-e', `${opening(near)}; ${waiting}`]);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    expect(programOf(near)).toBe('xdp');
    child.kill('SIGKILL');
    await until(
      () => programOf(near),
      (seen) => seen === '',
    );
  });

  it('io=auto stays with a packet socket where AF_XDP would copy, and says why', async () => {
    const rig = await linkRig();
    const { near } = wire();
    const port = await rig.add('a', { kind: 'packet', interface: near, queues: 1 });
    const io = port.state().endpoint?.io;
    expect(io?.mode).toBe('af-packet');
    expect(io?.why).toContain('its driver cannot do AF_XDP without copies');
    expect(programOf(near)).toBe('');
  });

  it('io=auto leaves an interface alone that this host uses', async () => {
    const rig = await linkRig();
    const { near } = wire();
    ip('addr', 'add', '10.89.0.1/24', 'dev', near);
    const port = await rig.add('a', { kind: 'packet', interface: near, queues: 1 });
    expect(port.state().endpoint?.io).toEqual({
      mode: 'af-packet',
      why: 'this host has the address 10.89.0.1 on it',
    });
    await rig.backend.removePort(port.spec.name);
    const asked = await rig.add('b', spec(near));
    expect(asked.state().endpoint?.notice).toContain('with AF_XDP it receives nothing');
  });

  it('refuses what it cannot have in one sentence: queues, MTU, another program', async () => {
    const rig = await linkRig();
    const { near } = wire();
    await expect(rig.add('a', spec(near, 2))).rejects.toThrow('has fewer queues than the port (2)');
    const several = wire();
    ip('link', 'del', several.near);
    ip('link', 'add', several.near, 'numrxqueues', '2', 'numtxqueues', '2', 'type', 'veth');
    await expect(rig.add('a', spec(several.near))).rejects.toThrow('has more queues than');
    ip('link', 'set', near, 'mtu', '1771');
    await expect(rig.add('a', spec(near))).rejects.toThrow('its MTU is above 1770');
    ip('link', 'set', near, 'mtu', '1770');
    await rig.add('a', spec(near));
    const second = spawnSync(process.execPath, ['-e', opening(near)], { encoding: 'utf8' });
    expect(second.stdout).toBe('bind EBUSY\n');
  });

  it('needs capabilities, and says so', () => {
    const { near } = wire();
    for (const dropped of ['-net_raw', '-net_admin,-bpf,-sys_admin']) {
      const words = [`--bounding-set=${dropped}`, '--inh-caps=-all', process.execPath, '-e'];
      const ran = spawnSync('setpriv', [...words, opening(near)], { encoding: 'utf8' });
      expect(ran.stdout).toMatch(/ EPERM\n$/);
    }
  });

  it.skip('carries frames without a copy: needs a NIC whose driver does that', () => {});
});

describe('an interface that AF_XDP cannot have', () => {
  const failure = (syscall: string, code: string) => Object.assign(new Error(), { syscall, code });
  it.each([
    ['BPF_PROG_LOAD', 'EPERM', 'CAP_BPF'],
    ['queues', 'E2BIG', 'more queues than the port (2)'],
    ['queues', 'ERANGE', 'fewer queues than the port (2)'],
    ['mtu', 'EMSGSIZE', 'MTU is above 1770'],
    ['BPF_LINK_CREATE', 'EBUSY', 'already has an XDP program: "ip link set none xdp off"'],
    ['BPF_LINK_CREATE', 'EEXIST', 'already has an XDP program'],
    ['BPF_LINK_CREATE', 'ERANGE', 'no XDP at this MTU'],
    ['BPF_LINK_CREATE', 'ENOSPC', 'sends through more queues'],
    ['tags', 'EOPNOTSUPP', 'would lose its VLAN tags: "ethtool -K none rxvlan off"'],
    ['bind', 'EOPNOTSUPP', 'cannot do AF_XDP without copies'],
    ['bind', 'EBUSY', 'another AF_XDP socket uses its queue'],
    ['XDP_UMEM_REG', 'ENOBUFS', 'AF_XDP pins 16 MiB, which is more than may be locked'],
    ['socket', 'EAFNOSUPPORT', 'needs Linux 5.11'],
    ['if_nametoindex', 'ENODEV', 'there is no interface none'],
    ['getsockname', 'EPROTOTYPE', 'none carries no Ethernet frames'],
  ])('%s %s: says what to do', (syscall, code, sentence) => {
    expect(xdpSentence(spec('none', 2), failure(syscall, code))).toContain(sentence);
  });
});
