/** What the tests of the library share: a folder for sockets, and waiting for what is under way. */

import { readSync } from 'node:fs';
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

/** Looks until `good` is true. @throws after `deadlineMs`, with what was seen last. */
export async function until<T>(
  look: () => T | Promise<T>,
  good: (seen: T) => boolean,
  deadlineMs = 10_000,
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
