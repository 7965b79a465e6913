/** A daemon's log whose reader is slow, gone or full: it neither waits nor throws. */

import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LineSink } from '../../../backend/cli/line-sink.ts';
import { lostLine } from '../../../backend/cli/log-text.ts';
import { readNow, testFolder, until } from '../support.ts';

const { O_RDONLY, O_RDWR, O_WRONLY, O_NONBLOCK } = constants;
const opened: number[] = [];

afterEach(() => {
  for (const fd of opened.splice(0)) closeSync(fd);
});

function open(path: string, flags: number | string): number {
  const fd = openSync(path, flags);
  opened.push(fd);
  return fd;
}

async function fifo(): Promise<string> {
  const path = join(await testFolder(), 'fifo');
  execFileSync('mkfifo', [path]);
  return path;
}

function close(fd: number): void {
  opened.splice(opened.indexOf(fd), 1);
  closeSync(fd);
}

const notice = (lines: number, code: string) => `lost ${lines} ${code}\n`;

describe('lines to a pipe', () => {
  it('arrive in their order', async () => {
    const path = await fifo();
    const reader = open(path, O_RDONLY | O_NONBLOCK);
    const sink = new LineSink(open(path, O_WRONLY), { notice });
    for (const line of ['a\n', 'b\n', 'c\n']) sink.write(line);
    expect(readNow(reader)).toBe('a\nb\nc\n');
    await sink.close(0);
  });

  it('that nobody reads wait, and pass whole when somebody does', async () => {
    const path = await fifo();
    const reader = open(path, O_RDONLY | O_NONBLOCK);
    const sink = new LineSink(open(path, O_WRONLY), { notice });
    const lines = Array.from({ length: 2000 }, (_, at) => `${at} ${'x'.repeat(100)}\n`);
    for (const line of lines) sink.write(line);
    let text = '';
    await until(
      () => (text += readNow(reader)),
      (all) => all.length >= lines.join('').length,
    );
    expect(text).toBe(lines.join(''));
    expect(sink.lost).toBe(0);
    await sink.close(0);
  });

  it('beyond what may wait are counted, and the count is told', async () => {
    const path = await fifo();
    const reader = open(path, O_RDONLY | O_NONBLOCK);
    const sink = new LineSink(open(path, O_WRONLY), { notice, waitingBytesMax: 10_000 });
    const total = 5000;
    for (let at = 0; at < total; at++) sink.write(`${at} ${'x'.repeat(100)}\n`);
    const { lost } = sink;
    expect(lost).toBeGreaterThan(total / 2);
    let text = '';
    await until(
      () => (text += readNow(reader)),
      (all) => all.includes('lost'),
    );
    const passed = text.trimEnd().split('\n');
    expect(passed.pop()).toBe(`lost ${lost} EAGAIN`);
    expect(passed.map((line) => Number(line.split(' ')[0]))).toEqual(
      Array.from({ length: total - lost }, (_, at) => at),
    );
    expect(sink.lost).toBe(0);
    await sink.close(0);
  });

  it('whose reader ended are counted, and the next reader is told first', async () => {
    const path = await fifo();
    const first = open(path, O_RDONLY | O_NONBLOCK);
    const sink = new LineSink(open(path, O_WRONLY), { notice });
    sink.write('heard\n');
    expect(readNow(first)).toBe('heard\n');
    close(first);
    for (let at = 0; at < 100; at++) sink.write('unheard\n');
    expect(sink.lost).toBe(100);
    const second = open(path, O_RDONLY | O_NONBLOCK);
    sink.write('again\n');
    expect(readNow(second)).toBe('lost 100 EPIPE\nagain\n');
    expect(sink.lost).toBe(0);
    await sink.close(0);
  });

  it('whose reader comes later than the daemon', async () => {
    const path = await fifo();
    const both = open(path, O_RDWR);
    const writer = open(path, O_WRONLY);
    close(both);
    const sink = new LineSink(writer, { notice });
    sink.write('unheard\n');
    expect(sink.lost).toBe(1);
    const reader = open(path, O_RDONLY | O_NONBLOCK);
    sink.write('heard\n');
    expect(readNow(reader)).toBe('lost 1 ENXIO\nheard\n');
    await sink.close(0);
  });

  it('do not keep the end waiting for a reader that never reads', async () => {
    const path = await fifo();
    open(path, O_RDONLY | O_NONBLOCK);
    const sink = new LineSink(open(path, O_WRONLY), { notice });
    for (let at = 0; at < 2000; at++) sink.write(`${'x'.repeat(100)}\n`);
    await sink.close(100);
  });
});

describe('lines elsewhere', () => {
  it('to a device that is full are counted', async () => {
    const sink = new LineSink(open('/dev/full', O_WRONLY), { notice });
    for (let at = 0; at < 10; at++) sink.write('x\n');
    expect(sink.lost).toBe(10);
    await sink.close(0);
    expect(sink.lost).toBe(10);
  });

  it('to a file stand behind what others wrote there', async () => {
    const path = join(await testFolder(), 'log');
    const fd = open(path, 'w');
    const [one, other] = [new LineSink(fd, { notice }), new LineSink(fd, { notice })];
    one.write('a\n');
    other.write('b\n');
    one.write('c\n');
    expect(readFileSync(path, 'utf8')).toBe('a\nb\nc\n');
  });

  it('to a descriptor that is closed are counted', () => {
    const fd = openSync('/dev/null', O_WRONLY);
    closeSync(fd);
    const sink = new LineSink(fd, { notice });
    sink.write('x\n');
    expect(sink.lost).toBe(1);
  });

  it('to a socket arrive, and are counted once its reader is gone', async () => {
    const path = join(await testFolder(), 'sock');
    let text = '';
    const server = createServer((socket) => {
      socket.on('data', (bytes) => {
        text += bytes.toString();
        if (text.includes('last\n')) socket.destroy();
      });
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const client = createConnection(path);
    await new Promise((resolve) => client.once('connect', resolve));
    const { fd } = (client as unknown as { _handle: { fd: number } })._handle;
    const sink = new LineSink(fd, { notice });
    sink.write('a\n');
    sink.write('last\n');
    await until(
      () => {
        sink.write('unheard\n');
        return sink.lost;
      },
      (lost) => lost > 0,
    );
    expect(text.startsWith('a\nlast\n')).toBe(true);
    client.destroy();
    server.close();
  });
});

describe('the notice', () => {
  it.each([
    [1, 'EPIPE', 'a line of this log was lost: nobody read it'],
    [7, 'ENOSPC', '7 lines of this log were lost: the file system was full'],
    [7, 'EIO', '7 lines of this log were lost: writing failed with EIO'],
  ])('of %i lines and %s is a line of the log', (lines, code, msg) => {
    expect(JSON.parse(lostLine(lines, code))).toMatchObject({ level: 40, lost: lines, msg });
  });
});
