/** `valenic-datapath` behind a socket that anybody may have the other end of. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  boundaryVersion,
  commands,
  decodeMessage,
  encodeCommand,
  encodeMessage,
  failure,
} from '../../../native/boundary/index.ts';
import { listensAt, testFolder, until } from '../../backend/support.ts';

const program = resolve(import.meta.dirname, '../../../build/release/native/valenic-datapath');
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const over = once(child, 'exit');
    child.kill('SIGKILL');
    await over;
  }
});

interface Listening {
  readonly child: ChildProcess;
  readonly path: string;
  readonly said: () => string;
}

async function listening(): Promise<Listening> {
  const path = join(await testFolder(), 'datapath.sock');
  const child = spawn(program, ['--listen', path], { stdio: ['ignore', 'ignore', 'pipe'] });
  children.push(child);
  let text = '';
  child.stderr?.on('data', (piece: Buffer) => {
    text += piece.toString();
  });
  await until(() => listensAt(path), Boolean);
  return { child, path, said: () => text };
}

function frameOf(message: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(message.length, 0);
  return Buffer.concat([head, message]);
}

/** A connection without descriptors: Node cannot receive them, and the kernel closes those. */
class Client {
  readonly socket: Socket;
  #bytes = Buffer.alloc(0);

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.on('error', () => {});
    this.socket.on('data', (piece) => {
      this.#bytes = Buffer.concat([this.#bytes, piece]);
    });
  }

  /** The next message; the first is the greeting. */
  async next(): Promise<Buffer> {
    const length = () => (this.#bytes.length < 8 ? -1 : this.#bytes.readUInt32LE(0));
    await until(length, (bytes) => bytes >= 0 && this.#bytes.length >= 8 + bytes);
    const end = 8 + length();
    const message = this.#bytes.subarray(8, end);
    this.#bytes = this.#bytes.subarray(end);
    return message;
  }

  async failure(): Promise<{ code: string; text: string }> {
    const { head, values } = decodeMessage(await this.next(), () => failure.fields);
    expect(head.form).toBe('failure');
    return values as unknown as { code: string; text: string };
  }
}

async function connected(path: string): Promise<Client> {
  const client = new Client(path);
  await client.next();
  return client;
}

const createSwitch = (name: string, version = boundaryVersion) =>
  encodeMessage(
    { version, form: 'command', number: commands['switch.create'].number, request: 1 },
    commands['switch.create'].argument,
    { name },
  ).bytes;

describe('valenic-datapath', () => {
  it.each([
    [[]],
    [['--socket']],
    [['--socket', 'x']],
    [['--socket', '3', '--listen', '/tmp/x']],
    [['--listen', '/tmp/x', '--ports', '5000']],
  ])('says how it is used, exit code 2: %j', async (words) => {
    const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'] });
    children.push(child);
    const [text] = await once(child.stderr ?? child, 'data');
    expect(String(text)).toMatch(/^usage: valenic-datapath/);
    const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
    expect(code).toBe(2);
  });

  it('ends with SIGTERM, and its socket file goes', async () => {
    const { child, path } = await listening();
    await connected(path);
    const over = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await over).toEqual([0, null]);
    expect(existsSync(path)).toBe(false);
  });

  it('is for its user alone', async () => {
    const { path } = await listening();
    const { stat } = await import('node:fs/promises');
    expect((await stat(path)).mode & 0o077).toBe(0);
  });

  it('goes on with what it has when its carrier is gone, and cut off in a message', async () => {
    const { path, said } = await listening();
    const first = await connected(path);
    first.socket.write(frameOf(createSwitch('vale0')));
    await first.next();
    first.socket.write(frameOf(createSwitch('vale1')).subarray(0, 12));
    first.socket.end();
    await until(said, (text) => text.includes('it was cut off in the middle of a message'));
    const second = await connected(path);
    second.socket.write(frameOf(createSwitch('vale0')));
    expect(await second.failure()).toMatchObject({ code: 'name_in_use' });
    second.socket.write(frameOf(createSwitch('vale1')));
    expect(decodeMessage(await second.next(), () => null).head.form).toBe('answer');
    second.socket.destroy();
  });

  it.each([
    ['of another version', createSwitch('v', boundaryVersion + 7), 'version_unknown'],
    ['of no version', Buffer.from([0x85, 0xff]), 'message_malformed'],
    ['empty', Buffer.alloc(0), 'message_malformed'],
    ['of zeros', Buffer.alloc(1000), 'invalid_argument'],
  ])('answers a message that is %s by a failure, and goes on', async (_, message, code) => {
    const { path } = await listening();
    const client = await connected(path);
    client.socket.write(frameOf(message));
    expect(await client.failure()).toMatchObject({ code, text: expect.stringMatching(/ /) });
    client.socket.write(frameOf(createSwitch('vale0')));
    expect(decodeMessage(await client.next(), () => null).head.form).toBe('answer');
    client.socket.destroy();
  });

  it.each([
    ['too long', [0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0], 'too long'],
    ['with too many descriptors', [1, 0, 0, 0, 0, 0, 1, 0], 'too many descriptors'],
    ['without its descriptors', [1, 0, 0, 0, 3, 0, 0, 0, 0x85], 'without its descriptors'],
  ])('closes a connection whose frame is %s, and takes the next one', async (_, bytes, reason) => {
    const { path, said } = await listening();
    const client = await connected(path);
    const over = once(client.socket, 'close');
    client.socket.write(Buffer.from(bytes));
    await over;
    await until(said, (text) => text.includes(reason));
    (await connected(path)).socket.destroy();
  });

  it('reads no more from who takes no answers, and is there for the next', async () => {
    const { path, child } = await listening();
    const flood = connect(path);
    flood.on('error', () => {});
    flood.pause();
    const frame = frameOf(encodeCommand('port.macs', { port: 1 }, 1).bytes);
    const many = Buffer.concat(Array.from({ length: 20_000 }, () => frame));
    for (let at = 0; at < 20; at++) flood.write(many);
    await until(
      () => flood.writableLength,
      (left) => left > 0,
    );
    flood.destroy();
    (await connected(path)).socket.destroy();
    expect(child.exitCode).toBe(null);
  });
});
