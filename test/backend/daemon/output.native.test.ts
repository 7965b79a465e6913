/** The daemon and what it writes to: a reader that ends or does not read, a device that is full. */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readNow, testFolder, until } from '../support.ts';
import { program, type Served, serve } from './process.ts';

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;

/** A pipe with a name: both ends are the test's. */
async function pipe(): Promise<{ folder: string; reader: number; writer: number }> {
  const folder = await testFolder();
  const path = join(folder, 'fifo');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, O_RDONLY | O_NONBLOCK);
  return { folder, reader, writer: openSync(path, O_WRONLY) };
}

/** Lines of the log: each port says that it waits. */
async function speak(folder: string, { client }: Served, lines: number): Promise<void> {
  const path = join(folder, 'p.sock');
  const device = { kind: 'vhost-user', path, role: 'server', queues: 1 } as const;
  for (let at = 0; at < lines; at++) {
    await client.addPort({ name: 'vale0:p', device });
    await client.removePort('vale0:p');
  }
}

/** It answers, ends when it is asked, and leaves no socket behind. 1: data was lost. */
async function endsWell(served: Served, status = 0): Promise<void> {
  expect(await served.client.ports()).toEqual([]);
  expect(await served.stop()).toBe(status);
  expect(existsSync(served.control)).toBe(false);
}

describe('valenic serve', () => {
  it('goes on when the reader of its log ends', async () => {
    const { folder, reader, writer } = await pipe();
    const served = await serve({ folder, stdio: ['ignore', 'ignore', writer] });
    closeSync(writer);
    closeSync(reader);
    await speak(folder, served, 5);
    await endsWell(served);
  });

  it('tells the next reader of its log how much the last one missed', async () => {
    const { folder, reader, writer } = await pipe();
    const served = await serve({ folder, stdio: ['ignore', 'ignore', writer] });
    closeSync(writer);
    readNow(reader);
    closeSync(reader);
    await speak(folder, served, 5);
    const next = openSync(join(folder, 'fifo'), O_RDONLY | O_NONBLOCK);
    await speak(folder, served, 1);
    await endsWell(served);
    const lines = readNow(next)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    closeSync(next);
    expect(lines[0]).toMatchObject({ level: 40, code: 'EPIPE' });
    expect(lines[0].lost).toBeGreaterThanOrEqual(5);
    expect(lines.at(-1)).toMatchObject({ msg: 'stopped' });
  });

  it('goes on when the reader of its log does not read, and ends when it is asked', async () => {
    const { folder, reader, writer } = await pipe();
    const words = ['--log', 'debug'];
    const served = await serve({ folder, words, stdio: ['ignore', 'ignore', writer] });
    closeSync(writer);
    await speak(folder, served, 600); // Each more than 100 bytes: the pipe holds 64 KiB.
    await endsWell(served);
    for (const line of readNow(reader).split('\n').slice(0, -1)) JSON.parse(line);
    closeSync(reader);
  });

  it.each([
    ['log', 'ignore', 0],
    ['standard output', 'full', 1],
  ] as const)('goes on when its %s goes to a device that is full', async (_, output, status) => {
    const folder = await testFolder();
    const full = openSync('/dev/full', O_WRONLY);
    const stdio = ['ignore', output === 'full' ? full : 'ignore', full] as const;
    const served = await serve({ folder, words: ['--json'], stdio: [...stdio] });
    closeSync(full);
    await speak(folder, served, 5);
    await endsWell(served, status);
  });

  it.skipIf(process.geteuid?.() !== 0)(
    'goes on when the file system of its log is full, and tells what is missing there',
    async () => {
      const folder = await testFolder();
      const small = join(folder, 'small');
      mkdirSync(small);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8k', 'valenic-test', small]);
      try {
        const log = openSync(join(small, 'log'), 'a');
        const served = await serve({ folder, stdio: ['ignore', 'ignore', log] });
        closeSync(log);
        await writeFile(join(small, 'rest'), Buffer.alloc(4096)).catch(() => {});
        await speak(folder, served, 100);
        await rm(join(small, 'rest'));
        await until(
          async () => {
            await speak(folder, served, 1);
            return readFile(join(small, 'log'), 'utf8');
          },
          (text) => text.includes('lost'),
        );
        await endsWell(served);
      } finally {
        execFileSync('umount', ['-l', small]);
      }
    },
  );

  it('goes on when the reader of its standard output ends', async () => {
    const { folder, reader, writer } = await pipe();
    closeSync(reader);
    const served = await serve({ folder, words: ['--json'], stdio: ['ignore', writer, writer] });
    closeSync(writer);
    await speak(folder, served, 2);
    await endsWell(served);
  });

  it('goes on behind `2>&1 | head -1`', async () => {
    const folder = await testFolder();
    const control = join(folder, 'control.sock');
    const child = spawn(
      'sh',
      ['-c', `"$@" 2>&1 | head -1`, 'sh', process.execPath, program].concat([
        'serve',
        '--json',
        '--control',
        control,
      ]),
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const [line] = await once(child.stdout as NodeJS.ReadableStream, 'data');
    expect(JSON.parse(String(line))).toBeTypeOf('object');
    const list = () => spawnSync(process.execPath, [program, '--control', control, 'port', 'list']);
    await until(list, ({ status }) => status === 0, 60_000);
    const port = `vale0:p,vhost-user=${join(folder, 'p.sock')}`;
    const added = spawnSync(process.execPath, [program, '--control', control, 'port', 'add', port]);
    expect(added.status).toBe(0);
    expect(list().status).toBe(0);
    const { pid } = JSON.parse(
      execFileSync('curl', ['-s', '--unix-socket', control, 'http://d/v1/version'], {
        encoding: 'utf8',
      }),
    );
    process.kill(pid, 'SIGTERM');
    await until(
      () => existsSync(control),
      (there) => !there,
    );
  });

  it('writes what Node warns of as a line of its log', async () => {
    const folder = await testFolder();
    const preload = join(folder, 'warn.mjs');
    await writeFile(preload, 'setInterval(() => process.emitWarning("of a test"), 50).unref();');
    const log = openSync(join(folder, 'log'), 'a');
    const node = ['--import', preload];
    const served = await serve({ folder, node, stdio: ['ignore', 'ignore', log] });
    closeSync(log);
    const text = await until(
      () => readFile(join(folder, 'log'), 'utf8'),
      (all) => all.includes('of a test'),
    );
    await endsWell(served);
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 40, warning: 'Warning', msg: 'Node warns: of a test' }),
    );
  });

  it('tells of a fault that nobody caught, and ends when they keep coming', async () => {
    const folder = await testFolder();
    const preload = join(folder, 'fault.mjs');
    await writeFile(
      preload,
      `process.on('SIGUSR2', () => { setImmediate(() => { throw new Error('of a test'); }); });`,
    );
    const log = openSync(join(folder, 'log'), 'a');
    const served = await serve({
      folder,
      node: ['--import', preload],
      stdio: ['ignore', 'ignore', log],
    });
    closeSync(log);
    const told = async (count: number) =>
      until(
        () => readFile(join(folder, 'log'), 'utf8'),
        (text) => text.split('a fault in Valenic itself').length > count,
      );
    process.kill(served.pid, 'SIGUSR2');
    await told(1);
    expect(await served.client.ports()).toEqual([]);
    const over = once(served.child, 'exit');
    for (let count = 2; count <= 10; count++) {
      process.kill(served.pid, 'SIGUSR2');
      await told(count);
    }
    expect((await over)[0]).toBe(1);
    expect(existsSync(served.control)).toBe(false);
    for (const line of (await told(10)).trimEnd().split('\n')) JSON.parse(line);
  });
});

describe('a command whose output cannot be written', () => {
  it.each([['--version'], ['--help'], ['port list'], ['doctor --json']])(
    'valenic %s: one sentence and exit status 1',
    async (words) => {
      const folder = await testFolder();
      const served = await serve({ folder, words: ['--port', 'vale0:h,host'] });
      const full = openSync('/dev/full', O_WRONLY);
      const line = [program, '--control', served.control, ...words.split(' ')];
      const done = spawnSync(process.execPath, line, {
        stdio: ['ignore', full, 'pipe'],
        encoding: 'utf8',
      });
      closeSync(full);
      await served.stop();
      expect(done.stderr).toBe('valenic: the output cannot be written: no space is left there\n');
      expect(done.status).toBe(1);
    },
  );

  it('does not fail when its reader has had enough', async () => {
    const folder = await testFolder();
    const served = await serve({ folder, words: ['--port', 'vale0:h,host'] });
    const done = spawnSync(
      'bash',
      ['-c', `"$@" | true; echo "\${PIPESTATUS[0]}"`, 'bash', process.execPath, program].concat([
        ...['--control', served.control, 'port', 'list'],
      ]),
      { encoding: 'utf8' },
    );
    await served.stop();
    expect(done.stdout).toBe('0\n');
    expect(done.stderr).toBe('');
  });
});
