/**
 * Descriptors of which the examination or the closing never ends: a file of FUSE whose server is
 * silent. A thread of ours that waited for it would end these tests by their time.
 */

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, read, rmSync, writeFileSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { writeMessage } from '../../../backend/vhost-user/connection.ts';
import { foreignFds } from '../../../backend/vhost-user/fds.ts';
import { addon, eventually, later, rig } from './support.ts';

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
    await eventually(() => addon.foreignFdsWaiting(testOwner) === 0);
    rmSync(folder, { recursive: true });
  });
  return fd;
}

/** The same descriptor so many times in one message. */
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
    await eventually(() => addon.foreignFdsWaiting(testOwner + 1) === 0);
  });

  it('says what it is without being asked', async () => {
    expect(addon.fdKind(await silentFile())).toBe('file');
  });
});

describe('more descriptors than a message may carry', () => {
  it('are all taken and closed elsewhere, none by the kernel in our thread', async () => {
    const { frontend, ended } = await rig();
    const fd = addon.createEventFd();
    later(async () => addon.closeFd(fd));
    expect(() => frontend.socket.send(...message(12, Buffer.alloc(8), fd, 65))).toThrow();
    frontend.socket.send(...message(12, Buffer.alloc(8), fd, 64));
    expect(await ended).toMatchObject({ code: 'fd_count_wrong' });
  });
});
