/** The command lines for vhost-user NICs, tried on the installed QEMU with a guest driver. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type GuestDescription,
  type GuestImage,
  type GuestNic,
  locateQemu,
  QmpClient,
  qemuArgsForPort,
  qemuVersion,
  startGuest,
} from '../../../qemu/index.ts';
import { testImage } from './image.ts';
import { SmallVhostBackend } from './vhost-backend.ts';

let image: GuestImage;
let dir: string;
const mac = '52:54:00:00:00:21';
/** SET_VRING_ADDR: the guest's driver started a ring. */
const setVringAddr = 9;

beforeAll(async () => {
  image = await testImage();
  dir = await mkdtemp(join(tmpdir(), 'valenic-vhost-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

function guestWith(nic: Omit<GuestNic, 'mac'>, cpus = 1): GuestDescription {
  const { kernel, initrd, append } = image;
  const boot = { kind: 'kernel', kernel, initrd, append } as const;
  return { name: 'v', memoryMiB: 192, cpus, boot, nics: [{ mac, ...nic }] };
}

describe('a guest with a vhost-user NIC', () => {
  it('starts its rings, when we listen', async () => {
    const path = join(dir, 'server');
    const backend = new SmallVhostBackend(2);
    await backend.listen(path);
    const face = { hostMtu: 1450, rxQueueSize: 1024, txQueueSize: 1024 };
    const nic = {
      ...face,
      backend: { kind: 'vhost-user', path, role: 'server', queues: 2 } as const,
    };
    await using guest = await startGuest(guestWith(nic, 2));
    const eth0 = guest.hello.interfaces.find(({ name }) => name === 'eth0');
    expect(eth0).toMatchObject({ mac, mtu: 1450, rxQueues: 2, txQueues: 2 });
    await guest.agent.configure({ interface: 'eth0', address: '10.8.0.1/24', up: true });
    expect(await guest.agent.channels('eth0', 2)).toEqual({ combined: 2, most: 2 });
    expect(guest.over).toBe(false); // QEMU 7.2 with MSI-X under TCG is gone by now.
    const starts = backend.requests.filter((request) => request === setVringAddr);
    expect(starts.length).toBeGreaterThanOrEqual(4);

    // It comes back when the back-end does.
    backend.requests.length = 0;
    backend.disconnect();
    await expect.poll(() => backend.requests.includes(setVringAddr), { timeout: 8000 }).toBe(true);
    expect(guest.over).toBe(false);
    await guest.shutdown();
    backend.close();
  });

  it('starts its rings, when QEMU listens', async () => {
    const path = join(dir, 'client');
    const backend = new SmallVhostBackend(1);
    const nic = { backend: { kind: 'vhost-user', path, role: 'client', queues: 1 } as const };
    const [guest] = await Promise.all([startGuest(guestWith(nic)), backend.connect(path)]);
    await guest.agent.configure({ interface: 'eth0', address: '10.8.0.1/24', up: true });
    expect(backend.requests).toContain(setVringAddr);
    await guest.shutdown();
    backend.close();
  });

  it('says which socket is missing when no back-end serves it', async () => {
    const path = join(dir, 'nobody');
    const nic = { backend: { kind: 'vhost-user', path, role: 'server', queues: 1 } as const };
    const starting = startGuest(guestWith(nic), { bootTimeoutMs: 1500 });
    await expect(starting).rejects.toMatchObject({
      code: 'guest_failed',
      message: expect.stringContaining(path),
    });
  });
});

describe('qemuArgsForPort', () => {
  it('is a command line that this QEMU accepts', async () => {
    const binary = locateQemu();
    const [path, qmpPath] = [join(dir, 'port'), join(dir, 'qmp')];
    const backend = new SmallVhostBackend(4);
    await backend.listen(path);
    const port = { path, role: 'server', queues: 4, mac, index: 0 } as const;
    const args = qemuArgsForPort(port, await qemuVersion(binary), { memoryMiB: 64, accel: 'tcg' });
    const qemu: ChildProcess = spawn(
      binary,
      ['-M', 'q35', '-nodefaults', '-display', 'none', '-S', ...args].concat([
        '-qmp',
        `unix:${qmpPath},server=on,wait=off`,
      ]),
      { stdio: 'inherit' },
    );
    try {
      await using qmp = await QmpClient.connect(qmpPath, { timeoutMs: 8000 });
      const [filter] = await qmp.execute('query-rx-filter', { name: 'valenic0-nic' });
      expect(filter?.['main-mac']).toBe(mac);
      const gone = once(qemu, 'exit');
      await qmp.execute('quit');
      await gone;
    } finally {
      if (qemu.exitCode === null) qemu.kill('SIGKILL');
      backend.close();
    }
  });
});
