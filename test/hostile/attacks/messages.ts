/** What a front-end says: vhost-user, "Front-end message types". */

import { setTimeout as sleep } from 'node:timers/promises';
import { writeMessage } from '../../../backend/vhost-user/connection.ts';
import type { ConnectionFault } from '../../../backend/vhost-user/faults.ts';
import { requests } from '../../../frontend-spec/index.ts';
import type { FaultCode } from '../../../native/boundary/index.ts';
import { addon, memoryBase, region } from '../../backend/vhost-user/support.ts';
import type { Attack, Outcome } from '../attack.ts';
import { Guest, hello } from '../guest.ts';
import type { Scene } from '../scene.ts';

const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
};
const state = (index: number, num: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(index, 0);
  bytes.writeUInt32LE(num, 4);
  return bytes;
};
const nothing = Buffer.alloc(0);
const ids = Object.values(requests).map(({ id }) => id);

/** One message of a front-end that has negotiated; we end its connection. */
function ended(
  name: string,
  rules: readonly number[],
  closed: ConnectionFault | FaultCode,
  say: (scene: Scene, guest: Guest) => Promise<unknown>,
): Attack {
  return {
    ...{ name, rules, expect: [{ closed }] },
    run: async (scene) => {
      const guest = new Guest(await scene.frontend());
      scene.later(() => guest.close());
      await guest.frontend.negotiate();
      await guest.frontend.settled();
      await say(scene, guest);
    },
  };
}

const raw =
  (bytes: Buffer) =>
  (_: Scene, { frontend }: Guest) =>
    frontend.bytes(bytes);
const eventFds = (count: number) => Array.from({ length: count }, () => addon.createEventFd());

const headers: readonly Attack[] = [
  ended('version-2', [18], 'version_unsupported', raw(writeMessage(1, 0x2, nothing))),
  ended('unknown-flag', [18], 'header_flags_invalid', raw(writeMessage(1, 0x11, nothing))),
  ended('reply-flag', [18], 'header_flags_invalid', raw(writeMessage(1, 0x5, nothing))),
  ended('four-gigabytes', [18], 'message_too_long', (_, { frontend }) => {
    const header = writeMessage(1, 0x1, nothing);
    header.writeUInt32LE(0xffff_ffff, 8);
    return frontend.bytes(header);
  }),
  ended('half-a-message', [19], 'message_truncated', async (_, { frontend }) => {
    await frontend.bytes(writeMessage(requests.SET_FEATURES.id, 0x1, u64(0n)).subarray(0, 15));
    frontend.close();
  }),
  ended('a-byte-too-many', [19], 'payload_size_wrong', (_, { frontend }) =>
    frontend.send('SET_FEATURES', Buffer.alloc(9)),
  ),
  ended('unknown-request', [21], 'request_unknown', raw(writeMessage(4711, 0x1, nothing))),
  ended('request-of-migration', [21], 'request_not_served', (_, { frontend }) =>
    frontend.send('POSTCOPY_LISTEN', nothing),
  ),
];

const meanings: readonly Attack[] = [
  ended('feature-not-offered', [21], 'feature_not_offered', (_, { frontend }) =>
    frontend.send('SET_FEATURES', u64(1n << 63n)),
  ),
  ended('features-while-running', [22], 'features_while_running', async (_, guest) => {
    await guest.shareMemory();
    await guest.startRing(1);
    await guest.frontend.send('SET_FEATURES', u64(0n));
  }),
  ended('size-while-running', [22], 'ring_is_running', async (_, guest) => {
    await guest.shareMemory();
    await guest.startRing(1);
    await guest.frontend.send('SET_VRING_NUM', state(1, 128));
  }),
  ended('ring-of-nobody', [26], 'ring_index_invalid', (_, { frontend }) =>
    frontend.send('SET_VRING_NUM', state(0xffff_ffff, 256)),
  ),
  ended('base-beyond-16-bits', [26], 'payload_value_invalid', (_, { frontend }) =>
    frontend.send('SET_VRING_BASE', state(1, 0x1_0000)),
  ),
  ended('logging', [26], 'payload_value_invalid', (_, guest) =>
    guest.frontend.send('SET_VRING_ADDR', { ...guest.addresses(1), flags: 1 }),
  ),
  ended('mtu-of-67', [32], 'request_not_negotiated', (_, { frontend }) =>
    frontend.send('NET_SET_MTU', u64(67n)),
  ),
  ended('mac-of-a-group', [32], 'request_not_negotiated', (_, { frontend }) =>
    frontend.send('SEND_RARP', u64(0xffff_ffff_ffffn)),
  ),
  ended('descriptors-that-nobody-asked-for', [20], 'fd_count_wrong', (_, { frontend }) =>
    frontend.send('GET_FEATURES', nothing, { fds: eventFds(3) }),
  ),
  ended('descriptors-in-both-pieces', [20], 'fds_truncated', async (_, { frontend }) => {
    const message = writeMessage(requests.SET_FEATURES.id, 0x1, u64(0n));
    await frontend.bytes(message.subarray(0, 12), eventFds(64));
    await frontend.bytes(message.subarray(12), eventFds(1));
  }),
  ended('kick-without-descriptor', [20], 'fd_count_wrong', (_, { frontend }) =>
    frontend.send('SET_VRING_KICK', u64(1n)),
  ),
  ended('more-regions-than-descriptors', [20, 25], 'fd_count_wrong', (_, { frontend }) =>
    frontend.send(
      'SET_MEM_TABLE',
      {
        ...{ numRegions: 2, padding: 0 },
        rows: [region(0n, 4096n, memoryBase), region(4096n, 4096n, memoryBase + 4096n)],
      },
      { fds: [addon.createMemFd('hostile', 4096)] },
    ),
  ),
];

/** Every number with payloads of all lengths, on a connection each. */
const everyRequest: Attack = {
  ...{ name: 'every-request-of-every-size', rules: [18, 19, 21, 31], expect: [] },
  run: async (scene) => {
    const sizes = [0, 1, 4, 7, 8, 9, 12, 16, 24, 31, 32, 40, 41, 64, 264];
    for (const id of [0, ...ids, 0xffff_ffff]) {
      for (const size of sizes) {
        if (scene.over) return;
        const frontend = await scene.frontend();
        await frontend.negotiate();
        await frontend.bytes(writeMessage(id, 0x9, Buffer.alloc(size, size)));
        frontend.close();
        if (scene.seconds < 1 && size === 8) break;
      }
    }
  },
};

/** A million would do as well: what a message leaves behind is seen after thousands. */
const byTheThousand: Attack = {
  ...{ name: 'messages-by-the-thousand', rules: [31, 48, 92], kind: 'what each leaves behind' },
  expect: [{ answers: true }],
  run: async (scene) => {
    const { frontend } = await scene.guest();
    for (let turn = 0; turn < 100 && !scene.over; ++turn) {
      for (let count = 0; count < 20; ++count) {
        await frontend.send('SET_VRING_ENABLE', { index: 1, num: count & 1 });
      }
      await frontend.settled();
    }
  },
};

/** Answers are never read; what is asked fills the socket both ways. */
const deaf: Attack = {
  ...{ name: 'answers-not-read', rules: [48, 49], expect: [] },
  run: async (scene) => {
    const frontend = await scene.frontend();
    const question = writeMessage(requests.GET_FEATURES.id, 0x1, nothing);
    const many = Buffer.concat(Array.from({ length: 500 }, () => question));
    let taken = 1;
    await scene.repeat(async () => {
      taken = frontend.socket.send(many, []);
      if (taken === 0) await sleep(20);
    });
  },
};

/** Comes and goes; each time a device is made and unmade. */
const restless: Attack = {
  ...{ name: 'comes-and-goes', rules: [29, 31, 92], expect: [] },
  run: async (scene) => {
    await scene.repeat(async () => {
      const guest = await Guest.start(await scene.frontend());
      guest.send();
      guest.close();
    });
  },
};

/** What is asked for stands: behind the answer nothing is taken, however much is offered. */
const stopped: Attack = {
  ...{ name: 'rings-stopped-under-traffic', rules: [28], expect: [{ answers: true }] },
  run: async (scene) => {
    const guest = await scene.guest();
    const bytes = guest.writeFrame(guest.free, hello);
    guest.describe(1, [{ at: guest.free, bytes }]);
    await scene.repeat(async () => {
      const room = guest.size / 2;
      guest.offer(1, ...Array.from({ length: room }, () => 0));
      const answer = await guest.frontend.ask('GET_VRING_BASE', { index: 1, num: 0 });
      const [base, used] = [answer?.readUInt32LE(4) ?? -1, guest.used(1)];
      if (base !== used && !scene.over) throw new Error(`stopped at ${base}, and used is ${used}`);
      await guest.startRing(1);
      guest.setAvailable(1, used);
    });
  },
};

const crowd: Attack = {
  ...{ name: 'hundred-at-one-door', rules: [30], expect: [] },
  run: async (scene) => {
    for (let count = 0; count < 100 && !scene.over; ++count) {
      try {
        const socket = addon.connectFdSocket(scene.daemon.path('x'));
        scene.later(() => socket.close());
      } catch {
        await sleep(10); // The queue at the door is full.
      }
    }
  },
};

/** The base that a message says is not what the guest's memory says. */
function base(name: string, ring: 0 | 1, said: number, inMemory: number): Attack {
  return {
    ...{ name, rules: [26, 33], kind: 'state in guest memory is not overwritten' },
    expect: [{ answers: true }],
    run: async (scene) => {
      const guest = new Guest(await scene.frontend(), { base: said, size: 64 });
      scene.later(() => guest.close());
      const { used, available } = guest.parts(ring);
      const index = Buffer.alloc(2);
      index.writeUInt16LE(inMemory);
      guest.write(used + 2, index);
      guest.write(available + 2, index);
      await guest.frontend.negotiate();
      await guest.shareMemory();
      await guest.startRing(ring);
      await guest.frontend.settled();
      await sleep(100);
      const found = guest.used(ring);
      if (found !== inMemory) throw new Error(`used is ${found}, and was ${inMemory}`);
    },
  };
}

/** What the port shows when a table of memory takes a ring's place away. */
const withoutItsRing: Attack = {
  ...{ name: 'memory-without-its-ring', rules: [35], kind: 'a state says what is known' },
  expect: [{ ring: 1, fault: 'ring_address_unmapped' }],
  run: async (scene) => {
    const guest = await scene.guest();
    await guest.frontend.send(
      'SET_MEM_TABLE',
      { numRegions: 1, padding: 0, rows: [region(0n, 4096n, memoryBase + (1n << 40n))] },
      { fds: [addon.createMemFd('hostile', 4096)] },
    );
    await guest.frontend.settled();
  },
};

const broken: Outcome = { ring: 1, fault: 'avail_index_jumped' };
const faultedRing: Attack = {
  ...{ name: 'broken-ring-is-not-started', rules: [14], kind: 'a state says what is known' },
  expect: [broken],
  run: async (scene) => {
    const guest = await scene.guest();
    guest.setAvailable(1, 1000);
    guest.kick(1);
    await scene.until(
      'a broken ring that is not started',
      async () => (await scene.port('x')).endpoint?.rings?.[1],
      (ring) => ring?.fault === 'avail_index_jumped' && !ring.started,
    );
  },
};

const forgiven: Attack = {
  ...{ name: 'fault-goes-with-its-front-end', rules: [36], kind: 'a state says what is known' },
  expect: [{ answers: true }],
  run: async (scene) => {
    const first = await scene.frontend();
    await first.bytes(writeMessage(1, 0x2, nothing));
    await scene.until(
      'the fault of the first',
      async () => (await scene.port('x')).endpoint?.fault?.code,
      (code) => code === 'version_unsupported',
    );
    const second = await scene.frontend();
    await second.negotiate();
    await second.settled();
    await scene.until(
      'a healthy connection without a fault',
      async () => (await scene.port('x')).endpoint,
      (shown) => shown?.connected === true && shown.fault === null,
    );
  },
};

/** Between two lines of one kind about one peer. */
const repeatsAfterMs = 10_000;

/** The same fault again and again: its line comes once in ten seconds. */
const chatter: Attack = {
  ...{ name: 'one-fault-again-and-again', rules: [50] },
  expect: [{ closed: 'version_unsupported' }],
  run: async (scene) => {
    const [begun, before] = [performance.now(), scene.daemon.said.length];
    for (let count = 0; count < 100 && !scene.over; ++count) {
      const frontend = await scene.frontend();
      await frontend.bytes(writeMessage(1, 0x2, nothing));
      await frontend.answer(); // None: it is the end.
      frontend.close();
    }
    const lines = scene.daemon.said.slice(before).split('\n').filter(Boolean);
    const counts = new Map<string, number>();
    for (const line of lines) {
      const { msg } = JSON.parse(line) as { msg: string };
      counts.set(msg, (counts.get(msg) ?? 0) + 1);
    }
    const most = 1 + Math.ceil((performance.now() - begun) / repeatsAfterMs);
    const often = [...counts].filter(([, count]) => count > most);
    if (lines.length === 0) throw new Error('the fault was not told');
    if (often.length > 0) throw new Error(`told more than ${most} times: ${often.join(' ')}`);
  },
};

export const messages: readonly Attack[] = [
  ...headers,
  ...meanings,
  ...[everyRequest, byTheThousand, deaf, restless, stopped, crowd, chatter],
  base('base-behind-used', 1, 0, 40),
  base('base-before-used', 1, 64, 0),
  base('rx-base-before-used', 0, 64, 0),
  ...[withoutItsRing, faultedRing, forgiven],
];
