/**
 * Descriptors that can be neither examined nor closed in finite time: a FUSE file whose server is
 * silent, a socket that lingers. If a thread of ours waited for one, these tests would time out.
 */

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, read, rmSync, writeFileSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeMessage } from '../../../backend/vhost-user/connection.ts';
import { foreignFds } from '../../../backend/vhost-user/fds.ts';
import { VhostUserEndpoint } from '../../../backend/vhost-user/index.ts';
import { requests } from '../../../frontend-spec/index.ts';
// @ts-expect-error: plain JavaScript, without types.
import { buildAttackers } from '../../../setup/hostile.mjs';
import { Attackers } from '../../hostile/attackers.ts';
import {
  addon,
  eventually,
  expectNoLeak,
  Frontend,
  later,
  memoryBase,
  RecordingDatapath,
  RecordingLog,
  region,
  rig,
  runToEnd,
  sessionOn,
} from './support.ts';

/** Who keeps the test's own descriptors waiting. */
const testOwner = 999_999;
const isRoot = process.getuid?.() === 0;

/** linux/fuse.h: opcodes, and the sizes of its headers. */
const fuse = { init: 26, open: 14, inHeaderBytes: 40, outHeaderBytes: 16 };

function answer(device: number, unique: bigint, body: Buffer): void {
  const header = Buffer.alloc(fuse.outHeaderBytes);
  header.writeUInt32LE(header.length + body.length, 0);
  header.writeBigUInt64LE(unique, 8);
  writeSync(device, Buffer.concat([header, body]));
}

/** Answers what is asked until a file is open, and nothing more. */
async function serveOpen(device: number): Promise<void> {
  const request = Buffer.alloc(1 << 17);
  for (;;) {
    await promisify(read)(device, request, 0, request.length, null);
    const opcode = request.readUInt32LE(4);
    const unique = request.readBigUInt64LE(8);
    if (opcode === fuse.init) {
      const body = Buffer.alloc(64);
      body.writeUInt32LE(7, 0); // The protocol's version: 7.31.
      body.writeUInt32LE(31, 4);
      body.writeUInt32LE(4096, 20); // Largest write.
      answer(device, unique, body);
    } else if (opcode === fuse.open) {
      answer(device, unique, Buffer.alloc(16));
      return;
    }
  }
}

/** A descriptor of a file whose server says nothing more. Its mount goes with the test. */
async function silentFile(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'valenic-fuse-'));
  const path = join(folder, 'memory');
  writeFileSync(path, '');
  const device = openSync('/dev/fuse', 'r+');
  const options = 'fd=3,rootmode=100000,user_id=0,group_id=0';
  execFileSync('mount', ['-i', '-t', 'fuse', '-o', options, 'valenic-test', path], {
    stdio: ['ignore', 'pipe', 'pipe', device],
  });
  const served = serveOpen(device);
  const file = await open(path, 'r+');
  await served;
  const fd = addon.duplicateFd(file.fd);
  later(async () => {
    closeSync(device); // Whoever waits for the server is told that it is gone.
    execFileSync('umount', ['-l', path]);
    await file.close().catch(() => {}); // Its server is gone.
    addon.closeForeignFd(fd, testOwner);
    await eventually(() => expect(addon.foreignFdsWaiting(testOwner)).toBe(0));
    rmSync(folder, { recursive: true });
  });
  return fd;
}

/** The same descriptor several times in one message. */
function message(request: number, payload: Buffer, fd: number, count: number): [Buffer, number[]] {
  return [writeMessage(request, 1, payload), Array.from({ length: count }, () => fd)];
}

describe.skipIf(!isRoot)('a file of FUSE whose server is silent', () => {
  it('is refused as memory, with the remedy, and nobody waits for it', async () => {
    const fd = await silentFile();
    const { frontend, ended, datapath } = await rig();
    const payload = Buffer.alloc(40);
    payload.writeUInt32LE(1, 0);
    payload.writeBigUInt64LE(4096n, 16);
    frontend.socket.send(...message(5, payload, fd, 1));

    const fault = await ended;
    expect(fault).toMatchObject({ code: 'memory_file_system' });
    expect(fault?.message).toContain('memory-backend-memfd');
    expect(datapath.names()).not.toContain('vhost.memory');
  });

  it('is refused as a kick, and 64 of them keep nobody but their own port waiting', async () => {
    const fd = await silentFile();
    const { frontend, ended } = await rig();
    frontend.socket.send(...message(12, Buffer.alloc(8), fd, 64));
    expect(await ended).toMatchObject({ code: 'fd_count_wrong' });

    // Another port's descriptors are examined and closed meanwhile.
    const others = foreignFds(addon, testOwner + 1);
    const memory = addon.createMemFd('other', 4096);
    expect(await others.fileSystemOf(memory)).toBe('tmpfs');
    others.closeFd(memory);
    await eventually(() => expect(addon.foreignFdsWaiting(testOwner + 1)).toBe(0));
  });

  it('says what it is without being asked', async () => {
    expect(addon.fdKind(await silentFile())).toBe('file');
  });
});

/** Its close() waits a minute, unless another holder closes it later. */
async function lingering(attackers: Attackers): Promise<number> {
  const [fd = -1] = await attackers.ask('linger', [60]);
  // It has closed its own when it answers again: whoever closes the last one has to wait.
  const nothing = addon.createEventFd();
  await attackers.ask('blocking', [], [nothing]);
  addon.closeFd(nothing);
  return fd;
}

/** An endpoint with a number that no other test has, and a front-end there. */
async function served(): Promise<{
  endpoint: VhostUserEndpoint;
  frontend: Frontend;
  port: number;
  attackers: Attackers;
}> {
  const folder = mkdtempSync(join(tmpdir(), 'valenic-'));
  later(() => rmSync(folder, { recursive: true }));
  const [port, path] = [nextPort++, join(folder, 'vm1.sock')];
  const [datapath, log] = [new RecordingDatapath(), new RecordingLog()];
  const endpoint = new VhostUserEndpoint({
    ...{ addon, datapath, log, port, name: 'vale0:vm1', path, role: 'server', queues: 1 },
  });
  later(() => endpoint.close());
  // A lingering socket ends with the process that holds the other end.
  later(() => eventually(() => expect(addon.foreignFdsWaiting(port)).toBe(0)));
  const attackers = Attackers.start();
  later(attackers.close);
  await endpoint.start();
  return { endpoint, frontend: new Frontend(addon.connectFdSocket(path)), port, attackers };
}
let nextPort = 4_200_000;

/** Closed elsewhere: it waits there, while this thread goes on and looks. */
const expectWaiting = (port: number) =>
  eventually(() => expect(addon.foreignFdsWaiting(port)).toBeGreaterThan(0));
const expectEnded = (endpoint: VhostUserEndpoint, code: string) =>
  eventually(() => {
    expect(endpoint.state()).toMatchObject({ connected: false, fault: { code } });
  });

describe('a socket whose close() lingers', () => {
  beforeAll(buildAttackers, 300_000);

  const asMemory = { numRegions: 1, padding: 0, rows: [region(0n, 4096n, memoryBase)] };
  it.each([
    ['a kick', 'fd_kind_wrong', 'SET_VRING_KICK', { value: 0n }],
    ['a call', 'fd_kind_wrong', 'SET_VRING_CALL', { value: 0n }],
    ['memory', 'fd_kind_wrong', 'SET_MEM_TABLE', asMemory],
    ['what no request takes', 'fd_count_wrong', 'SET_OWNER', {}],
  ] as const)('as %s keeps no thread that others wait for', async (_, code, name, payload) => {
    const { endpoint, frontend, port, attackers } = await served();
    const fds = [await lingering(attackers)];
    await frontend.send(name, payload as never, { fds });
    await expectEnded(endpoint, code);
    await expectWaiting(port);
  });

  it('in a message that nobody reads any more neither', async () => {
    const { endpoint, frontend, port, attackers } = await served();
    const bad = writeMessage(requests.SET_VRING_NUM.id, 1, Buffer.from([9, 0, 0, 0, 0, 1, 0, 0]));
    const fd = await lingering(attackers);
    frontend.socket.send(bad, []);
    frontend.socket.send(writeMessage(requests.SET_OWNER.id, 1, Buffer.alloc(0)), [fd]);
    addon.closeFd(fd);
    await expectEnded(endpoint, 'ring_index_invalid');
    await expectWaiting(port);
  });
});

describe('more descriptors than a message may carry', () => {
  beforeAll(buildAttackers, 300_000);

  it('are refused where they are sent: 64 is the most', async () => {
    const { frontend, ended } = await rig();
    const fd = addon.createEventFd();
    later(async () => addon.closeFd(fd));
    expect(() => frontend.socket.send(...message(12, Buffer.alloc(8), fd, 65))).toThrow();
    frontend.socket.send(...message(12, Buffer.alloc(8), fd, 64));
    expect(await ended).toMatchObject({ code: 'fd_count_wrong' });
  });

  it.each([65, 128, 252, 253])(
    '%i: all are closed elsewhere, and the connection',
    async (count) => {
      expectNoLeak();
      const attackers = Attackers.start();
      later(attackers.close);
      const [session, , frontend] = sessionOn(new RecordingDatapath(), testOwner + 2);
      const [many, last] = [addon.createEventFd(), await lingering(attackers)];
      const order = [requests.GET_FEATURES.id, count];
      const sent = attackers.ask('crowd', order, [frontend.socket.fd, many, last]);
      for (const fd of [many, last]) addon.closeFd(fd);
      await sent;

      expect(await runToEnd(session)).toMatchObject({ code: 'fds_truncated' });
      expect(await frontend.refused()).toBe(true);
      // The last one lingers there: the kernel did not cut it off and close it in this thread.
      expect(addon.foreignFdsWaiting()).toBeGreaterThan(0);
      attackers.close();
      await eventually(() => expect(addon.foreignFdsWaiting()).toBe(0));
    },
  );
});
