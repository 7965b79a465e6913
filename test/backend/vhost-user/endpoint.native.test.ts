/** Both roles on real paths: sockets left behind, taken, refused; front-ends that come and go. */
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  VhostUserEndpoint,
  type VhostUserEndpointOptions,
} from '../../../backend/vhost-user/index.ts';
import { addon, eventually, Frontend, later, RecordingDatapath, RecordingLog } from './support.ts';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'valenic-'));
  path = join(folder, 'vm1.sock');
  later(() => rmSync(folder, { recursive: true, force: true }));
});

interface Made {
  readonly endpoint: VhostUserEndpoint;
  readonly datapath: RecordingDatapath;
  readonly log: RecordingLog;
}

function make(options: Partial<VhostUserEndpointOptions> = {}): Made {
  const [datapath, log] = [new RecordingDatapath(), new RecordingLog()];
  const endpoint = new VhostUserEndpoint({
    ...{ addon, datapath, log, port: 3, name: 'vale0:vm1', path, role: 'server', queues: 1 },
    timings: { reconnectMinMs: 10, reconnectMaxMs: 40, memoryNoticeMs: 50 },
    ...options,
  });
  later(() => endpoint.close());
  return { endpoint, datapath, log };
}

const connect = () => new Frontend(addon.connectFdSocket(path));
const mode = () => lstatSync(path).mode & 0o777;

describe('server: the socket file', () => {
  it('is for the owner alone unless told otherwise, and goes with the endpoint', async () => {
    const { endpoint } = make();
    await endpoint.start();
    expect(mode()).toBe(0o600);
    await endpoint.close();
    expect(existsSync(path)).toBe(false);
    expect(existsSync(`${path}.lock`)).toBe(false);
    await endpoint.close();
  });

  it('gets the mode it is told, whatever the umask', async () => {
    const umask = process.umask(0o077);
    later(() => void process.umask(umask));
    await make({ mode: 0o666 }).endpoint.start();
    expect(mode()).toBe(0o666);
  });

  it.runIf(process.getuid?.() === 0)('gets the group it is told, by name', async () => {
    await make({ mode: 0o660, group: 'daemon' }).endpoint.start();
    expect(mode()).toBe(0o660);
    expect(lstatSync(path).gid).toBe(1);
  });

  it('refuses a group that does not exist, and leaves nothing behind', async () => {
    const { endpoint } = make({ group: 'no-such-group' });
    await expect(endpoint.start()).rejects.toMatchObject({
      code: 'group_unknown',
      message: 'there is no group "no-such-group" in /etc/group',
    });
    expect(existsSync(path)).toBe(false);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it('takes the place of one that was left behind', async () => {
    addon.listenFdSocket(path, 1, 0o600).close();
    expect(lstatSync(path).isSocket()).toBe(true);
    await make().endpoint.start();
    await connect().settled();
  });

  it('takes over a lock that was left behind', async () => {
    writeFileSync(`${path}.lock`, '');
    await make().endpoint.start();
    await connect().settled();
  });

  it('leaves alone the socket of a program that listens there', async () => {
    const other = addon.listenFdSocket(path, 1, 0o600);
    later(() => other.close());
    await expect(make().endpoint.start()).rejects.toMatchObject({
      code: 'socket_in_use',
      message: `${path}: another program listens there; choose another path`,
    });
    expect(lstatSync(path).isSocket()).toBe(true);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it('leaves alone the socket of another endpoint, also while it starts', async () => {
    const attempts = await Promise.allSettled([make().endpoint.start(), make().endpoint.start()]);
    expect(attempts.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await expect(make().endpoint.start()).rejects.toMatchObject({ code: 'socket_in_use' });
    await connect().settled();
  });

  it('leaves alone a stale socket that another process is about to replace', async () => {
    addon.listenFdSocket(path, 1, 0o600).close();
    const lock = await open(`${path}.lock`, 'w');
    later(() => lock.close());
    expect(addon.tryLockFile(lock.fd)).toBe(true);
    await expect(make().endpoint.start()).rejects.toMatchObject({ code: 'socket_in_use' });
    expect(existsSync(path)).toBe(true);
    expect(existsSync(`${path}.lock`)).toBe(true);
  });

  it('is not misled by a lock file that its owner removes while we take it', async () => {
    let gone = false;
    const tryLockFile = (fd: number): boolean => {
      // The owner goes at this very moment, and a third process comes before us.
      if (gone) return addon.tryLockFile(fd);
      gone = true;
      rmSync(`${path}.lock`);
      const third = openSync(`${path}.lock`, 'w');
      later(() => closeSync(third));
      expect(addon.tryLockFile(third)).toBe(true);
      return addon.tryLockFile(fd);
    };
    const endpoint = make({ addon: { ...addon, tryLockFile } }).endpoint;
    await expect(endpoint.start()).rejects.toMatchObject({ code: 'socket_in_use' });
    expect(existsSync(path)).toBe(false);
    expect(existsSync(`${path}.lock`)).toBe(true);
  });

  it('leaves alone what is not a socket', async () => {
    writeFileSync(path, 'precious');
    await expect(make().endpoint.start()).rejects.toMatchObject({
      code: 'socket_failed',
      message: `${path} exists and is not a socket, so it is left alone`,
    });
    expect(lstatSync(path).size).toBe(8);
  });

  it('leaves alone a file that took its place meanwhile', async () => {
    const { endpoint } = make();
    await endpoint.start();
    rmSync(path);
    writeFileSync(path, 'precious');
    await endpoint.close();
    expect(lstatSync(path).size).toBe(8);
  });

  it('says that the folder is missing', async () => {
    const endpoint = make({ path: join(folder, 'missing', 'vm.sock') }).endpoint;
    await expect(endpoint.start()).rejects.toMatchObject({
      code: 'socket_failed',
      message: expect.stringContaining('its folder does not exist'),
    });
  });

  it('says that the path is too long', async () => {
    const endpoint = make({ path: join(folder, 'x'.repeat(108)) }).endpoint;
    await expect(endpoint.start()).rejects.toMatchObject({
      code: 'socket_failed',
      message: expect.stringContaining('107 bytes'),
    });
  });

  it.runIf(process.getuid?.() !== 0)('says that it may not write there', async () => {
    chmodSync(folder, 0o500);
    await expect(make().endpoint.start()).rejects.toMatchObject({ code: 'socket_failed' });
  });
});

describe('server: front-ends', () => {
  it('come one after the other, each to a fresh device', async () => {
    const { endpoint, datapath } = make();
    await endpoint.start();
    for (let i = 0; i < 3; ++i) {
      const frontend = connect();
      await frontend.negotiate();
      await frontend.shareMemory();
      await frontend.setUpRing(0);
      await frontend.settled();
      expect(endpoint.state()).toMatchObject({ connected: true, memoryRegions: 1 });
      frontend.close();
    }
    await eventually(() => expect(endpoint.state().connected).toBe(false));
    expect(endpoint.state().rings).toEqual([]);
    const count = (name: string) => datapath.names().filter((each) => each === name).length;
    expect(count('vhost.ring.start')).toBe(3);
    expect(count('vhost.ring.stop')).toBe(3);
  });

  it('one that comes back at once waits until the rings of the first are stopped', async () => {
    const { endpoint, datapath } = make();
    await endpoint.start();
    const first = connect();
    await first.negotiate();
    await first.shareMemory();
    await first.setUpRing(0);
    await first.settled();
    let release = () => {};
    datapath.before = (name) =>
      name === 'vhost.ring.stop'
        ? new Promise((resolve) => (release = resolve))
        : Promise.resolve();
    first.close();
    const second = connect();
    await second.send('GET_FEATURES', {});
    await sleep(50);
    expect(second.socket.receive(20)).toBeNull();
    release();
    expect((await second.answer())?.payload.length).toBe(8);
  });

  it('a second one is turned away while the first is there', async () => {
    const { endpoint, log } = make();
    await endpoint.start();
    const first = connect();
    await first.settled();
    expect(await connect().refused()).toBe(true);
    expect(log.messages('warn')).toEqual([
      'a second front-end was turned away, because one is connected; ' +
        'disconnect that one, or add a port for the second',
    ]);
    await first.settled();
  });

  it('one that breaks a rule is shut out, and the next is welcome', async () => {
    const { endpoint, log } = make();
    await endpoint.start();
    const bad = connect();
    await bad.send('SET_FEATURES', { value: ~0n & 0xffff_ffff_ffff_ffffn });
    expect(await bad.refused()).toBe(true);
    await eventually(() =>
      expect(endpoint.state().fault).toMatchObject({
        code: 'feature_not_offered',
        at: expect.any(Number),
      }),
    );
    expect(log.messages('warn')[0]).toMatch(/^the connection was closed: the front-end accepted/);
    const good = connect();
    await good.negotiate();
    await good.shareMemory();
    await good.setUpRing(0);
    await good.settled();
    await eventually(() => expect(endpoint.state().fault).toBeNull());
  });

  it('who break rules again and again do not fill the log', async () => {
    const { endpoint, log } = make();
    await endpoint.start();
    for (let i = 0; i < 20; ++i) {
      const bad = connect();
      await bad.bytes(Buffer.alloc(12));
      expect(await bad.refused()).toBe(true);
    }
    await eventually(() => expect(endpoint.state().connected).toBe(false));
    expect(log.messages('warn')).toHaveLength(1);
    expect(log.messages('info').length).toBeLessThanOrEqual(3);
  });
});

describe('client', () => {
  function listen() {
    const listener = addon.listenFdSocket(path, 4, 0o600);
    later(() => listener.close());
    return async () => {
      for (;;) {
        const socket = listener.accept();
        if (socket !== null) return new Frontend(socket);
        await new Promise<void>((resolve) => listener.onceReadable(resolve));
      }
    };
  }

  it('connects when the path comes to exist, and again for ever', async () => {
    const { endpoint, log } = make({ role: 'client' });
    await endpoint.start();
    await eventually(() =>
      expect(log.messages('info')).toEqual([
        `${path}: waiting for the front-end (there is no such socket yet)`,
      ]),
    );
    const accept = listen();
    for (let i = 0; i < 3; ++i) {
      const frontend = await accept();
      await frontend.settled();
      expect(endpoint.state()).toMatchObject({ role: 'client', connected: true });
      frontend.close();
    }
  });

  it('meets one that hangs up at once as slowly as one that is away', async () => {
    const { endpoint } = make({ role: 'client' });
    const accept = listen();
    await endpoint.start();
    const start = performance.now();
    for (let i = 0; i < 5; ++i) (await accept()).close();
    expect(performance.now() - start).toBeGreaterThan(10 + 20 + 40 + 40 - 10);
  });

  it('closes while it waits, at once', async () => {
    const { endpoint } = make({ role: 'client', timings: { reconnectMinMs: 60_000 } });
    await endpoint.start();
    await endpoint.close();
  });

  it('leaves the socket file of the front-end alone', async () => {
    const { endpoint } = make({ role: 'client' });
    const accept = listen();
    await endpoint.start();
    const frontend = await accept();
    await frontend.settled();
    await endpoint.close();
    expect(await frontend.refused()).toBe(true);
    expect(existsSync(path)).toBe(true);
  });
});

describe('state, events, options', () => {
  it('tells what port show shows', async () => {
    const changes: boolean[] = [];
    const { endpoint } = make({ mtu: 9000, onChange: () => changes.push(true) });
    await endpoint.start();
    expect(endpoint.state()).toEqual({
      ...{ role: 'server', address: path, connected: false, features: [], protocolFeatures: [] },
      ...{ memoryRegions: 0, rings: [], fault: null, refused: null, notice: null },
      ...{ noMemory: false, mtu: 9000, messages: 0 },
    });
    const frontend = connect();
    await frontend.negotiate(['VIRTIO_F_VERSION_1', 'VIRTIO_NET_F_MTU'], ['REPLY_ACK']);
    await frontend.shareMemory();
    await frontend.setUpRing(0, 512);
    await frontend.ask('SET_VRING_ENABLE', { index: 0, num: 1 }, { needReply: true });
    expect(endpoint.state()).toMatchObject({
      ...{ connected: true, memoryRegions: 1, messages: 10, fault: null, notice: null },
      features: ['VIRTIO_NET_F_MTU', 'VHOST_USER_F_PROTOCOL_FEATURES', 'VIRTIO_F_VERSION_1'],
      protocolFeatures: ['REPLY_ACK'],
      rings: [
        { ring: 0, started: true, enabled: true, size: 512, fault: null },
        { ring: 1, started: false, enabled: false, size: 0, fault: null },
      ],
    });
    expect(JSON.parse(JSON.stringify(endpoint.state()))).toEqual(endpoint.state());
    expect(changes.length).toBeGreaterThan(0);
  });

  it('takes the events of its own port only', async () => {
    const { endpoint } = make();
    await endpoint.start();
    endpoint.handleEvent({ event: 'device_fault', port: 3, fault: 'memory_truncated' });
    const frontend = connect();
    await frontend.settled();
    endpoint.handleEvent({ event: 'device_fault', port: 4, fault: 'memory_truncated' });
    await frontend.settled();
    endpoint.handleEvent({ event: 'device_fault', port: 3, fault: 'memory_truncated' });
    expect(await frontend.refused()).toBe(true);
    await eventually(() => expect(endpoint.state().fault?.code).toBe('memory_truncated'));
  });

  it('ends the connection when it is closed', async () => {
    const { endpoint, datapath } = make();
    await endpoint.start();
    const frontend = connect();
    await frontend.negotiate();
    await frontend.shareMemory();
    await frontend.setUpRing(0);
    await frontend.settled();
    await endpoint.close();
    expect(await frontend.refused()).toBe(true);
    expect(datapath.names()).toContain('vhost.ring.stop');
    expect(endpoint.state().connected).toBe(false);
  });

  it.each([
    [{ queues: 0 }, 'queues: 0 is out of range: give 1..16 queue pairs'],
    [{ queues: 17 }, 'queues: 17 is out of range: give 1..16 queue pairs'],
    [{ mtu: 67 }, 'mtu: 67 is out of range: give 68..65535 bytes, or 0 for any length'],
    [{ mode: 0o1000 }, 'mode must be 0 to 777 (octal), not 1000'],
  ])('refuses %o', (options, text) => {
    expect(() => make(options)).toThrow(text);
  });

  it('starts once', async () => {
    const { endpoint } = make();
    await endpoint.start();
    await expect(endpoint.start()).rejects.toMatchObject({ code: 'internal' });
  });
});
