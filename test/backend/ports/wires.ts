/** Veth pairs whose far ends are in namespaces, and programs that run there. Needs root. */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { afterEach, expect } from 'vitest';
import type { PortSpec } from '../../../backend/ports/spec.ts';
import { until } from '../support.ts';
import { goneAndBack, linkRig } from './support.ts';

export const ip = (...words: string[]): void => void execFileSync('ip', words, { stdio: 'pipe' });
export const may = process.getuid?.() === 0;

const undo: string[][] = [];
afterEach(() => {
  for (const words of undo.splice(0)) spawnSync('ip', words);
});

let made = 0;
export interface Wire {
  /** The port's end. */
  readonly near: string;
  readonly far: string;
  /** Where the far end is. */
  readonly namespace: string;
}

/** A veth pair whose far end is in a namespace, with an address there. */
export function wire(address?: string): Wire {
  const id = `vp${process.pid % 100_000}x${made++}`;
  const names = { near: `${id}n`, far: `${id}f`, namespace: id };
  ip('netns', 'add', id);
  undo.push(['netns', 'del', id], ['link', 'del', names.near]);
  spawnSync('ip', ['netns', 'exec', id, 'sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1']);
  connect(names);
  if (address !== undefined) ip('-n', id, 'addr', 'add', address, 'dev', names.far);
  return names;
}

export function connect({ near, far, namespace }: Wire): void {
  ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', namespace);
  spawnSync('sysctl', ['-qw', `net.ipv6.conf.${near}.disable_ipv6=1`]);
  ip('link', 'set', near, 'up');
  ip('-n', namespace, 'link', 'set', far, 'up');
}

/** Runs a program of Node in a namespace; resolves with what it said. */
export async function inside(
  namespace: string,
  program: string,
  ready?: RegExp,
): Promise<() => string> {
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, '-e', program]);
  let said = '';
  const take = (text: Buffer) => {
    said += text;
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  let closed = false;
  // Its end may be known before its last words are read.
  child.once('close', () => {
    closed = true;
  });
  await until(
    () => closed || ready?.test(said) === true,
    (is) => is,
    60_000,
  );
  return () => said;
}

export const bytes = 32 << 20;
/** Bytes that differ at every place, and their hash. */
export const server = `
  const { createHash } = require('node:crypto');
  require('node:net').createServer((socket) => {
    const hash = createHash('sha256');
    let seen = 0;
    socket.on('data', (part) => { hash.update(part); seen += part.length; });
    socket.on('end', () => socket.end(seen + ' ' + hash.digest('hex'), () => process.exit()));
  }).listen(5001, () => console.log('ready'));
`;
export const client = (host: string) => `
  const { createHash, createCipheriv } = require('node:crypto');
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16));
  const data = cipher.update(Buffer.alloc(${bytes}));
  const socket = require('node:net').connect({ host: '${host}', port: 5001, allowHalfOpen: true });
  let answer = '';
  socket.end(data);
  socket.on('data', (text) => { answer += text; });
  socket.on('end', () => {
    const wanted = data.length + ' ' + createHash('sha256').update(data).digest('hex');
    console.log(answer === wanted ? 'same' : 'differs: ' + answer);
  });
`;

/** A port on a wire whose interface goes down, is deleted, and returns. */
export async function loseAndFind(spec: (near: string) => PortSpec['device']): Promise<void> {
  const rig = await linkRig();
  const pair = wire();
  const port = await rig.add('p', spec(pair.near));
  ip('link', 'set', pair.near, 'down');
  expect(port.state().endpoint?.notice).toBe(`the interface is down: ip link set ${pair.near} up`);
  await goneAndBack(
    rig,
    port,
    () => ip('link', 'del', pair.near),
    () => connect(pair),
  );
}
