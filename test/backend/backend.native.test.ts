/** Back-ends, switches and ports as objects: how they are made, refused and closed. */

import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Backend,
  createBackend,
  createSwitch,
  type PortSpec,
  type VhostUserSpec,
} from '../../backend/index.ts';
import { testBackend, testFolder } from './support.ts';

function host(name: string): PortSpec {
  const [home = '', port = ''] = name.split(':');
  return { name: { switch: home, port }, device: { kind: 'host' }, settings: {} };
}

function guest(name: string, path: string, change: Partial<VhostUserSpec> = {}): PortSpec {
  const device = { kind: 'vhost-user', path, role: 'server', queues: 1, ...change } as const;
  return { ...host(name), device };
}

const names = (backend: Backend): readonly string[] => backend.ports().map(({ name }) => name);
const coded = (code: string) => expect.objectContaining({ name: 'ValenicError', code });

/** Threads of this process with that name. */
async function threadsCalled(name: RegExp): Promise<number> {
  const tasks = await readdir('/proc/self/task');
  const comms = await Promise.all(
    tasks.map((task) => readFile(`/proc/self/task/${task}/comm`, 'utf8').catch(() => '')),
  );
  return comms.filter((comm) => name.test(comm)).length;
}

describe('a back-end', () => {
  it('makes switches as ports name them, and lists both', async () => {
    const backend = await testBackend();
    await backend.addPort(host('vale0:a'));
    await backend.addPort(host('vale1:a'));
    await backend.addPort(host('vale0:b'));
    expect(backend.switches().map(({ name }) => name)).toEqual(['vale0', 'vale1']);
    expect(names(backend)).toEqual(['vale0:a', 'vale1:a', 'vale0:b']);
    expect(backend.switch('vale0').ports()).toHaveLength(2);
    expect(backend.port({ switch: 'vale1', port: 'a' }).name).toBe('vale1:a');
  });

  it('removes a switch with its last port', async () => {
    const backend = await testBackend();
    await backend.addPort(host('vale0:a'));
    await backend.removePort({ switch: 'vale0', port: 'a' });
    expect(backend.switches()).toEqual([]);
    await backend.addPort(host('vale0:a'));
    expect(names(backend)).toEqual(['vale0:a']);
  });

  it('says which switch or port is not there', async () => {
    const backend = await testBackend();
    expect(() => backend.switch('vale7')).toThrow(coded('switch_not_found'));
    const name = { switch: 'vale0', port: 'x' };
    expect(() => backend.port(name)).toThrow(coded('port_not_found'));
    await expect(backend.removePort(name)).rejects.toEqual(coded('port_not_found'));
    await expect(backend.removePort(name)).rejects.toThrow('there is no port named vale0:x');
  });

  it('refuses a name that is taken, and keeps the port that has it', async () => {
    const backend = await testBackend();
    const first = await backend.addPort(host('vale0:a'));
    await expect(backend.addPort(host('vale0:a'))).rejects.toEqual(coded('name_in_use'));
    await expect(backend.addPort(host('vale0:a'))).rejects.toThrow(
      'there is already a port vale0:a',
    );
    expect(backend.ports()).toEqual([first]);
    await expect(backend.createSwitch('vale0')).rejects.toEqual(coded('name_in_use'));
  });

  it.each(['', 'a b', '-x', 'x'.repeat(33), 'vale0:'])(
    'refuses a switch called "%s"',
    async (n) => {
      const backend = await testBackend();
      await expect(backend.createSwitch(n)).rejects.toEqual(coded('value_invalid'));
    },
  );

  it.each(['', 'a:b', 'a,b', 'ä'])('refuses a port called "%s"', async (port) => {
    const backend = await testBackend();
    const refused = backend.addPort({ ...host('vale0:a'), name: { switch: 'vale0', port } });
    await expect(refused).rejects.toEqual(coded('value_invalid'));
    expect(backend.switches()).toEqual([]);
  });

  it.each([0, 16, 1.5])('refuses %s workers', async (workers) => {
    await expect(createBackend({ workers })).rejects.toEqual(coded('value_invalid'));
  });

  it('refuses a CPU that is not there, and leaves no thread behind', async () => {
    await expect(createBackend({ cpus: [1023] })).rejects.toEqual(coded('value_invalid'));
    expect(await threadsCalled(/^valenic-io/)).toBe(0);
  });

  it('tells whoever listens that settings changed', async () => {
    const backend = await testBackend();
    const port = await backend.addPort(host('vale0:a'));
    const seen: string[] = [];
    backend.on('changed', ({ name, settings }) => seen.push(`${name} ${settings.polling}`));
    await port.polling('busy');
    await backend.switch('vale0').polling('event');
    expect(seen).toEqual(['vale0:a busy', 'vale0:a event']);
  });

  it("holds ports to their switch's MTU, unless they say theirs", async () => {
    await using backend = await createBackend({ switches: { vale0: { mtu: 9000 } } });
    const port = await backend.addPort(host('vale0:a'));
    const own = await backend.addPort({ ...host('vale0:b'), settings: { mtu: 1500 } });
    const other = await backend.addPort(host('vale1:a'));
    expect([port, own, other].map(({ settings }) => settings.mtu)).toEqual([9000, 1500, 0]);
    const home = backend.switch('vale0');
    await home.setMtu(1400);
    expect(home.mtu).toBe(1400);
    const later = await home.addPort('c', { kind: 'host' });
    expect([port, own, later].map(({ settings }) => settings.mtu)).toEqual([1400, 1400, 1400]);
    for (const mtu of [67, 65_536, 1.5, -1]) {
      await expect(backend.createSwitch('v', { mtu })).rejects.toEqual(coded('value_invalid'));
      await expect(home.setMtu(mtu)).rejects.toEqual(coded('value_invalid'));
    }
    expect(home.mtu).toBe(1400);
  });

  it('carries out what is asked at once one after the other', async () => {
    const backend = await testBackend();
    const name = { switch: 'vale0', port: 'a' };
    const added = backend.addPort(host('vale0:a'));
    const [, , again] = await Promise.all([
      added,
      backend.removePort(name),
      backend.addPort(host('vale0:a')),
    ]);
    expect(backend.ports()).toEqual([again]);
  });

  it('ends its threads, however often it is closed', async () => {
    const before = (await readdir('/proc/self/task')).length;
    const backend = await createBackend({ workers: 3 });
    for (const name of ['a', 'b', 'c']) await backend.addPort(host(`vale0:${name}`));
    expect((await readdir('/proc/self/task')).length).toBeGreaterThanOrEqual(before + 3);
    const { workerThreads } = backend;
    await Promise.all([backend.close(), backend.close()]);
    await backend.close();
    for (const tid of workerThreads) expect(existsSync(`/proc/self/task/${tid}`)).toBe(false);
    await expect(backend.addPort(host('vale0:a'))).rejects.toEqual(coded('datapath_failed'));
  });
});

describe('a vhost-user port', () => {
  it('listens at its path with the permissions it was given', async () => {
    const path = join(await testFolder(), 'vm1.sock');
    const backend = await testBackend();
    const port = await backend.addPort(guest('vale0:vm1', path, { mode: 0o640 }));
    const facts = await stat(path);
    expect(facts.isSocket()).toBe(true);
    expect(facts.mode & 0o777).toBe(0o640);
    expect(port.state()).toMatchObject({
      ...{ name: 'vale0:vm1', kind: 'vhost-user' },
      endpoint: { address: path, role: 'server', connected: false, fault: null },
    });
    await backend.removePort(port.spec.name);
    expect(existsSync(path)).toBe(false);
  });

  it('takes its sockets away when the back-end is closed', async () => {
    const folder = await testFolder();
    const backend = await createBackend();
    for (const name of ['vm1', 'vm2']) {
      await backend.addPort(guest(`vale0:${name}`, join(folder, name)));
    }
    await backend.close();
    expect(await readdir(folder)).toEqual([]);
  });

  it('that cannot have its socket leaves neither a port nor its name behind', async () => {
    const path = join(await testFolder(), 'vm1.sock');
    const backend = await testBackend();
    await backend.addPort(guest('vale0:vm1', path));
    await expect(backend.addPort(guest('vale0:vm2', path))).rejects.toEqual(coded('socket_in_use'));
    expect(names(backend)).toEqual(['vale0:vm1']);
    const other = join(await testFolder(), 'vm2.sock');
    await backend.addPort(guest('vale0:vm2', other));
    expect(names(backend)).toEqual(['vale0:vm1', 'vale0:vm2']);
  });

  it('that cannot come does not leave a switch without ports behind', async () => {
    const backend = await testBackend();
    const missing = guest('vale9:vm1', '/nowhere/at/all/vm1.sock');
    await expect(backend.addPort(missing)).rejects.toEqual(coded('socket_failed'));
    expect(backend.switches()).toEqual([]);
  });

  it.each([
    ['no queue', { queues: 0 }],
    ['too many queues', { queues: 17 }],
  ])('is refused with %s', async (_, change) => {
    const backend = await testBackend();
    const spec = guest('vale0:vm1', join(await testFolder(), 'vm1.sock'), change);
    await expect(backend.addPort(spec)).rejects.toMatchObject({ name: 'ValenicError' });
    expect(backend.ports()).toEqual([]);
  });

  it('has no source and no sink', async () => {
    const backend = await testBackend();
    const port = await backend.addPort(guest('vale0:vm1', join(await testFolder(), 'vm1.sock')));
    await expect(port.report()).rejects.toThrow('vale0:vm1 is not a host port');
    await expect(port.stopSource()).rejects.toEqual(coded('value_invalid'));
  });
});

describe('createSwitch', () => {
  it('gives a switch of its own, which ends with its block', async () => {
    const folder = await testFolder();
    let threads: readonly number[] = [];
    {
      await using vale = await createSwitch({ name: 'lab', polling: 'event' });
      threads = vale.backend.workerThreads;
      const path = join(folder, 'vm1.sock');
      const device = { kind: 'vhost-user', path, role: 'server', queues: 1 } as const;
      const port = await vale.addPort('vm1', device, { more: false });
      expect(port.name).toBe('lab:vm1');
      expect(vale.port('vm1')).toBe(port);
      expect(port.settings).toMatchObject({ polling: 'event', more: false });
      await vale.polling('busy');
      await vale.more(true);
      expect(port.settings).toMatchObject({ polling: 'busy', more: true });
      expect(vale.stats().vm1?.counters.tx_frames).toBe(0);
      expect(existsSync(path)).toBe(true);
    }
    expect(threads).toHaveLength(1);
    for (const tid of threads) expect(existsSync(`/proc/self/task/${tid}`)).toBe(false);
    expect(await readdir(folder)).toEqual([]);
  });

  it('leaves nothing running when its name is refused', async () => {
    await expect(createSwitch({ macTableSize: 63 })).rejects.toEqual(coded('value_invalid'));
    await expect(createSwitch({ ageingSeconds: 0 })).rejects.toEqual(coded('value_invalid'));
    await expect(createSwitch({ name: 'no name' })).rejects.toEqual(coded('value_invalid'));
    expect(await threadsCalled(/^valenic-io/)).toBe(0);
  });
});
