/** What a front-end sends as a descriptor. */

import { closeSync, existsSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { addon, memoryBase, region } from '../../backend/vhost-user/support.ts';
import type { Attack } from '../attack.ts';
import { Guest } from '../guest.ts';
import type { Scene } from '../scene.ts';

/** Of a path, as the addon's descriptors are: whoever sends it closes it. */
function opened(path: string): number {
  const fd = openSync(path, 'r');
  try {
    return addon.duplicateFd(fd);
  } finally {
    closeSync(fd);
  }
}

const foreign: Readonly<Record<string, () => number>> = {
  'a-file': () => opened('/proc/self/exe'),
  'a-folder': () => opened('/'),
  'a-device-of-zeros': () => opened('/dev/zero'),
  'a-file-of-proc': () => opened('/proc/self/mem'),
  'a-random-device': () => opened('/dev/urandom'),
  'a-memfd': () => addon.createMemFd('hostile', 4096),
  'a-socket': () => {
    const [one, other] = addon.socketPair();
    addon.closeFd(other);
    return one;
  },
};

/** Kick and call take an eventfd and nothing else. */
const wrongKinds: readonly Attack[] = Object.entries(foreign).flatMap(([what, make]) =>
  (['SET_VRING_KICK', 'SET_VRING_CALL'] as const).map((name) => ({
    name: `${name === 'SET_VRING_KICK' ? 'kick' : 'call'}-is-${what}`,
    rules: [23],
    expect: [{ closed: 'fd_kind_wrong' as const }],
    run: async (scene: Scene) => {
      const frontend = await scene.frontend();
      await frontend.negotiate();
      await frontend.send(name, { value: 1n }, { fds: [make()] });
    },
  })),
);

const noMemory: readonly Attack[] = ['a-folder', 'a-device-of-zeros', 'a-socket'].map((what) => ({
  ...{ name: `memory-is-${what}`, rules: [25] },
  expect: [{ closed: 'fd_kind_wrong' as const }],
  run: async (scene: Scene) => {
    const frontend = await scene.frontend();
    await frontend.negotiate();
    await frontend.send(
      'SET_MEM_TABLE',
      { numRegions: 1, padding: 0, rows: [region(0n, 4096n, memoryBase)] },
      { fds: [foreign[what]?.() ?? -1] },
    );
  },
}));

/** An eventfd that waits where it should say that it would, and is full. */
function fullCall(name: string, ring: 0 | 1): Attack {
  return {
    ...{ name, rules: [23, 95], kind: 'a call that waits' },
    expect: [],
    run: async (scene) => {
      const guest = await scene.guest();
      const attackers = scene.attackers();
      await attackers.ask('fill', [], [guest.callFd(ring)]);
      await attackers.ask('blocking', [], [guest.callFd(ring)]);
      guest.describe(0, [{ at: guest.free, bytes: 2048, flags: 2 }]);
      const sender = await scene.guest({}, 'y');
      await scene.repeat(async () => {
        guest.offer(0, 0);
        if (ring === 0) sender.send();
        else guest.send();
        await sleep(1);
      });
    },
  };
}

/** Readable when the worker is woken, empty when it reads; then the worker has to wait. */
const drainedKick: Attack = {
  ...{ name: 'kick-drained-by-another', rules: [23, 95], kind: 'a kick that waits' },
  expect: [],
  run: async (scene) => {
    const guest = await scene.guest();
    const attackers = scene.attackers();
    await attackers.ask('blocking', [], [guest.kickFd(1)]);
    await attackers.ask('fight', [], [guest.kickFd(1)]);
    await scene.repeat(() => sleep(20));
  },
};

/** close() of each waits for a second; control must not. */
const lingering: Attack = {
  ...{ name: 'descriptors-that-linger', rules: [23, 98], kind: 'a close() that waits' },
  expect: [],
  run: async (scene) => {
    const attackers = scene.attackers();
    const fds: number[] = [];
    for (let count = 0; count < 8; ++count) fds.push(...(await attackers.ask('linger', [3])));
    for (const fd of fds) {
      const frontend = await scene.frontend();
      await frontend.negotiate();
      await frontend.send('SET_VRING_CALL', { value: 1n }, { fds: [fd] });
      frontend.close();
    }
    await answersSoon(scene);
  },
};

/** fstat() and close() wait for the file's server, which does not answer. */
const silentFile: Attack = {
  ...{
    name: 'descriptors-of-a-silent-file-system',
    rules: [23, 25, 97, 98],
    kind: 'an fstat() that waits',
  },
  expect: [],
  lacks: () => (existsSync('/dev/fuse') ? null : 'this host has no /dev/fuse'),
  run: async (scene) => {
    const attackers = scene.attackers();
    try {
      for (const name of ['SET_VRING_CALL', 'SET_MEM_TABLE'] as const) {
        const fds = await attackers.ask('fuse', [process.pid]);
        const frontend = await scene.frontend();
        await frontend.negotiate();
        if (name === 'SET_VRING_CALL') await frontend.send(name, { value: 1n }, { fds });
        else {
          const rows = [region(0n, 4096n, memoryBase)];
          await frontend.send(name, { numRegions: 1, padding: 0, rows }, { fds });
        }
        frontend.close();
      }
      await answersSoon(scene);
    } finally {
      // What is left of a process that ended waits for the server, and no signal breaks that off.
      attackers.close();
    }
  },
};

/** Control's answer, asked for while the attack is under way, comes within a second or two. */
async function answersSoon(scene: Scene): Promise<void> {
  const begun = performance.now();
  await scene.daemon.control.ports();
  const ms = Math.round(performance.now() - begun);
  if (ms > 2000) throw new Error(`control answered after ${ms} ms`);
}

/** As many as one message may have, again and again, and none of them wanted. */
const floods: Attack = {
  ...{ name: 'descriptors-by-the-thousand', rules: [20, 29], expect: [] },
  run: async (scene) => {
    await scene.repeat(async () => {
      const frontend = await scene.frontend();
      const fds = Array.from({ length: 64 }, () => addon.createEventFd());
      await frontend.send('GET_FEATURES', Buffer.alloc(0), { fds });
      frontend.close();
    });
  },
};

/** The daemon's own socket, connected to itself, as a descriptor of its peer. */
const ownSocket: Attack = {
  ...{ name: 'call-is-a-connection-to-ourselves', rules: [23, 29] },
  expect: [{ closed: 'fd_kind_wrong' }],
  run: async (scene) => {
    const inner = addon.connectFdSocket(scene.daemon.path('y'));
    const frontend = await scene.frontend();
    await frontend.negotiate();
    const fds = [addon.duplicateFd(inner.fd)];
    inner.close();
    await frontend.send('SET_VRING_CALL', { value: 1n }, { fds });
  },
};

/** Sockets of this process as kicks. Nobody reads them, so they stay full. */
const connected: Attack = {
  ...{ name: 'kick-is-a-tcp-connection', rules: [23], expect: [{ closed: 'fd_kind_wrong' }] },
  run: async (scene) => {
    const server = createServer();
    scene.later(() => server.close());
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const socket = addon.connectTcp('127.0.0.1', port);
    scene.later(() => socket.close());
    server.on('connection', (peer) => peer.on('error', () => {}).unref());
    const guest = new Guest(await scene.frontend());
    scene.later(() => guest.close());
    await guest.frontend.negotiate();
    const fds = [addon.duplicateFd(socket.fd)];
    await guest.frontend.send('SET_VRING_KICK', { value: 1n }, { fds });
  },
};

export const descriptors: readonly Attack[] = [
  ...wrongKinds,
  ...noMemory,
  fullCall('rx-call-is-full', 0),
  fullCall('tx-call-is-full', 1),
  ...[drainedKick, lingering, silentFile, floods, ownSocket, connected],
];
