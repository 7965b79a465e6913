/**
 * The addon in worker threads of Node that end while the datapath runs: the process survives it.
 */

import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
/** What is built: the programs below know no TypeScript. */
const carried = join(root, 'dist/backend/datapath/carried.js');
const addon = join(root, 'build/release/native/valenic.node');

/** The beginning of every program: `openDatapath`. */
const opening = `
const openDatapath = async () => {
  const { CarriedDatapath, addonCarrier } = await import(${JSON.stringify(carried)});
  return new CarriedDatapath(addonCarrier(require(${JSON.stringify(addon)})), () => {});
};`;

/** Starts a datapath with traffic between two host ports, and leaves it running. */
const user = `
const { parentPort } = require('node:worker_threads');${opening}
(async () => {
  const datapath = await openDatapath();
  const { worker } = await datapath.command('worker.add', {});
  const home = (await datapath.command('switch.create', { name: 'vale0' })).switch;
  const port = (name) => datapath.command('port.create',
    { switch: home, name, kind: 'host', queues: 1, workers: [worker],
      settings: { polling: 'busy' } });
  const [a] = [await port('a'), await port('b')];
  const macs = { destination: 'ff:ff:ff:ff:ff:ff', source: '52:54:00:00:00:01' };
  const source = { stream: 1, frameBytes: 60, ratePps: 0, count: 0n, ...macs };
  await datapath.command('host.start', { port: a.port, source });
  datapath.command('port.macs', { port: a.port }).catch(() => {});
  (parentPort ?? { postMessage() {} }).postMessage('running');
})();
`;

const terminating = `
const { Worker } = require('node:worker_threads');
(async () => {
  for (let turn = 0; turn < 5; turn++) {
    const worker = new Worker(${JSON.stringify(user)}, { eval: true });
    await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    await worker.terminate();
  }
  console.log('survived');
})();
`;

function run(program: string) {
  const done = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8', timeout: 50_000 });
  return { status: done.status, stdout: done.stdout.trim(), stderr: done.stderr };
}

describe('the addon when its environment ends', () => {
  it('survives worker threads that are terminated under traffic', () => {
    expect(run(terminating)).toEqual({ status: 0, stdout: 'survived', stderr: '' });
  });

  it('lets a process exit that never closed its datapath', () => {
    expect(run(user)).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('refuses commands after close, by code', () => {
    const program = `${opening}
      (async () => {
        const datapath = await openDatapath();
        await datapath.close();
        await datapath.close();
        await datapath.command('worker.add', {}).catch((error) => console.log(error.code));
      })();`;
    expect(run(program)).toEqual({ status: 0, stdout: 'closed', stderr: '' });
  });

  it('refuses a command that there is not, by code', () => {
    const program = `${opening}
      openDatapath().then((datapath) => datapath.command('no.such', {})
        .catch((error) => console.log(error.code))
        .then(() => datapath.close()));`;
    expect(run(program)).toEqual({ status: 0, stdout: 'unknown_command', stderr: '' });
  });

  it.each([
    ['a missing field', `'port.remove', {}`],
    ['a number out of range', `'port.remove', { port: -1 }`],
    ['a number for a text', `'switch.create', { name: 7 }`],
  ])('refuses %s with invalid_argument', (_, call) => {
    const program = `${opening}
      openDatapath().then((datapath) => datapath.command(${call})
        .catch((error) => console.log(error.code))
        .then(() => datapath.close()));`;
    expect(run(program)).toEqual({ status: 0, stdout: 'invalid_argument', stderr: '' });
  });
});
