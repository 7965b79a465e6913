/** Tap ports on interfaces of this machine. Needs CAP_NET_ADMIN; each test removes what it made. */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { loadAddon } from '../../../../backend/datapath/load.ts';
import { tapSentence } from '../../../../backend/ports/tap/endpoint.ts';
import { until } from '../../support.ts';
import {
  counted,
  frame,
  framed,
  goneAndBack,
  linkRig,
  settledStats,
  withPeer,
} from '../support.ts';

const ip = (...words: string[]): void => void execFileSync('ip', words, { stdio: 'pipe' });
const may = existsSync('/dev/net/tun') && process.getuid?.() === 0;

const names: string[] = [];
/** A name that no other test uses; gone after the test. */
function tapName(): string {
  const name = `vt${process.pid % 100_000}x${names.length}`;
  names.push(name);
  return name;
}
afterEach(() => {
  for (const name of names.splice(0)) spawnSync('ip', ['link', 'del', name]);
});

/** IPv6 would speak unasked on every interface that is up. */
function quiet(name: string): void {
  spawnSync('sysctl', ['-qw', `net.ipv6.conf.${name}.disable_ipv6=1`]);
}

/** An ARP request for the host's address; the kernel itself answers. */
function arpRequest(target: string): Buffer {
  const bytes = (text: string) => Buffer.from(text.split('.').map(Number));
  return Buffer.concat([
    Buffer.from('ffffffffffff020000000009', 'hex'),
    Buffer.from('080600010800060400010200000000090a4d0002', 'hex'),
    ...[Buffer.alloc(6), bytes(target), Buffer.alloc(18)],
  ]);
}

describe.skipIf(!may)('a tap port', () => {
  it('makes an interface that is not there, sets it up, and takes it along', async () => {
    const rig = await linkRig();
    const name = tapName();
    const port = await rig.add('t', { kind: 'tap', interface: name, queues: 1 }, { mtu: 1400 });
    const shown = execFileSync('ip', ['-o', 'link', 'show', name], { encoding: 'utf8' });
    expect(shown).toMatch(/[<,]UP[,>].* mtu 1400 /);
    expect(port.state().endpoint).toMatchObject({ connected: true, address: name, notice: null });
    await port.close();
    expect(existsSync(`/sys/class/net/${name}`)).toBe(false);
  });

  it('carries frames to the host stack and back', async () => {
    const rig = await linkRig();
    const name = tapName();
    const port = await rig.add('t', { kind: 'tap', interface: name, queues: 1 });
    quiet(name);
    ip('addr', 'add', '10.77.0.1/24', 'dev', name);
    const peer = await withPeer(rig);
    await peer.write(framed(arpRequest('10.77.0.1')));
    const answer = await until(
      () => peer.frames.find((one) => one.readUInt16BE(12) === 0x0806 && one[21] === 2),
      (found) => found !== undefined,
    );
    expect(answer?.subarray(0, 6).toString('hex')).toBe('020000000009');
    expect(answer?.subarray(28, 32)).toEqual(Buffer.from([10, 77, 0, 1]));
    expect((await settledStats(port)).counters.rx_frames).toBeGreaterThan(0);
  });

  it('says in one sentence that interface and port differ in their MTU', async () => {
    const rig = await linkRig();
    const name = tapName();
    ip('tuntap', 'add', 'dev', name, 'mode', 'tap');
    quiet(name);
    ip('link', 'set', name, 'up');
    const port = await rig.add('t', { kind: 'tap', interface: name, queues: 1 }, { mtu: 9000 });
    expect(port.state().endpoint?.notice).toBe(
      `the interface has an MTU of 1500 and the port one of 9000: ip link set ${name} mtu 9000, ` +
        'or valenic port set v:t mtu=1500',
    );
    ip('link', 'set', name, 'mtu', '9000');
    expect(port.state().endpoint?.notice).toBeNull();
    await port.set({ mtu: 1400 });
    expect(port.state().endpoint?.notice).toContain('an MTU of 9000 and the port one of 1400');
    await port.set({ mtu: 0 });
    expect(port.state().endpoint?.notice).toBeNull();
    await port.close();
    ip('link', 'del', name);
  });

  it.each([1, 4])('opens one that exists, of %i queues, and leaves it there', async (queues) => {
    const rig = await linkRig(2);
    const name = tapName();
    const several = queues > 1 ? ['multi_queue'] : [];
    ip('tuntap', 'add', 'dev', name, 'mode', 'tap', ...several);
    const port = await rig.add('t', { kind: 'tap', interface: name, queues });
    expect(port.state().endpoint?.notice).toBe(`the interface is down: ip link set ${name} up`);
    const peer = await withPeer(rig);
    await peer.write(framed(frame(60)));
    await counted(port, ({ drops }) => drops.rx_link_down, 1);
    quiet(name);
    ip('link', 'set', name, 'up');
    expect(port.state().endpoint?.notice).toBeNull();
    await peer.write(framed(frame(60)));
    await counted(port, ({ counters }) => counters.rx_frames, 1);
    await port.close();
    expect(existsSync(`/sys/class/net/${name}`)).toBe(true);
  });

  it('one queue opens an interface that was made for several', async () => {
    const rig = await linkRig();
    const name = tapName();
    ip('tuntap', 'add', 'dev', name, 'mode', 'tap', 'multi_queue');
    const port = await rig.add('t', { kind: 'tap', interface: name, queues: 1 });
    expect(port.state().endpoint?.connected).toBe(true);
  });

  it.each([
    ['without virtio-net headers', false, true],
    ['with virtio-net headers', true, false],
  ])('an interface that another program opened %s stays so', async (_, first, ours) => {
    const rig = await linkRig();
    const name = tapName();
    ip('tuntap', 'add', 'dev', name, 'mode', 'tap', 'multi_queue');
    const addon = loadAddon();
    const [other = -1] = addon.openTap(name, { queues: 1, offloads: first }).fds;
    try {
      const device = { kind: 'tap', interface: name, queues: 1, offloads: ours } as const;
      const port = await rig.add('t', device);
      expect(port.state().endpoint?.offloads).toEqual([]);
      quiet(name);
      ip('link', 'set', name, 'up');
      const peer = await withPeer(rig);
      await peer.write(framed(frame(60)));
      await counted(port, ({ counters }) => counters.rx_frames, 1);
    } finally {
      addon.closeFd(other);
    }
  });

  it.each([
    ['its user', 0, 'with big frames'],
    ['somebody else', 65534, 'EPERM'],
  ])('of %s is opened without any capability only then', (_, uid, told) => {
    const name = tapName();
    ip('tuntap', 'add', 'dev', name, 'mode', 'tap', 'user', `${uid}`);
    const addon = new URL('../../../../build/release/native/valenic.node', import.meta.url)
      .pathname;
    const program = `try {
        const { netHeader } = require('${addon}').openTap('${name}', { queues: 1, offloads: true });
        console.log(/tso|uso/.test(netHeader) ? 'with big frames' : netHeader);
      } catch (error) { console.log(error.code); }`;
    const words = ['--bounding-set=-all', '--inh-caps=-all', process.execPath, '-e', program];
    expect(spawnSync('setpriv', words, { encoding: 'utf8' }).stdout).toBe(`${told}\n`);
  });

  it('leaves one that it made when it persists', async () => {
    const rig = await linkRig();
    const name = tapName();
    const device = { kind: 'tap', interface: name, queues: 1, persist: true } as const;
    await (await rig.add('t', device)).close();
    expect(existsSync(`/sys/class/net/${name}`)).toBe(true);
  });

  it('interface_gone: is told, and found again when it is back', async () => {
    const rig = await linkRig();
    const name = tapName();
    const port = await rig.add('t', { kind: 'tap', interface: name, queues: 2 });
    await goneAndBack(
      rig,
      port,
      () => ip('link', 'del', name),
      () => {
        ip('tuntap', 'add', 'dev', name, 'mode', 'tap', 'multi_queue');
        quiet(name);
        ip('link', 'set', name, 'up');
      },
    );
  });

  it.each([
    ['lo', 1],
    ['lo', 2],
  ])('refuses %s, which is not a tap interface, with %i queues', async (name, queues) => {
    const rig = await linkRig();
    const adding = rig.add('t', { kind: 'tap', interface: name, queues });
    await expect(adding).rejects.toThrow(/^lo (is not a (multi-queue )?tap interface|is in use)/);
    expect(rig.backend.ports()).toEqual([]);
  });

  it('refuses one that another port has', async () => {
    const rig = await linkRig();
    const name = tapName();
    await rig.add('t', { kind: 'tap', interface: name, queues: 1 });
    const adding = rig.add('u', { kind: 'tap', interface: name, queues: 1 });
    await expect(adding).rejects.toThrow(`${name} is in use by another program`);
  });
});

describe('an interface that cannot be had', () => {
  it.each([
    ['EPERM', 1, 'none does not exist, and making it needs CAP_NET_ADMIN: make it with "ip tuntap'],
    ['EPERM', 2, 'mode tap user $USER multi_queue" as root'],
    ['EACCES', 1, 'this user may not open /dev/net/tun'],
    ['ENOENT', 1, 'there is no /dev/net/tun: load it with "modprobe tun" as root'],
    ['EINVAL', 2, 'none is not a multi-queue tap interface'],
    ['E2BIG', 4, 'none has fewer queues than 4: use queues=N'],
  ])('%s with %i queues: says what to do', (code, queues, sentence) => {
    expect(tapSentence({ kind: 'tap', interface: 'none', queues }, code, null)).toContain(sentence);
  });
});
