/** The file with what a guest had: read as a stranger's. */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PeerLog } from '../../../backend/log.ts';
import { KeptFiles, KeptGuest } from '../../../backend/vhost-user/index.ts';
import type { Kept } from '../../../backend/vhost-user/kept-file.ts';
import { offerOf } from '../../../backend/vhost-user/offer.ts';
import { lives, type ProcessId, processOf } from '../../../backend/vhost-user/process.ts';
import { featureMask } from '../../../frontend-spec/index.ts';

let folder = '';
let own: Kept;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'valenic-'));
  own = await ownRecord();
  await files().write(socket(), own);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const socket = () => join(folder, 'vm1.sock');
const files = () => new KeptFiles(join(folder, 'state'));
const guests = () => join(folder, 'state', 'guests');
const file = () => join(guests(), readdirSync(guests())[0] ?? '');
const all = featureMask(['VIRTIO_F_VERSION_1', 'VIRTIO_NET_F_CSUM', 'VIRTIO_NET_F_MQ']);

async function ownProcess(): Promise<ProcessId> {
  const owner = await processOf(process.pid);
  if (owner === null) throw new Error('this process is not there');
  return owner;
}

async function ownRecord(): Promise<Kept> {
  const had = { offered: all, taken: all, protocolFeatures: 0x1n, queues: 2, mtu: 9000 };
  return { process: await ownProcess(), had };
}

/** What a port without offloads offers this process, and what was logged. */
async function offered(): Promise<{ features: bigint; queues: number; said: readonly string[] }> {
  const said: string[] = [];
  const note = (_: object, text: string) => void said.push(text);
  const log = new PeerLog({ debug: note, info: note, warn: note, error: note }, {});
  const kept = await KeptGuest.load(files(), socket(), log);
  const offer = offerOf({ queues: 1, offloads: false });
  const terms = kept.termsFor(await ownProcess(), { offer, queues: 1 });
  return { features: terms.offer.features, queues: terms.queues, said };
}

const configured = offerOf({ queues: 1, offloads: false }).features;

it('a record that is right is used: what the refusals below change', async () => {
  expect(await files().read(socket())).toEqual(own);
  expect(await offered()).toEqual({ features: configured | all, queues: 2, said: [] });
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  expect(statSync(guests()).mode & 0o777).toBe(0o700);
});

describe('a record that is not ours', () => {
  const expectIgnored = async (why: RegExp) => {
    const { said, ...offer } = await offered();
    expect(offer).toEqual({ features: configured, queues: 1 });
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/what the guest had before is not known: .*start its VMM anew/);
    expect(said[0]).toMatch(why);
  };

  type Fields = Record<string, unknown>;
  const had = (fields: Fields) => (good: Fields) => ({
    ...good,
    had: { ...(good.had as Fields), ...fields },
  });
  const owner = (fields: Fields) => (good: Fields) => ({
    ...good,
    process: { ...(good.process as Fields), ...fields },
  });
  const hostile: readonly [string, (good: Fields) => unknown][] = [
    ['no JSON', () => '{"version":1,'],
    ['nothing', () => ''],
    ['another version', (good) => ({ ...good, version: 2 })],
    ['no object', () => [1]],
    ['features that are no number', had({ offered: '0x' })],
    ['features of 65 bits', had({ taken: `0x1${'0'.repeat(16)}` })],
    ['no queue', had({ queues: 0 })],
    ['half a queue', had({ queues: 1.5 })],
    ['queues in a text', had({ queues: '2' })],
    ['an MTU of 4 GiB', had({ mtu: 2 ** 32 })],
    ['a negative process', owner({ pid: -1 })],
    ['a process that is a path', owner({ pid: '../1' })],
    ['a boot that is a path', owner({ boot: '/etc/passwd' })],
    ['another port', (good) => ({ ...good, socket: '/tmp/other.sock' })],
    ['no end', (good) => ({ ...good, more: 'x'.repeat(100_000) })],
  ];

  it.each(hostile)('is named and ignored: %s', async (_, change) => {
    const bad = change(JSON.parse(readFileSync(file(), 'utf8')) as Fields);
    writeFileSync(file(), typeof bad === 'string' ? bad : JSON.stringify(bad));
    await expectIgnored(/is not a record that this version can read|is the record of another port/);
    // The next guest's replaces it.
    await files().write(socket(), own);
    expect((await offered()).queues).toBe(2);
  });

  it('is not followed: a link', async () => {
    const at = file();
    const elsewhere = join(folder, 'elsewhere.json');
    writeFileSync(elsewhere, readFileSync(at));
    rmSync(at);
    symlinkSync(elsewhere, at);
    await expectIgnored(/ELOOP/);
    await files().write(socket(), { ...own, had: { ...own.had, queues: 3 } });
    expect(readFileSync(elsewhere, 'utf8')).toContain('"queues":2');
  });

  it('is not read: a folder in its place', async () => {
    const at = file();
    rmSync(at);
    mkdirSync(at);
    await expectIgnored(/is not a file of this user/);
    await expect(files().write(socket(), own)).rejects.toThrow('EISDIR');
    expect(readdirSync(guests())).toHaveLength(1);
  });

  it('is not read where others may write to the folder', async () => {
    chmodSync(guests(), 0o777);
    await expectIgnored(/others may write to/);
    await expect(files().write(socket(), own)).rejects.toThrow('others may write to');
  });

  it.runIf(process.getuid?.() === 0)('is not read: a file of another user', async () => {
    const reader = new KeptFiles(join(folder, 'state'), 12_345);
    await expect(reader.read(socket())).rejects.toThrow(/belongs to user 0/);
  });
});

describe('which process', () => {
  it.each([
    ['another start', { startTicks: 1 }],
    ['another boot', { boot: '00000000-0000-0000-0000-000000000000' }],
    ['another number', { pid: process.ppid }],
  ])('is another by %s: its record goes', async (_, fields) => {
    await files().write(socket(), { ...own, process: { ...own.process, ...fields } });
    expect(await offered()).toEqual({ features: configured, queues: 1, said: [] });
    expect(existsSync(guests()) && readdirSync(guests())).toEqual([]);
  });

  it('is another where it listens at another file', async () => {
    await files().write(socket(), { ...own, process: { ...own.process, socketFile: '1:2:3' } });
    expect((await offered()).queues).toBe(1);
  });

  it('is none for the number 0, which the kernel says of what we do not see', async () => {
    expect(await processOf(0)).toBeNull();
    expect(await processOf(0x7fff_ffff)).toBeNull();
    expect(await lives(own.process)).toBe(true);
  });
});
