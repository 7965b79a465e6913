/** Images and guests that do not do what they should. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildGuestImage, type GuestImage, startGuest } from '../../../qemu/index.ts';
import { builtAgent, imageCache, testImage } from './image.ts';

let image: GuestImage;
let agent: string;
let dir: string;
beforeAll(async () => {
  image = await testImage();
  agent = await builtAgent();
  dir = await mkdtemp(join(tmpdir(), 'valenic-life-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

function guest(append = image.append) {
  const boot = { kind: 'kernel', kernel: image.kernel, initrd: image.initrd, append } as const;
  return { name: 'l', memoryMiB: 192, cpus: 1, boot, nics: [] } as const;
}

describe('buildGuestImage', () => {
  it('takes what is there', async () => {
    const { mtimeNs } = await stat(image.initrd, { bigint: true });
    const said: string[] = [];
    const again = await buildGuestImage({ cacheDir: imageCache, agent, log: (l) => said.push(l) });
    expect(again).toEqual(image);
    expect((await stat(again.initrd, { bigint: true })).mtimeNs).toBe(mtimeNs);
    expect(said).toEqual([]);
  });

  it('gives the same bytes in another cache, from a kernel that is given', async () => {
    const modules = resolve(dirname(image.kernel), '../lib/modules', image.kernelVersion);
    const kernel = { image: image.kernel, version: image.kernelVersion, modules };
    const other = await buildGuestImage({ cacheDir: join(dir, 'cache'), agent, kernel });
    expect(other.initrd).not.toBe(image.initrd);
    expect((await readFile(other.initrd)).equals(await readFile(image.initrd))).toBe(true);
  });

  it('gives another name to an image with other contents', async () => {
    const other = await buildGuestImage({ cacheDir: imageCache, agent, modules: ['8021q'] });
    expect(other.initrd).not.toBe(image.initrd);
    await rm(other.initrd);
  });

  it.each([
    ['an agent that is not built', { agent: '/nowhere/agent' }, /is not built/],
    ['an agent with libraries', { agent: process.execPath }, /is not a static 64-bit program/],
    ['a module nobody has', { modules: ['no_such'] }, /has no module no_such/],
    [
      'a kernel that is not there',
      { kernel: { image: '/nowhere/vmlinuz', version: '1', modules: '/nowhere' } },
      /\/nowhere\/vmlinuz is not there/,
    ],
  ])('refuses %s', async (_, change, sentence) => {
    const building = buildGuestImage({ cacheDir: imageCache, agent, ...change });
    await expect(building).rejects.toThrow(sentence);
    await expect(building).rejects.toMatchObject({ code: 'kernel_missing' });
  });
});

describe('startGuest', () => {
  it('reports a kernel panic, quoting the console, and leaves nothing running', async () => {
    const starting = startGuest(guest(`${image.append} rdinit=/no/such/init`));
    const error = await starting.then(
      () => null,
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({ code: 'guest_failed' });
    expect(error?.message).toMatch(/ended unexpectedly: the guest reset itself/);
    expect(error?.message).toContain('Kernel panic');
  });

  it('gives up on a guest that does not come up in time', async () => {
    const starting = startGuest(guest('console=ttyS0 rdinit=/bin/sh'), { bootTimeoutMs: 3000 });
    await expect(starting).rejects.toThrow(/the guest did not answer hello within/);
  });

  it('quotes QEMU when it refuses its command line', async () => {
    const starting = startGuest({ ...guest(), extraArgs: ['-device', 'no-such-device'] });
    await expect(starting).rejects.toThrow(/exited with status 1\nQEMU said:\n.*no-such-device/s);
  });

  it('ends a guest whose caller lost interest', async () => {
    const abort = new AbortController();
    const starting = startGuest(guest(), { signal: abort.signal });
    setTimeout(() => abort.abort(), 500);
    await expect(starting).rejects.toMatchObject({ code: 'guest_failed' });
  });

  it('runs a guest without our agent', async () => {
    const running = await startGuest(guest('console=ttyS0'), { waitForAgent: false });
    expect((await running.qmp.execute('query-status')).running).toBe(true);
    expect(() => running.agent).toThrow(/without waiting for its agent/);
    const exit = await running.shutdown();
    expect(exit).toMatchObject({ code: 0, expected: true });
    expect(exit.sentence).toContain('host-qmp-quit');
  });
});

describe('a guest whose owner is gone', () => {
  let built: string;
  beforeAll(async () => {
    // Node 20 runs no TypeScript: compile the room, and run it outside of vitest.
    built = join(dir, 'dist');
    const flags = ['--outDir', built, '--noEmit', 'false', '--declaration', 'false'];
    execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json', ...flags], { stdio: 'pipe' });
    await cp('package.json', join(built, 'package.json'));
  });

  it.each([
    ['killed', 'setInterval(() => {}, 1000)', 'SIGKILL', false],
    ['exits without a word', 'process.exit(0)', null, true],
    ['throws', 'setTimeout(() => { throw new Error("x") })', null, true],
  ] as const)('ends with it: the owner is %s', async (_, then, signal, cleaned) => {
    const module = pathToFileURL(join(built, 'qemu/index.js')).href;
    const script = join(dir, 'owner.mjs');
    await writeFile(
      script,
      `import { startGuest } from ${JSON.stringify(module)};
      const guest = await startGuest(${JSON.stringify(guest())}, { waitForAgent: false });
      const serial = guest.argv.find((arg) => arg.startsWith('file:')).slice(5);
      console.log(JSON.stringify({ pid: guest.pid, serial }));
      await new Promise((resolve) => setTimeout(resolve, 200));
      ${then};`,
    );
    const owner: ChildProcess = spawn(process.execPath, [script], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = await once(owner.stdout ?? owner, 'data');
    const { pid, serial } = JSON.parse(String(line));
    expect(() => process.kill(pid, 0)).not.toThrow();
    if (signal !== null) owner.kill(signal);
    await once(owner, 'close');
    await expect.poll(() => isRunning(pid), { timeout: 60_000 }).toBe(false);
    if (cleaned) expect(existsSync(dirname(serial))).toBe(false);
    else await rm(dirname(serial), { recursive: true, force: true });
  });
});

/** A zombie that nobody has waited for has ended, too. */
async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return status !== null && !/\) Z /.test(status);
}
