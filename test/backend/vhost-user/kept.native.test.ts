/** What a running guest keeps when the back-end restarts with another configuration. */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { PeerLog } from '../../../backend/log.ts';
import {
  KeptFiles,
  KeptGuest,
  VhostUserEndpoint,
  type VhostUserEndpointOptions,
} from '../../../backend/vhost-user/index.ts';
import type { Kept } from '../../../backend/vhost-user/kept-file.ts';
import { processOf } from '../../../backend/vhost-user/process.ts';
import { featureMask, requests } from '../../../frontend-spec/index.ts';
import { addon, eventually, Frontend, later, RecordingDatapath, RecordingLog } from './support.ts';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'valenic-'));
  path = join(folder, 'vm1.sock');
  later(() => rmSync(folder, { recursive: true, force: true }));
});

const guests = () => join(folder, 'state', 'guests');
const files = () => new KeptFiles(join(folder, 'state'));
const records = () => (existsSync(guests()) ? readdirSync(guests()) : []);
const record = () => readFileSync(join(guests(), records()[0] ?? ''), 'utf8');

interface Made {
  readonly endpoint: VhostUserEndpoint;
  readonly log: RecordingLog;
  readonly kept: KeptGuest;
}

/** As a daemon that starts now does. */
async function serve(options: Partial<VhostUserEndpointOptions> = {}): Promise<Made> {
  const log = new RecordingLog();
  const kept = await KeptGuest.load(files(), path, new PeerLog(log, {}));
  const endpoint = new VhostUserEndpoint({
    ...{ addon, log, kept, datapath: new RecordingDatapath(), port: 3, name: 'vale0:vm1', path },
    ...{ role: 'server', queues: 1, timings: { reconnectMinMs: 10, reconnectMaxMs: 40 } },
    ...options,
  });
  later(() => endpoint.close());
  await endpoint.start();
  return { endpoint, log, kept };
}

const connect = () => new Frontend(addon.connectFdSocket(path));
const csum = ['VIRTIO_NET_F_CSUM', 'VIRTIO_NET_F_HOST_TSO4'] as const;
const driver = ['VIRTIO_F_VERSION_1', 'VIRTIO_NET_F_MRG_RXBUF', 'VIRTIO_NET_F_MTU'] as const;
const protocol = ['REPLY_ACK', 'MQ', 'MTU', 'STATUS'] as const;

/** What QEMU does when it connects. Returns the offer. */
async function hears(frontend: Frontend, pairs = 1): Promise<{ features: bigint; queues: bigint }> {
  const features = await frontend.askU64('GET_FEATURES');
  await frontend.send('SET_PROTOCOL_FEATURES', { value: 0x1n });
  const queues = await frontend.askU64('GET_QUEUE_NUM');
  for (let ring = 0; ring < 2 * Math.min(pairs, Number(queues)); ++ring) {
    await frontend.send(
      'SET_VRING_CALL',
      { value: BigInt(ring) },
      { fds: [addon.createEventFd()] },
    );
  }
  await frontend.settled();
  return { features, queues };
}

/** A guest's driver starts with two queue pairs and checksums. */
async function runs(frontend: Frontend, pairs = 2, mtu?: bigint): Promise<void> {
  await hears(frontend, pairs);
  await frontend.negotiate([...driver, ...csum], [...protocol]);
  if (mtu !== undefined) {
    const answer = await frontend.ask('NET_SET_MTU', { value: mtu }, { needReply: true });
    expect(answer?.readBigUInt64LE()).toBe(0n);
  }
  await frontend.shareMemory();
  for (let ring = 0; ring < 2 * pairs; ++ring) await frontend.setUpRing(ring);
  await frontend.settled();
}

/** A daemon with two queue pairs and offloads served a guest of this process, and ended. */
async function served(options: Partial<VhostUserEndpointOptions> = {}): Promise<Frontend> {
  const { endpoint } = await serve({ queues: 2, ...options });
  const frontend = connect();
  await runs(frontend, 2, options.mtu === undefined ? undefined : BigInt(options.mtu));
  await endpoint.close();
  return frontend;
}

/** A process that connects and waits to be ended. */
async function stranger(): Promise<{ pid: number; end: () => Promise<void> }> {
  // GET_FEATURES: request 1, version 1, no payload.
  const script = `
    const socket = require('node:net').connect(${JSON.stringify(path)});
    socket.write(Buffer.from('010000000100000000000000', 'hex'));
    socket.on('data', () => console.log('heard')).on('error', () => {});
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  };
  later(end);
  await once(child.stdout, 'data');
  return { pid: child.pid ?? -1, end };
}

describe('a back-end that comes back with less', () => {
  it('offers the process that was here what it had', async () => {
    await served();
    const { endpoint } = await serve({ queues: 1, offloads: false });
    const frontend = connect();
    const { features, queues } = await hears(frontend, 2);
    expect(features & featureMask(csum)).toBe(featureMask(csum));
    expect(features & featureMask(['VIRTIO_NET_F_MQ'])).not.toBe(0n);
    expect(queues).toBe(2n);
    await runs(frontend);
    expect(endpoint.state()).toMatchObject({ connected: true, fault: null });
    expect(endpoint.state().rings.map(({ started }) => started)).toEqual(Array(4).fill(true));
  });

  it('says both sets, and how the guest is changed over', async () => {
    await served();
    const { endpoint, log } = await serve({ queues: 1, offloads: false });
    const frontend = connect();
    await frontend.settled();
    const { notice } = endpoint.state();
    expect(notice).toMatch(
      /^The guest keeps 2 queue pairs and .*VIRTIO_NET_F_CSUM.*, which it had before; the port is /,
    );
    expect(notice).toMatch(
      / configured for 1 queue pair, without these features\. .*end its VMM and start it anew/,
    );
    expect(notice).not.toContain('MRG_RXBUF');
    expect(log.messages('info')).toContain(notice);
    frontend.close();
    await eventually(() => expect(endpoint.state().connected).toBe(false));
    expect(endpoint.state().notice).toBeNull();
  });

  it.each([
    [{ queues: 1 }, /keeps 2 queue pairs and VIRTIO_NET_F_MQ, which/],
    [{ queues: 2, offloads: false }, /keeps VIRTIO_NET_F_CSUM [^,]*, which.* configured without/],
  ])('names only what differs: %j', async (options, text) => {
    await served();
    const { endpoint } = await serve(options);
    await connect().settled();
    expect(endpoint.state().notice).toMatch(text);
  });

  it('says nothing where nothing differs', async () => {
    await served();
    const { endpoint } = await serve({ queues: 2 });
    await connect().settled();
    expect(endpoint.state()).toMatchObject({ connected: true, notice: null });
  });

  it('offers it again to a guest whose driver was being reset', async () => {
    // It heard the offer, but its driver had taken nothing when the back-end ended.
    const first = await serve({ queues: 2 });
    await hears(connect(), 2);
    await first.endpoint.close();
    const { endpoint } = await serve({ queues: 1, offloads: false });
    const frontend = connect();
    await runs(frontend);
    expect(endpoint.state()).toMatchObject({ connected: true, fault: null });
  });

  it('lets it have the MTU that its guest was told', async () => {
    await served({ mtu: 9000 });
    const { endpoint } = await serve({ queues: 2, mtu: 1500 });
    await runs(connect(), 2, 9000n);
    expect(endpoint.state()).toMatchObject({ mtu: 9000, refused: null });
    expect(endpoint.state().notice).toContain('was told an MTU of 9000, but its port has 1500');
  });

  it('keeps it over as many restarts as there are', async () => {
    await served();
    for (let turn = 0; turn < 3; ++turn) {
      const { endpoint } = await serve({ queues: 1, offloads: false });
      await runs(connect());
      expect(endpoint.state()).toMatchObject({ connected: true, fault: null });
      await endpoint.close();
    }
  });

  it('in the role of a client too', async () => {
    // The test listens, as QEMU with server=on, and goes on listening.
    const listener = addon.listenFdSocket(path, 4, 0o600);
    later(() => listener.close());
    const accepted = async () => {
      for (;;) {
        const socket = listener.accept();
        if (socket !== null) return new Frontend(socket);
        await new Promise<void>((resolve) => listener.onceReadable(resolve));
      }
    };
    const first = await serve({ role: 'client', queues: 2 });
    await runs(await accepted());
    await first.endpoint.close();
    await serve({ role: 'client', queues: 1, offloads: false });
    const { features, queues } = await hears(await accepted(), 2);
    expect(features & featureMask(csum)).toBe(featureMask(csum));
    expect(queues).toBe(2n);
  });
});

describe('another front-end', () => {
  it('gets what the port is configured with', async () => {
    const { endpoint } = await serve({ queues: 2 });
    const { pid } = await stranger();
    await eventually(() => expect(record()).toContain(`"pid":${pid}`));
    await endpoint.close();
    const next = await serve({ queues: 1, offloads: false });
    const frontend = connect();
    const { features, queues } = await hears(frontend);
    expect(features & featureMask(csum)).toBe(0n);
    expect(queues).toBe(1n);
    expect(next.endpoint.state().notice).toBeNull();
  });

  it('that only looks in does not take the place of a guest that runs', async () => {
    await served();
    const { endpoint } = await serve({ queues: 2 });
    await stranger();
    await endpoint.close();
    await serve({ queues: 1, offloads: false });
    expect((await hears(connect(), 2)).queues).toBe(2n);
  });

  it('of the same number but another start is another', async () => {
    const own = await ownRecord();
    const process = { ...own.process, startTicks: own.process.startTicks - 1 };
    await files().write(path, { ...own, process });
    await serve({ queues: 1, offloads: false });
    const { features } = await hears(connect());
    expect(features & featureMask(csum)).toBe(0n);
  });
});

/** Of this process, as if nothing were missing. */
async function ownRecord(): Promise<Kept> {
  const owner = await processOf(process.pid);
  if (owner === null) throw new Error('no process');
  const all = featureMask([...driver, ...csum]);
  const had = { offered: all, taken: all, protocolFeatures: 0x1n, queues: 2, mtu: null };
  return { process: owner, had };
}

describe('the record', () => {
  it('goes when the front-end that left has ended', async () => {
    const { endpoint } = await serve();
    const { end } = await stranger();
    await eventually(() => expect(records()).toHaveLength(1));
    await end();
    await eventually(() => expect(records()).toEqual([]));
    expect(endpoint.state().connected).toBe(false);
  });

  it('of a process that ended meanwhile is removed, whosever port it was', async () => {
    const { endpoint } = await serve();
    const { end } = await stranger();
    await eventually(() => expect(records()).toHaveLength(1));
    await endpoint.close();
    expect(records()).toHaveLength(1);
    await end();
    writeFileSync(join(guests(), `${'a'.repeat(32)}.json.4194304.${'b'.repeat(16)}`), '{');
    writeFileSync(join(guests(), 'notes.txt'), 'of somebody');
    await KeptGuest.load(files(), join(folder, 'other.sock'), new PeerLog(new RecordingLog(), {}));
    expect(records()).toEqual(['notes.txt']);
  });

  it('is not written again while nothing changes, and is of its owner alone', async () => {
    await served();
    const before = readdirSync(guests()).map((name) => [name, readFileSync(join(guests(), name))]);
    const { endpoint } = await serve({ queues: 2 });
    await runs(connect());
    await endpoint.close();
    const after = readdirSync(guests()).map((name) => [name, readFileSync(join(guests(), name))]);
    expect(after).toEqual(before);
  });

  it('that cannot be written costs one line, and the guest runs', async () => {
    writeFileSync(join(folder, 'state'), 'not a folder');
    const { endpoint, log } = await serve();
    await runs(connect(), 1);
    await eventually(() => expect(log.messages('warn')).toHaveLength(1));
    expect(log.messages('warn')[0]).toMatch(
      /cannot be written down: .*restart the daemon only with/,
    );
    expect(endpoint.state()).toMatchObject({ connected: true, fault: null });
  });

  it.runIf(process.getuid?.() === 0)('on a full disk costs one line as well', async () => {
    const state = join(folder, 'state');
    mkdirSync(state);
    // Its own folder, and the one made in it: there is no room for a file.
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k,nr_inodes=2,mode=700', 'valenic', state]);
    later(() => void execFileSync('umount', ['-l', state]));
    const { endpoint, log } = await serve();
    await runs(connect(), 1);
    await eventually(() => expect(log.messages('warn')).toHaveLength(1));
    expect(log.messages('warn')[0]).toContain('ENOSPC');
    expect(endpoint.state()).toMatchObject({ connected: true, fault: null });
    expect(records()).toEqual([]);
  });

  it('what it asks for beyond what is built is not offered, and that is told', async () => {
    const own = await ownRecord();
    const taken = own.had.taken | (1n << 45n);
    const had = { ...own.had, taken, offered: taken, queues: 20, protocolFeatures: ~0n & 0xffn };
    await files().write(path, { ...own, had });
    const { endpoint, log, kept } = await serve();
    expect(kept.queues).toBe(16);
    const frontend = connect();
    const { features, queues } = await hears(frontend);
    expect(features & (1n << 45n)).toBe(0n);
    expect(queues).toBe(16n);
    expect(await frontend.askU64('GET_PROTOCOL_FEATURES')).not.toBe(0xffn);
    frontend.close();
    await eventually(() => expect(endpoint.state().connected).toBe(false));
    expect(endpoint.state().notice).toMatch(/20 queue pairs and 0x200000000000, which this/);
    expect(log.messages('warn').join()).toContain('Start its VMM anew');
  });
});

it('the numbers of the stranger are those of the table', () => {
  expect(requests.GET_FEATURES.id).toBe(1);
});
