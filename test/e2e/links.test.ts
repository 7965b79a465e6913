/** Guests beside other kinds of ports: an e1000 NIC over a stream, and the stack of the host. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GuestDescription } from '../../qemu/index.ts';
import { Counts, eth0, introduce, Lab, macOf, pinged, type Station, until } from './lab.ts';
import { testImage } from './qemu/image.ts';

const payloadBytes = 4 << 20;
const port = 5001;

/** Sends a checked payload; resolves when both ends agree on every byte. */
async function transfer(from: Station, to: Station, address = to.address): Promise<void> {
  const listener = await to.agent.tcpListen(port);
  const sent = await from.agent.tcpConnect({ address, port, bytes: payloadBytes, seed: 7 });
  const seen = await listener.finished({ timeoutMs: 60_000 });
  expect(sent).toMatchObject({ bytes: payloadBytes, checksumOk: true });
  expect(seen).toMatchObject({ bytes: payloadBytes, checksumOk: true, transfers: 1 });
}

describe('an e1000 guest on a stream port and a virtio guest', () => {
  let lab: Lab;
  let virtio: Station;
  let e1000: Station;

  beforeAll(async () => {
    lab = await Lab.create();
    await lab.addPort('v');
    const address = lab.socketOf('e');
    await lab.addDevice('e', { kind: 'stream', address, role: 'server' });
    // The small kernel has no driver for it.
    const image = await testImage({ kernel: 'generic', modules: ['e1000'] });
    const description: GuestDescription = {
      ...lab.describe('e', { station: 2 }),
      memoryMiB: 256,
      boot: {
        ...{ kind: 'kernel', kernel: image.kernel, initrd: image.initrd },
        append: `${image.append} ipv6.disable=1`,
      },
      nics: [
        {
          mac: macOf(2),
          model: 'e1000',
          backend: { kind: 'stream', path: address, listen: false },
        },
      ],
    };
    const booting = [lab.boot('v', { station: 1 }), lab.bootAs('e', 2, description)] as const;
    [virtio, e1000] = await Promise.all(booting);
    for (const { agent, address: at } of [virtio, e1000]) {
      await agent.configure({ interface: eth0, address: `${at}/24`, up: true });
    }
    // The NIC negotiates its link first, which takes it a while.
    await until(
      'the link of e1000',
      () => pinged(virtio, e1000, 1),
      (answers) => answers === 1,
    );
  });
  afterAll(() => lab?.close());

  it('answer each other', async () => {
    expect(lab.port('e').state().endpoint).toMatchObject({
      connected: true,
      peer: { pid: e1000.guest.pid },
      fault: null,
    });
    expect(await pinged(virtio, e1000, 5)).toBe(5);
    expect(await pinged(e1000, virtio, 5)).toBe(5);
  });

  it('send each other 4 MiB, every byte as it was', async () => {
    const counts = new Counts(lab.port('v'), lab.port('e'));
    await transfer(virtio, e1000);
    await transfer(e1000, virtio);
    // TCP mends what a slow receiver drops; nothing else may be lost.
    const { rx_backlog_full: _, rx_no_buffer: __, ...others } = counts.drops();
    expect(others).toEqual({});
  });
});

const may = existsSync('/dev/net/tun') && process.getuid?.() === 0;
const ip = (...words: readonly string[]) => void execFileSync('ip', words, { stdio: 'pipe' });

/** Passes what comes to `host` on to a guest: through the stack there and back. */
const relay = `
  const net = require('node:net');
  const [to, host] = process.argv.slice(1);
  net.createServer({ allowHalfOpen: true }, (client) => {
    const other = net.connect({ port: ${port}, host: to, allowHalfOpen: true });
    client.pipe(other).pipe(client);
    const end = () => { client.destroy(); other.destroy(); };
    for (const one of [client, other]) one.on('error', end);
  }).listen(${port}, host, () => console.log('ready'));
`;

const webPort = 8080;
/** Serves one file to whoever asks. */
const web = `
  const { createReadStream } = require('node:fs');
  const [file, host] = process.argv.slice(1);
  require('node:http').createServer((_, answer) => createReadStream(file).pipe(answer))
    .listen(${webPort}, host, () => console.log('ready'));
`;

/** What came to an interface, as tshark reads it: a witness that shares no line with us. */
class Capture {
  readonly #file: string;
  readonly #ended: Promise<unknown>;
  readonly #program: ChildProcess;

  private constructor(file: string, program: ChildProcess) {
    this.#file = file;
    this.#program = program;
    this.#ended = once(program, 'exit');
  }

  /** Resolves when it listens. 64 MiB: all that is sent here waits there if need be. */
  static async start(host: Host, name: string, file: string, from: string): Promise<Capture> {
    const words = ['-q', '-p', '-i', name, '-B', '64', '-f', `ether src ${from}`, '-w', file];
    const program = spawn('ip', ['netns', 'exec', host.namespace, 'dumpcap', ...words]);
    const capture = new Capture(file, program);
    let said = '';
    program.stderr.on('data', (text) => {
      said += text;
    });
    await until(
      'dumpcap',
      () => said,
      (text) => text.includes('File: '),
    );
    return capture;
  }

  /**
   * Waits until the file is so long; of each TCP frame its length, that of its payload, and what
   * its checksums are.
   */
  async stop(fileBytes: number): Promise<readonly (readonly number[])[]> {
    const written = (): number => statSync(this.#file).size;
    await until('what was captured', written, (bytes) => bytes >= fileBytes);
    this.#program.kill('SIGINT');
    await this.#ended;
    const fields = ['frame.len', 'tcp.len', 'ip.checksum.status', 'tcp.checksum.status'];
    const words = [
      ...['-n', '-r', this.#file, '-Y', 'tcp', '-T', 'fields', '-E', 'separator= '],
      ...['-o', 'ip.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE'],
      ...fields.flatMap((field) => ['-e', field]),
    ];
    const text = execFileSync('tshark', words, { encoding: 'utf8', stdio: 'pipe' });
    return text
      .trim()
      .split('\n')
      .map((line) => line.split(' ').map(Number));
  }
}

/** A host of its own in a network namespace, with one interface there. */
class Host {
  readonly namespace: string;
  readonly address: string;
  readonly #programs: ChildProcess[] = [];

  constructor(namespace: string, address: string) {
    this.namespace = namespace;
    this.address = address;
    ip('netns', 'add', namespace);
    const quiet = ['sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1'];
    spawnSync('ip', ['netns', 'exec', namespace, ...quiet]);
  }

  has(interfaceName: string): void {
    const { namespace, address } = this;
    ip('link', 'set', interfaceName, 'netns', namespace);
    ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', interfaceName);
    ip('-n', namespace, 'link', 'set', interfaceName, 'up');
  }

  relayTo(guest: Station): Promise<void> {
    return this.#run('the relay', relay, guest.address);
  }

  /** At `webPort`. */
  serve(file: string): Promise<void> {
    return this.#run('the web server', web, file);
  }

  async #run(what: string, script: string, word: string): Promise<void> {
    const program = [process.execPath, '-e', script, word, this.address];
    const started = spawn('ip', ['netns', 'exec', this.namespace, ...program]);
    this.#programs.push(started);
    let said = '';
    started.stdout.on('data', (text) => {
      said += text;
    });
    await until(
      what,
      () => said,
      (text) => text.includes('ready'),
    );
  }

  close(): void {
    for (const program of this.#programs) program.kill();
    spawnSync('ip', ['netns', 'del', this.namespace]);
  }
}

describe.skipIf(!may)('guests, the stack of the host over a tap port, and one on a wire', () => {
  const [tap, plain] = [`ve${process.pid}t`, `ve${process.pid}o`];
  /** The ends of veth pairs, the port's and the host's. */
  const wires = { w: { io: 'af-packet' }, x: { io: 'af-xdp' } } as const;
  const nearOf = (name: string) => `ve${process.pid}${name}n`;
  let lab: Lab;
  let a: Station;
  let b: Station;
  const hosts: Record<string, Host> = {};

  beforeAll(async () => {
    lab = await Lab.create();
    hosts.t = new Host(`vale-e2e-${process.pid}t`, '10.11.0.254');
    await lab.addDevice('t', { kind: 'tap', interface: tap, queues: 1 });
    hosts.t.has(tap);
    hosts.o = new Host(`vale-e2e-${process.pid}o`, '10.11.0.251');
    const without = { kind: 'tap', interface: plain, queues: 1, offloads: false } as const;
    await lab.addDevice('o', without);
    hosts.o.has(plain);
    for (const [index, [name, { io }]] of Object.entries(wires).entries()) {
      const host = new Host(`vale-e2e-${process.pid}${name}`, `10.11.0.${253 - index}`);
      hosts[name] = host;
      const near = nearOf(name);
      const far = `ve${process.pid}${name}f`;
      ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far);
      host.has(far);
      spawnSync('sysctl', ['-qw', `net.ipv6.conf.${near}.disable_ipv6=1`]);
      ip('link', 'set', near, 'up');
      // Over AF_XDP a queue is one of the interface's own: a veth has one.
      const queues = io === 'af-xdp' ? 1 : 2;
      await lab.addDevice(name, { kind: 'packet', interface: near, queues, io });
    }
    [a, b] = await lab.bootAll('a', 'b');
    await introduce(a, b);
  });
  afterAll(async () => {
    await lab?.close();
    for (const host of Object.values(hosts)) host.close();
    for (const name of [tap, plain, ...Object.keys(wires).map(nearOf)]) {
      spawnSync('ip', ['link', 'del', name]);
    }
  });

  describe.each([
    ['over a tap port', 't'],
    ['on a wire, over a packet port', 'w'],
    ['on a wire, over a packet port and AF_XDP', 'x'],
  ])('a host %s', (_, name) => {
    const host = (): Host => hosts[name] as Host;

    it('answers a guest', async () => {
      expect((await a.agent.ping({ address: host().address, count: 5 })).received).toBe(5);
      expect(lab.port(name).stats().counters.rx_frames).toBeGreaterThanOrEqual(5);
    });

    it('is sent 4 MiB by a guest and sends them to another, every byte as it was', async () => {
      await host().relayTo(b);
      await transfer(a, b, host().address);
      const { counters } = lab.port(name).stats();
      expect(counters.rx_bytes).toBeGreaterThan(payloadBytes);
      expect(counters.tx_bytes).toBeGreaterThan(payloadBytes);
    });

    it('serves a file by HTTP, and its hash in the guest is that on the host', async () => {
      const file = join(lab.dir, `${name}.bin`);
      const content = randomBytes(payloadBytes);
      await writeFile(file, content);
      await host().serve(file);
      const url = `http://${host().address}:${webPort}/`;
      const fetched = `/bin/busybox wget -q -O - ${url} | /bin/busybox sha256sum`;
      const program = await a.agent.program('/bin/busybox', 'sh', '-c', fetched);
      const { status, output } = await program.finished(60_000);
      const hash = createHash('sha256').update(content).digest('hex');
      expect({ status, output: output.trim() }).toEqual({ status: 0, output: `${hash}  -` });
    });
  });

  it('big frames reach a host without offloads as right segments of its MTU', async () => {
    const host = hosts.o as Host;
    await host.relayTo(b);
    const file = join(lab.dir, 'o.pcap');
    const capture = await Capture.start(host, plain, file, a.mac);
    const counts = new Counts(lab.port('o'));
    await transfer(a, b, host.address);
    const rows = await capture.stop(payloadBytes);
    const { rx_big_whole, rx_big_cut } = counts.changes()[0]?.counters ?? {};
    expect(rx_big_whole).toBe(0);
    expect(rx_big_cut).toBeGreaterThan(0);
    expect(rows.filter(([, , ip, tcp]) => ip !== 1 || tcp !== 1)).toEqual([]);
    expect(Math.max(...rows.map(([frameBytes = 0]) => frameBytes))).toBe(1514);
    const sum = rows.reduce((bytes, [, payload = 0]) => bytes + payload, 0);
    // The file has headers besides, and dumpcap leaves what it did not read.
    expect(sum).toBeGreaterThan(payloadBytes * 0.9);
  });

  it('a big frame of a guest reaches the wire uncut', () => {
    const { counters } = lab.port('w').stats();
    expect(counters.rx_big_whole).toBeGreaterThan(0);
    expect(counters.rx_big_cut).toBe(0);
  });

  it('is cut for a wire over AF_XDP', () => {
    const { endpoint } = lab.port('x').state();
    expect(endpoint?.io).toMatchObject({ mode: 'af-xdp', zeroCopy: false, xdp: 'native' });
    const { counters } = lab.port('x').stats();
    expect(counters.rx_big_whole).toBe(0);
    expect(counters.rx_big_cut).toBeGreaterThan(0);
  });
});
