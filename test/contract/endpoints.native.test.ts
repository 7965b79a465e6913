/**
 * What every kind of port keeps, whatever is behind it: its row, its text, its endpoint. A kind
 * without a device here does not compile.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkedPort, parsePort, portText } from '../../backend/config/index.ts';
import type { Backend, Device, Port } from '../../backend/index.ts';
import { type KindName, kindOf, portKinds } from '../../backend/ports/index.ts';
import { may, wire } from '../backend/ports/wires.ts';
import { testBackend, testFolder, until } from '../backend/support.ts';

interface Sample {
  /** A device that this machine can have. */
  readonly device: (folder: string) => Device;
  /** One whose place cannot be had, and the code of the refusal; null: it needs no place. */
  readonly impossible: Device | null;
  readonly needsRoot?: true;
}

const nowhere = '/nonexistent/folder/socket';
const noSuchInterface = 'vp-not-there';

const samples: Readonly<Record<KindName, Sample>> = {
  'vhost-user': {
    device: (folder) => ({ kind: 'vhost-user', path: join(folder, 'vm') }),
    impossible: { kind: 'vhost-user', path: nowhere },
  },
  host: { device: () => ({ kind: 'host' }), impossible: null },
  stream: {
    device: (folder) => ({ kind: 'stream', address: join(folder, 'stream') }),
    impossible: { kind: 'stream', address: nowhere },
  },
  dgram: {
    device: (folder) => ({
      ...{ kind: 'dgram', address: join(folder, 'ours'), peer: join(folder, 'theirs') },
    }),
    impossible: { kind: 'dgram', address: nowhere, peer: '/tmp/peer' },
  },
  tap: {
    device: () => ({ kind: 'tap', interface: `vc${process.pid % 100_000}` }),
    // The loopback interface is not a tap.
    impossible: { kind: 'tap', interface: 'lo' },
    needsRoot: true,
  },
  packet: {
    device: () => ({ kind: 'packet', interface: wire().near, io: 'af-packet' }),
    impossible: { kind: 'packet', interface: noSuchInterface },
    needsRoot: true,
  },
  user: {
    device: () => ({ kind: 'user', network: '10.9.0.0/24' }),
    impossible: {
      kind: 'user',
      // An address for documentation, RFC 5737: no interface has it.
      forwards: [{ protocol: 'tcp', hostAddress: '192.0.2.1', hostPort: 8080, guestPort: 80 }],
    },
  },
};

const name = { switch: 'vale0', port: 'p' };
const descriptors = (): number => readdirSync('/proc/self/fd').length;

async function added(backend: Backend, device: Device): Promise<Port> {
  return backend.addPort({ name, device, settings: { mtu: 1500 } });
}

describe.each(portKinds)('a port of kind %s', (kind) => {
  const { device, impossible, needsRoot = false } = samples[kind];
  const row = kindOf(kind);

  it('is a row of its own name, with words for each key', () => {
    expect(row.kind).toBe(kind);
    expect(row.form).toMatch(new RegExp(`^${kind}(=|$)`));
    expect(row.text).not.toBe('');
    for (const [key, { meaning, allowed }] of Object.entries(row.keys)) {
      expect([key, meaning.length > 5, allowed.length > 5]).toEqual([key, true, true]);
    }
  });

  it.skipIf(needsRoot && !may)('is the same port as text and as data', async () => {
    const whole = checkedPort({ name, device: device(await testFolder()) });
    const text = portText(whole);

    expect(parsePort(text)).toEqual(whole);
    expect(checkedPort(whole)).toEqual(whole);
    expect(portText(parsePort(text))).toBe(text);
  });

  it.skipIf(needsRoot && !may)('refuses a field and a key that it does not have', () => {
    const odd = { ...device('/tmp'), colour: 'red' } as unknown as Device;
    expect(() => checkedPort({ name, device: odd })).toThrow(/unknown key "colour"/);
    expect(() =>
      parsePort(`${portText(checkedPort({ name, device: device('/tmp') }))},colour=red`),
    ).toThrow(/unknown key "colour"/);
  });

  it.skipIf(needsRoot && !may)('tells one state, as plain data, and words for it', async () => {
    const port = await added(await testBackend(), device(await testFolder()));
    const state = port.state();

    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    expect(row.stateWord(state)).toMatch(/^(up|waiting|open|connected)$/);
    if (state.endpoint === undefined) return;
    expect(state.endpoint).toMatchObject({ fault: null, notice: null });
    expect(typeof state.endpoint.connected).toBe('boolean');
    const place = row.placeOf(port.spec.device);
    if (place !== null) expect(state.endpoint.address).toBe(place);
    const texts = row.facts(state).map((fact) => fact.text);
    expect(texts.join('\n')).toContain(state.endpoint.address);
  });

  it.skipIf(needsRoot && !may)('leaves no descriptor behind, and can be added again', async () => {
    const backend = await testBackend();
    const what = device(await testFolder());
    const first = await added(backend, what);
    await backend.removePort(name);
    await first.close(); // Idempotent.
    const before = descriptors();
    for (let turn = 0; turn < 3; turn++) {
      await added(backend, what);
      await backend.removePort(name);
    }

    await until(descriptors, (now) => now <= before);
    expect(backend.ports()).toEqual([]);
  });

  it.skipIf(needsRoot && !may)('keeps its place from a second port', async () => {
    const backend = await testBackend();
    const what = device(await testFolder());
    const port = await added(backend, what);
    if (row.placeOf(port.spec.device) === null) return;
    const second = backend.addPort({ name: { ...name, port: 'second' }, device: what });

    await expect(second).rejects.toMatchObject({ code: expect.stringMatching(/_in_use|_failed/) });
    expect(backend.ports()).toEqual([port]);
  });

  it.skipIf(needsRoot && !may)('that cannot start leaves nothing of itself', async () => {
    if (impossible === null) return;
    const backend = await testBackend();
    const before = descriptors();
    const refusal = { code: expect.stringMatching(/^(socket|interface|forward)_failed$/) };
    await expect(added(backend, impossible)).rejects.toMatchObject(refusal);

    expect(backend.ports()).toEqual([]);
    expect(backend.switches()).toEqual([]);
    await until(descriptors, (now) => now <= before);
  });

  it.skipIf(needsRoot && !may)('takes another MTU while it is there', async () => {
    const port = await added(await testBackend(), device(await testFolder()));
    await port.set({ mtu: 1400 });

    expect(port.settings.mtu).toBe(1400);
    expect(port.state().endpoint?.fault ?? null).toBeNull();
  });
});
