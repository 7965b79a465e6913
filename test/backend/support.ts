/** What the tests of the library share: a folder for sockets, and waiting for what is under way. */

import { readFileSync, readSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach } from 'vitest';
import { type Backend, type BackendOptions, createBackend } from '../../backend/index.ts';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A back-end that is closed after the test, whatever became of it. */
export async function testBackend(options: BackendOptions = {}): Promise<Backend> {
  const backend = await createBackend(options);
  cleanups.push(() => backend.close());
  return backend;
}

/** A folder that is removed after the test. */
export async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'valenic-lib-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Until what must happen has: only a test that fails waits so long, and it then says what it saw.
 * On a machine that does much else the slowest of these takes seconds; vitest's own limit is 60.
 */
export const comesWithinMs = 40_000;

/** Looks until `good` is true. @throws after `deadlineMs`, with what was seen last. */
export async function until<T>(
  look: () => T | Promise<T>,
  good: (seen: T) => boolean,
  deadlineMs = comesWithinMs,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const seen = await look();
    if (good(seen)) return seen;
    if (performance.now() > end) {
      const text = JSON.stringify(seen, (_, value) =>
        typeof value === 'bigint' ? value.toString() : value,
      );
      throw new Error(`did not happen within ${deadlineMs} ms; last seen: ${text}`);
    }
    await sleep(5);
  }
}

/**
 * An address of the host's loopback that no other process of the tests has, nor the kernel gives
 * away: a port of it is free. A port of 127.0.0.1 that was free a moment ago is anybody's.
 */
export const ownLoopback = [
  127,
  64 + ((process.pid >> 16) & 63),
  (process.pid >> 8) & 255,
  process.pid & 255,
].join('.');

/** Whether a process listens at a UNIX socket's path. Its file is there a moment before that. */
export function listensAt(path: string): boolean {
  // include/net/sock.h: SO_ACCEPTCON is 1 << 16 of the flags, the fourth column of proc_net(5).
  const listens = (line: string) =>
    (Number.parseInt(line.split(' ')[3] ?? '', 16) & 0x1_0000) !== 0;
  return readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .some((line) => line.endsWith(` ${path}`) && listens(line));
}

/** What waits in a pipe that is read without waiting. */
export function readNow(fd: number): string {
  const piece = Buffer.alloc(1 << 16);
  let text = '';
  for (;;) {
    try {
      const count = readSync(fd, piece);
      if (count === 0) return text;
      text += piece.toString('utf8', 0, count);
    } catch {
      return text;
    }
  }
}
