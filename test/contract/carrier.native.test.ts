/** What every carrier of the datapath must do: the one in this process, and the socket. */

import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CarriedDatapath } from '../../backend/datapath/carried.ts';
import { loadAddon } from '../../backend/datapath/load.ts';
import { datapathPlaces, openPlace } from '../../backend/datapath/places.ts';
import {
  type Commands,
  type PortEvent,
  type PortKind,
  statsPage,
} from '../../native/boundary/index.ts';
import { until } from '../backend/support.ts';

const addon = loadAddon();
const openFds = () => readdirSync('/proc/self/fd').length;

describe.each(datapathPlaces)('a datapath: %s', (place) => {
  let datapath: CarriedDatapath;
  let events: PortEvent[];
  let lost: string[];
  let home: number;

  beforeEach(async () => {
    events = [];
    lost = [];
    const carrier = await openPlace(addon, place, (sentence) => void lost.push(sentence));
    datapath = new CarriedDatapath(carrier, (event) => void events.push(event));
    await datapath.command('worker.add', {});
    ({ switch: home } = await datapath.command('switch.create', { name: 'vale0' }));
  });
  afterEach(async () => {
    await datapath.close();
    expect(lost).toEqual([]);
  });

  const add = async (name: string, kind: PortKind = 'host') =>
    datapath.command('port.create', { switch: home, name, kind, queues: 1, workers: [0] });
  const refusal = (attempt: Promise<unknown>) =>
    attempt.then(
      () => 'it was not refused',
      ({ code, message }: Error & { code: string }) => ({ code, message }),
    );

  it('answers commands in order, however many are under way', async () => {
    const names = Array.from({ length: 50 }, (_, at) => `p${at}`);
    const ports = await Promise.all(names.map((name) => add(name)));
    expect(new Set(ports.map(({ port }) => port)).size).toBe(50);
    expect(ports.map(({ slot }) => slot)).toEqual(names.map((_, at) => at));
  });

  it('carries frames, and counts them in a page that needs no call', async () => {
    const [a, b] = [await add('a'), await add('b')];
    const source: Commands['host.start'][0]['source'] = {
      stream: 1,
      frameBytes: 60,
      ratePps: 0,
      count: 1000n,
      destination: 'ff:ff:ff:ff:ff:ff',
      source: '52:54:00:00:00:01',
    };
    await datapath.command('host.start', { port: a.port, source });
    const report = () => datapath.command('host.report', { port: b.port });
    const seen = await until(report, ({ streams }) => streams[0]?.frames === 1000n);
    expect(seen.streams[0]).toMatchObject({ corrupt: 0n, gaps: 0n, reordered: 0n });
    const words = statsPage.wordsPerBlock;
    const block = datapath.stats.subarray(words * a.statsBlock, words * (a.statsBlock + 1));
    expect(block[0]).toBe(1000n);
    expect(datapath.stats[0]).toBe(0x56414c4553544154n);
  });

  it('takes descriptors, and leaves none behind', async () => {
    const { port } = await add('g', 'vhost');
    const before = openFds();
    const regions = Array.from({ length: 70 }, (_, at) => ({
      guestAddr: BigInt(at) << 20n,
      userAddr: BigInt(at) << 20n,
      sizeBytes: 4096n,
      offsetBytes: 0n,
      fd: addon.createMemFd(`r${at}`, 4096),
    }));
    await datapath.command('vhost.memory', { port, regions });
    const wrong = [{ ...regions[0], sizeBytes: 8192n, fd: addon.createMemFd('short', 4096) }];
    const attempt = datapath.command('vhost.memory', { port, regions: wrong as typeof regions });
    expect(await refusal(attempt)).toMatchObject({ code: 'region_overflows' });
    await until(openFds, (fds) => fds <= before);
  });

  it.each([
    ['unknown_port', 'port.remove', { port: 4711 }],
    ['name_in_use', 'switch.create', { name: 'vale0' }],
    ['invalid_argument', 'port.set', { port: 1, settings: { mtu: 70_000 } }],
  ] as const)('refuses with a code and a sentence: %s', async (code, name, argument) => {
    const attempt = datapath.command(name, argument as never);
    expect(await refusal(attempt)).toEqual({ code, message: expect.stringMatching(/ /) });
  });

  it('tells what the operating system said, and what was being done then', async () => {
    // The last CPU that the table has; a machine that has it is not ours.
    const absent = await datapath.command('worker.add', { cpu: 1023 }).catch((error) => error);
    expect(absent).toMatchObject({
      ...{ code: 'system', errno: constants.errno.EINVAL, syscall: 'starting a worker' },
      message: 'the operating system refused: starting a worker: Invalid argument',
    });
    const { port } = await add('s', 'vhost');
    const region = { guestAddr: 0n, userAddr: 0n, sizeBytes: 4096n, offsetBytes: 0n };
    const regions = [{ ...region, fd: addon.createEventFd() }];
    const unmapped = datapath.command('vhost.memory', { port, regions });
    expect(await unmapped.catch((error) => error)).toMatchObject({
      ...{ code: 'region_invalid', errno: constants.errno.ENODEV, syscall: 'mmap' },
    });
  });

  it('names the argument where a code alone leaves it open', async () => {
    const { port } = await add('s', 'stream');
    const allow = [{ mac: '02:00:00:00:00:01' }, { mac: '02:00:00:00:00:01' }];
    const twice = { port, settings: { allow: allow.map((one) => ({ ...one, ips: [] })) } };
    expect(await refusal(datapath.command('port.set', twice))).toEqual({
      code: 'invalid_argument',
      message: expect.stringContaining(': settings.allow: each station is there once'),
    });
    expect(await refusal(datapath.command('link.attach', { port, fds: [] }))).toEqual({
      code: 'invalid_argument',
      message: 'an argument is out of range: fds: give one for each queue',
    });
  });

  it('says unasked what happened', async () => {
    const { port } = await add('s', 'stream');
    const [ours, theirs] = addon.socketPair();
    await datapath.command('link.attach', { port, fds: [theirs] });
    addon.closeFd(ours);
    await until(
      () => events,
      (all) => all.length > 0,
    );
    expect(events).toEqual([{ event: 'link_down', port, queue: 0, fault: 'none' }]);
  });

  it('refuses what comes after its end', async () => {
    await datapath.close();
    await datapath.close();
    const { message, code } = (await refusal(add('late'))) as { code: string; message: string };
    expect(['closed', 'datapath_lost']).toContain(code);
    expect(message).toBe('the datapath is closed');
  });
});
