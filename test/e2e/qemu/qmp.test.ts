/** The QMP client against a real QEMU that runs no guest. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QmpClient, QmpConnectionError, QmpError } from '../../../qemu/qmp/index.ts';

let dir: string;
let qemu: ChildProcess;
let path: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'valenic-qmp-'));
  path = join(dir, 'qmp.sock');
  qemu = spawn(
    'qemu-system-x86_64',
    ['-M', 'q35', '-S', '-m', '16', '-accel', 'tcg', '-nodefaults', '-no-user-config'].concat(
      ['-display', 'none', '-chardev', 'null,id=spare'],
      ['-netdev', 'user,id=n0', '-device', 'virtio-net-pci,netdev=n0,id=nic0,romfile='],
      ['-device', 'virtio-serial-pci,id=vser'],
      ['-qmp', `unix:${path},server=on,wait=off`],
    ),
    { stdio: 'inherit' },
  );
});
afterAll(async () => {
  if (qemu.exitCode === null && qemu.signalCode === null) {
    qemu.kill('SIGKILL');
    await once(qemu, 'exit');
  }
  await rm(dir, { recursive: true, force: true });
});

describe('QMP: a real QEMU', () => {
  it('greets with its version and leaves negotiation mode', async () => {
    await using qmp = await QmpClient.connect(path);
    expect(qmp.greeting.version.qemu.major).toBeGreaterThanOrEqual(6);
    const { qemu: version } = await qmp.execute('query-version');
    expect(version).toEqual(qmp.greeting.version.qemu);
  });

  it('answers queries with the types that the table promises', async () => {
    await using qmp = await QmpClient.connect(path);
    expect(await qmp.execute('query-status')).toMatchObject({
      status: 'prelaunch',
      running: false,
    });
    expect(await qmp.execute('query-kvm')).toMatchObject({ enabled: false });
    const [cpu] = await qmp.execute('query-cpus-fast');
    expect(cpu?.['thread-id']).toBeGreaterThan(0);
    const chardevs = await qmp.execute('query-chardev');
    expect(chardevs.map((device) => device.label)).toContain('spare');
    const [filter] = await qmp.execute('query-rx-filter', { name: 'nic0' });
    expect(filter?.['main-mac']).toMatch(/^[0-9a-f:]{17}$/);
    expect(await qmp.execute('human-monitor-command', { 'command-line': 'info name' })).toBe('');
  });

  it('knows every command of the table', async () => {
    await using qmp = await QmpClient.connect(path);
    const known = new Set((await qmp.execute('query-commands')).map((command) => command.name));
    const used = ['set-action', 'set_link', 'chardev-add', 'chardev-remove', 'netdev_add'].concat(
      ['netdev_del', 'device_add', 'device_del', 'stop', 'cont', 'quit', 'system_powerdown'],
      ['system_reset', 'query-rx-filter', 'query-cpus-fast', 'human-monitor-command'],
    );
    expect(used.filter((name) => !known.has(name))).toEqual([]);
  });

  it('matches many answers to their questions', async () => {
    await using qmp = await QmpClient.connect(path);
    const asked = Array.from({ length: 40 }, (_, index) =>
      index % 2 === 0 ? qmp.execute('query-version') : qmp.execute('query-status'),
    );
    const answers = await Promise.all(asked);
    answers.forEach((answer, index) => {
      expect(index % 2 === 0 ? 'qemu' in answer : 'status' in answer).toBe(true);
    });
  });

  it('reports a refusal with its class and sentence', async () => {
    await using qmp = await QmpClient.connect(path);
    const refused = qmp.execute('set_link', { name: 'nobody', up: false });
    await expect(refused).rejects.toBeInstanceOf(QmpError);
    await expect(refused).rejects.toMatchObject({
      errorClass: 'DeviceNotFound',
      message: expect.stringContaining('nobody'),
    });
    await expect(qmp.executeRaw('no-such-command')).rejects.toMatchObject({
      errorClass: 'CommandNotFound',
    });
  });

  it('adds and removes devices and chardevs', async () => {
    await using qmp = await QmpClient.connect(path);
    await qmp.execute('netdev_add', { type: 'user', id: 'n1' });
    await qmp.execute('netdev_del', { id: 'n1' });
    const addr = { type: 'unix', data: { path: join(dir, 'spare.sock') } } as const;
    const backend = { type: 'socket', data: { addr, server: true, wait: false } } as const;
    await qmp.execute('chardev-add', { id: 'c1', backend });
    await qmp.execute('device_add', { driver: 'virtserialport', id: 'p1', chardev: 'c1' });
    const chardevs = await qmp.execute('query-chardev');
    expect(chardevs.map((device) => device.label)).toContain('c1');
  });

  it('hands events to those who wait for them', async () => {
    await using qmp = await QmpClient.connect(path);
    const resumed = qmp.waitForEvent('RESUME', { timeoutMs: 5000 });
    await qmp.execute('cont');
    expect((await resumed).timestampUs).toBeGreaterThan(1e15);
    const stopped = qmp.waitForEvent('STOP', { timeoutMs: 5000 });
    await qmp.execute('stop');
    await stopped;
    await expect(qmp.waitForEvent('RESET', { timeoutMs: 50 })).rejects.toThrow(/RESET/);
  });

  it('quits, says SHUTDOWN first, and then the connection is closed', async () => {
    const qmp = await QmpClient.connect(path);
    const shutdown = qmp.waitForEvent('SHUTDOWN', { timeoutMs: 5000 });
    await qmp.execute('quit');
    expect((await shutdown).data.reason).toBe('host-qmp-quit');
    expect(await qmp.closed).toMatch(/closed/);
    await expect(qmp.execute('query-status')).rejects.toBeInstanceOf(QmpConnectionError);
  });

  it('refuses to connect where nobody listens', async () => {
    const late = QmpClient.connect(join(dir, 'nobody.sock'), { timeoutMs: 50 });
    await expect(late).rejects.toThrow(/no QMP monitor at .*nobody\.sock/);
  });
});
