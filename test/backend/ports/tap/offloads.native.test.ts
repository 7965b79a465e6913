/** Real TCP of this kernel between two namespaces, through the switch. Needs CAP_NET_ADMIN. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Port } from '../../../../backend/index.ts';
import type { TapSpec } from '../../../../backend/ports/tap/spec.ts';
import { dropsThatHappened } from '../../../../backend/stats/stats.ts';
import { until } from '../../support.ts';
import { type LinkRig, linkRig, settledStats } from '../support.ts';

const may = existsSync('/dev/net/tun') && process.getuid?.() === 0;
const bytes = 8 << 20;
const mtuFrameBytes = 1514;
const all = ['CSUM', 'TSO4', 'TSO6', 'ECN'];
const addresses = {
  4: ['10.78.0.1', '10.78.0.2'],
  6: ['fd00:78::1', 'fd00:78::2'],
} as const;

const ip = (...words: string[]): void => void execFileSync('ip', words, { stdio: 'pipe' });
const inside = (space: string, ...words: string[]): string =>
  execFileSync('ip', ['netns', 'exec', space, ...words], { encoding: 'utf8', stdio: 'pipe' });

/** Says 'ready', then the length and hash of what one client sent. */
const server = `
  const { createHash } = require('node:crypto');
  require('node:net').createServer((client) => {
    const hash = createHash('sha256');
    let bytes = 0;
    client.on('data', (data) => { hash.update(data); bytes += data.length; });
    client.on('end', () => { console.log(bytes + ' ' + hash.digest('hex')); process.exit(); });
  }).listen(5001, process.argv[1], () => console.log('ready'));
`;
/** Sends bytes that do not repeat; says their length and hash. */
const client = `
  const { createHash, createCipheriv } = require('node:crypto');
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16));
  const data = cipher.update(Buffer.alloc(${bytes}));
  console.log(data.length + ' ' + createHash('sha256').update(data).digest('hex'));
  require('node:net').connect(5001, process.argv[1], function () { this.end(data); });
`;

/** Counts datagrams of 1000 bytes whose first byte is their number. */
const datagrams = `
  const socket = require('node:dgram').createSocket('udp4');
  let count = 0, bytes = 0;
  socket.on('message', (data) => {
    if (data.length === 1000 && data.every((byte) => byte === count)) count++;
    bytes += data.length;
    if (bytes >= 20000) { console.log('done ' + count + ' ' + bytes); process.exit(); }
  });
  socket.bind(5001, process.argv[1], () => console.log('ready'));
`;
/** 20 datagrams in one send(): UDP_SEGMENT is option 103 of level 17. */
const burst = `
  use Socket;
  socket(my $socket, PF_INET, SOCK_DGRAM, 17) or die $!;
  connect($socket, sockaddr_in(5001, inet_aton($ARGV[0]))) or die $!;
  setsockopt($socket, 17, 103, pack("i", 1000)) or die $!;
  send($socket, join("", map { chr($_) x 1000 } 0..19), 0) == 20000 or die $!;
`;

describe.skipIf(!may)('a tap port with offloads', () => {
  const spaces = ['a', 'b'].map((end) => `vto${process.pid}${end}`);
  let rig: LinkRig;
  let made: Port[] = [];
  const running: ChildProcess[] = [];

  beforeAll(() => {
    for (const space of spaces) {
      ip('netns', 'add', space);
      inside(space, 'sysctl', '-qw', 'net.ipv6.conf.all.accept_dad=0');
      inside(space, 'sysctl', '-qw', 'net.ipv6.conf.default.accept_dad=0');
    }
  });
  afterEach(async () => {
    for (const process of running.splice(0)) process.kill();
    for (const port of made.splice(0)) await port.close();
  });
  afterAll(() => {
    for (const space of spaces) execFileSync('ip', ['netns', 'del', space]);
  });

  /** Two interfaces, each in a namespace of its own, and a port of one switch behind each. */
  async function pair(...devices: readonly Partial<TapSpec>[]): Promise<readonly [Port, Port]> {
    rig = await linkRig();
    made = [];
    for (const [end, device] of devices.entries()) {
      const space = spaces[end] ?? '';
      const name = `vto${process.pid % 100_000}${end}`;
      made.push(await rig.add(`t${end}`, { kind: 'tap', interface: name, queues: 1, ...device }));
      ip('link', 'set', name, 'netns', space);
      inside(space, 'ip', 'addr', 'add', `${addresses[4][end]}/24`, 'dev', name);
      inside(space, 'ip', 'addr', 'add', `${addresses[6][end]}/64`, 'dev', name);
      inside(space, 'ip', 'link', 'set', name, 'up');
    }
    return [made[0], made[1]] as [Port, Port];
  }

  function run(space: string, script: string, address: string): { said: () => string } {
    const started = spawn('ip', ['netns', 'exec', space, process.execPath, '-e', script, address], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.push(started);
    let text = '';
    started.stdout.on('data', (data) => {
      text += data;
    });
    return { said: () => text };
  }

  /** From the first namespace to the second; every byte compared, and no checksum wrong. */
  async function transfer(version: 4 | 6): Promise<void> {
    const [from, to] = spaces as [string, string];
    const address = addresses[version][1];
    const receiver = run(to, server, address);
    await until(receiver.said, (text) => text.includes('ready'));
    const sender = run(from, client, address);
    const [, got] = (await until(receiver.said, (text) => text.split('\n').length > 2)).split('\n');
    // Who receives may be heard before who sent.
    expect(await until(sender.said, (text) => text.includes('\n'))).toBe(`${got}\n`);
    expect(got).toMatch(new RegExp(`^${bytes} `));
    for (const space of spaces) {
      const counters = inside(space, 'cat', '/proc/net/snmp').split('\n');
      const [names = [], values = []] = counters
        .filter((line) => line.startsWith('Tcp:'))
        .map((line) => line.split(' '));
      expect(values[names.indexOf('InCsumErrors')]).toBe('0');
    }
  }

  it.each([4, 6] as const)('big frames cross uncut between two stacks: IPv%i', async (version) => {
    const [a, b] = await pair({}, {});
    expect(a.state().endpoint?.offloads).toEqual(expect.arrayContaining(all));
    await transfer(version);
    const { counters } = await settledStats(b);
    expect(counters.rx_big_whole).toBeGreaterThan(0);
    expect(counters.rx_bytes).toBeGreaterThan(counters.rx_frames * mtuFrameBytes);
    expect([counters.rx_big_cut, counters.rx_coalesced]).toEqual([0, 0]);
    // The host announces itself as soon as an interface is up: before the other port was there.
    const refused = Object.keys(dropsThatHappened(a.stats())).filter(
      (name) => name.startsWith('tx_') && name !== 'tx_no_destination',
    );
    expect(refused).toEqual([]);
  });

  it('off at the receiver: it gets segments of its MTU', async () => {
    const [, b] = await pair({}, { offloads: false });
    expect(b.state().endpoint?.offloads).toEqual([]);
    await transfer(4);
    const { counters } = await settledStats(b);
    expect(counters.rx_big_whole).toBe(0);
    expect(counters.rx_big_cut).toBeGreaterThan(0);
    expect(counters.rx_segments_made).toBeGreaterThan(counters.rx_big_cut);
    expect(counters.rx_bytes).toBeLessThanOrEqual(counters.rx_frames * mtuFrameBytes);
  });

  it('off at the sender: its segments are put together', async () => {
    const [, b] = await pair({ offloads: false }, {});
    await transfer(6);
    const { counters } = await settledStats(b);
    expect(counters.rx_coalesced).toBeGreaterThan(0);
    expect([counters.rx_big_whole, counters.rx_big_cut]).toEqual([0, 0]);
  });

  it('one system call for many datagrams (USO), from one stack to the other', async () => {
    const [a, b] = await pair({}, {});
    const [from, to] = spaces as [string, string];
    const receiver = run(to, datagrams, addresses[4][1]);
    await until(receiver.said, (text) => text.includes('ready'));
    inside(from, 'perl', '-e', burst, addresses[4][1]);
    await until(receiver.said, (text) => text.includes('done'));
    expect(receiver.said()).toContain('done 20 20000');
    const uso = a.state().endpoint?.offloads?.includes('USO4') ?? false;
    expect((await settledStats(b)).counters.rx_big_whole).toBe(uso ? 1 : 0);
  });

  it('off on both sides: nothing is left to anybody', async () => {
    const [, b] = await pair({ offloads: false }, { offloads: false });
    await transfer(4);
    const { rx_big_whole, rx_big_cut, rx_checksums_made, rx_coalesced } = (await settledStats(b))
      .counters;
    expect([rx_big_whole, rx_big_cut, rx_checksums_made, rx_coalesced]).toEqual([0, 0, 0, 0]);
  });
});
