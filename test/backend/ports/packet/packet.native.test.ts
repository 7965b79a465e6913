/** Packet ports on veth pairs of this machine. Needs root; each test removes what it made. */

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { packetSentence } from '../../../../backend/ports/packet/packet-socket.ts';
import { linkRig, settledStats, withPeer } from '../support.ts';
import { bytes, client, inside, ip, loseAndFind, may, server, wire } from '../wires.ts';

describe.skipIf(!may)('a packet port', () => {
  it('carries the TCP of two kernels, big frames and all, every byte as it was', async () => {
    const rig = await linkRig();
    const [a, b] = [wire('10.88.0.1/24'), wire('10.88.0.2/24')];
    const left = await rig.add('a', { kind: 'packet', interface: a.near, queues: 1 });
    const right = await rig.add('b', { kind: 'packet', interface: b.near, queues: 2 });
    expect(left.state().endpoint).toMatchObject({ connected: true, address: a.near, notice: null });
    await inside(b.namespace, server, /ready/);
    const said = await inside(a.namespace, client('10.88.0.2'));
    expect(said()).toBe('same\n');
    const { counters } = await settledStats(right);
    expect(counters.rx_bytes).toBeGreaterThan(bytes);
    expect(counters.rx_big_whole).toBeGreaterThan(0);
    expect(counters.rx_big_cut).toBe(0);
    const { tx_csum_misplaced, tx_gso_headers_invalid, tx_gso_size_invalid } = left.stats().drops;
    expect(tx_csum_misplaced + tx_gso_headers_invalid + tx_gso_size_invalid).toBe(0);
  });

  it('gives a port without offloads what its kernel left to do, done', async () => {
    const rig = await linkRig();
    const a = wire('10.88.0.1/24');
    const port = await rig.add('a', { kind: 'packet', interface: a.near, queues: 1 });
    const peer = await withPeer(rig);
    const send = `const socket = require('node:dgram').createSocket('udp4');
      socket.send('text', 9, '10.88.0.9', process.exit);`;
    ip('-n', a.namespace, 'neigh', 'add', '10.88.0.9', 'lladdr', '02:00:00:00:00:09', 'dev', a.far);
    await inside(a.namespace, send);
    const [got = Buffer.alloc(0)] = await peer.received(1);
    // RFC 768: pseudo header, header and data sum up to ones.
    const udp = Buffer.concat([
      got.subarray(26, 34),
      Buffer.from([0, 17, 0, 12]),
      got.subarray(34),
    ]);
    let sum = 0;
    for (let at = 0; at < udp.length; at += 2) sum += udp.readUInt16BE(at);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    expect(sum).toBe(0xffff);
    expect((await settledStats(port)).counters.tx_frames).toBeGreaterThan(0);
  });

  it('interface_gone: is told, and found again when it is back', () =>
    loseAndFind((near) => ({ kind: 'packet', interface: near, queues: 2 })));

  it('refuses one that does not exist, is not Ethernet, or belongs to another port', async () => {
    const rig = await linkRig();
    const { near } = wire();
    const add = (name: string, to: string) =>
      rig.add(name, { kind: 'packet', interface: to, queues: 1 });
    await expect(add('a', 'nobody')).rejects.toThrow('there is no interface nobody');
    await expect(add('a', 'lo')).rejects.toThrow('lo carries no Ethernet frames');
    await add('a', near);
    await expect(add('b', near)).rejects.toMatchObject({ code: 'socket_in_use' });
  });

  it('needs CAP_NET_RAW, and says so', () => {
    const { near } = wire();
    const addon = new URL('../../../../build/release/native/valenic.node', import.meta.url)
      .pathname;
    const program = `try { require('${addon}').openPacket('${near}', { queues: 1 }); }
      catch (error) { console.log(error.code); }`;
    const words = ['--bounding-set=-net_raw', '--inh-caps=-all', process.execPath, '-e', program];
    expect(spawnSync('setpriv', words, { encoding: 'utf8' }).stdout).toBe('EPERM\n');
  });
});

describe('an interface whose wire cannot be had', () => {
  it.each([
    ['EPERM', 'none: packet ports need CAP_NET_RAW: run as root, or once "setcap'],
    ['ENODEV', 'there is no interface none: "ip link" lists'],
    ['EPROTOTYPE', 'none carries no Ethernet frames'],
    ['ENOMEM', 'no memory for 2 rings of 4 MiB: use fewer'],
  ])('%s: says what to do', (code, sentence) => {
    const spec = { kind: 'packet', interface: 'none', queues: 2 } as const;
    expect(packetSentence(spec, code, null)).toContain(sentence);
  });
});
