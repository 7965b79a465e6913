/** What programs give the library: it has the defaults and the sentences of the command line. */

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Device, PollingMode, PortSettings } from '../../backend/index.ts';
import { createBackend, createSwitch } from '../../backend/index.ts';
import { testFolder } from './support.ts';

describe('Switch.addPort()', () => {
  it('listens, with one queue pair, unless it is told otherwise', async () => {
    await using vale = await createSwitch({ name: 'vale0' });
    const path = join(await testFolder(), 'a.sock');
    const port = await vale.addPort('a', { kind: 'vhost-user', path });
    expect(port.state().endpoint).toMatchObject({ role: 'server', address: path });
    expect(port.workers).toHaveLength(1);
  });

  it.each<[string, unknown, string, RegExp]>([
    ['no device', undefined, 'value_invalid', /needs a device: \{ kind: /],
    ['a slip in the kind', { kind: 'vhost-usr' }, 'key_unknown', /did you mean "vhost-user"\?/],
    ['an unknown kind', { kind: 'x' }, 'key_unknown', /known: vhost-user, host,/],
    ['a planned kind', { kind: 'netmap' }, 'not_built_in', /not built in; these are/],
    ['no path', { kind: 'vhost-user' }, 'value_invalid', /path is missing: give a string/],
    [
      'a path of another type',
      { kind: 'vhost-user', path: 7 },
      'value_invalid',
      /may not be a number/,
    ],
    ['no interface', { kind: 'tap' }, 'value_invalid', /a tap port: interface is missing/],
    [
      'a slip in a field',
      { kind: 'vhost-user', path: '/tmp/a', quees: 2 },
      'key_unknown',
      /"quees"; did you mean "queues"\?/,
    ],
    [
      'too many queues',
      { kind: 'vhost-user', path: '/tmp/a', queues: 17 },
      'value_invalid',
      /queues=17 is not valid: give 1\.\.16 queue pairs/,
    ],
    [
      'a slip in a value',
      { kind: 'vhost-user', path: '/tmp/a', role: 'sever' },
      'value_invalid',
      /did you mean "server"\?/,
    ],
    ['no place', { kind: 'stream' }, 'value_invalid', /address is missing/],
  ])('refuses %s', async (_, device, code, message) => {
    await using vale = await createSwitch({ name: 'vale0' });
    await expect(vale.addPort('a', device as Device)).rejects.toMatchObject({
      name: 'ValenicError',
      code,
      message: expect.stringMatching(message),
    });
    expect(vale.ports()).toEqual([]);
  });

  it.each<[Partial<Record<keyof PortSettings | 'poling', unknown>>, RegExp]>([
    [
      { polling: 'bsy' },
      /settings.polling: bsy is out of range: give busy, .*did you mean "busy"\?/,
    ],
    [{ poling: 'busy' }, /did you mean "polling"\?/],
    [{ vlan: { mode: 'constructor' } }, /settings.vlan.mode: constructor is out of range: give /],
    [{ vlan: { mode: '__proto__' } }, /settings.vlan.mode: __proto__ is out of range: give /],
    [{ budget: 0 }, /settings.budget: 0 is out of range: give 1\.\.256 frames/],
    [{ more: 'on' }, /settings.more has the wrong type: give true or false/],
    [{ spinUs: -1 }, /settings.spinUs: -1 is out of range: give 0\.\.1000000 microseconds/],
  ])('and Port.set() refuse the settings %j', async (settings, message) => {
    await using vale = await createSwitch({ name: 'vale0' });
    const given = settings as Partial<PortSettings>;
    await expect(vale.addPort('a', { kind: 'host' }, given)).rejects.toThrow(message);
    const port = await vale.addPort('b', { kind: 'host' });
    await expect(port.set(given)).rejects.toThrow(message);
  });
});

describe('the library', () => {
  it('refuses a polling mode that there is not, wherever it is given', async () => {
    const polling = 'bsy' as PollingMode;
    await expect(createBackend({ polling })).rejects.toThrow(/did you mean "busy"\?/);
    await using vale = await createSwitch({ name: 'vale0' });
    const port = await vale.addPort('a', { kind: 'host' });
    await expect(port.polling(polling)).rejects.toThrow(/did you mean "busy"\?/);
  });

  it('says which port or switch was probably meant', async () => {
    await using backend = await createBackend();
    await backend.addPort({ name: { switch: 'vale0', port: 'web' }, device: { kind: 'host' } });
    const meant = (name: string) => () => backend.port({ switch: 'vale0', port: name });
    expect(meant('wbe')).toThrow('there is no port named vale0:wbe; did you mean "vale0:web"?');
    expect(meant('database')).toThrow('there is no port named vale0:database; known: vale0:web');
    expect(() => backend.switch('vael0')).toThrow('did you mean "vale0"?');
  });
});
