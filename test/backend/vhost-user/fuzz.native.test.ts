/**
 * Random bytes and random messages that look valid, against a session with a recording datapath and
 * against the real one: it never crashes, never leaves a descriptor open, and always comes to an
 * end.
 */

import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addonCarrier, CarriedDatapath } from '../../../backend/datapath/carried.ts';
import { writeMessage } from '../../../backend/vhost-user/connection.ts';
import { connectionFaults } from '../../../backend/vhost-user/faults.ts';
import { offerOf } from '../../../backend/vhost-user/offer.ts';
import { featureMask, protocolFeatureMask, requests } from '../../../frontend-spec/index.ts';
import { commandErrors, faults, type NativeDatapath } from '../../../native/boundary/index.ts';
import {
  addon,
  expectNoLeak,
  type Frontend,
  later,
  openFds,
  RecordingDatapath,
  sessionOn,
  warmUp,
} from './support.ts';

beforeAll(warmUp);
beforeEach(expectNoLeak);

const knownCodes = Object.keys({ ...connectionFaults, ...commandErrors, ...faults });

/** A datapath of either kind with one port of two queue pairs, and the ports' number. */
async function realDatapath(): Promise<[NativeDatapath, number]> {
  const datapath = new CarriedDatapath(addonCarrier(addon), () => {});
  later(() => datapath.close());
  const { worker } = await datapath.command('worker.add', {});
  const { switch: id } = await datapath.command('switch.create', { name: 'vale0' });
  const port = { switch: id, name: 'vm1', kind: 'vhost', queues: 2, workers: [worker] } as const;
  return [datapath, (await datapath.command('port.create', port)).port];
}

interface Piece {
  readonly bytes: Uint8Array;
  readonly fds: readonly Kind[];
}
const kinds = {
  eventfd: () => addon.createEventFd(),
  memory: () => addon.createMemFd('fuzz', 1 << 20),
  empty: () => addon.createMemFd('fuzz', 0),
};
type Kind = keyof typeof kinds;
const anyFds = (max: number) =>
  fc.array(fc.constantFrom<Kind>('eventfd', 'memory', 'empty'), { maxLength: max });

/** Says all of it, then hangs up; the session must end by itself. */
async function play(datapath: NativeDatapath, port: number, pieces: readonly Piece[]) {
  const before = openFds();
  const [session, , frontend] = sessionOn(datapath, port, {
    ...{ queues: 2, settleMs: 1, memoryNoticeMs: 1, offerConfig: true },
  });
  const ended = session.run();
  const reading = drain(frontend);
  for (const { bytes, fds } of pieces) {
    await frontend.bytes(
      bytes,
      fds.map((kind) => kinds[kind]()),
    );
  }
  // A last request: when it is answered, or refused, everything before it was dealt with.
  await frontend.bytes(writeMessage(requests.GET_FEATURES.id, 1, Buffer.alloc(0)));
  await reading;
  frontend.close();
  const fault = await ended;
  if (fault !== null) {
    expect(knownCodes).toContain(fault.code);
    expect(fault.code).not.toBe('internal');
  }
  expect(session.device.rings.anyRunning).toBe(false);
  expect(openFds()).toEqual(before);
}

/**
 * Reads answers until that of GET_FEATURES, the end, or a pause: half a message is never answered.
 */
async function drain(frontend: Frontend): Promise<void> {
  const pause = new Promise<null>((resolve) => setTimeout(() => resolve(null), 250));
  for (;;) {
    const answer = await Promise.race([frontend.answer(), pause]);
    if (answer === null || answer.request === requests.GET_FEATURES.id) return;
  }
}

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
const u64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes;
};

const ring = fc.oneof({ weight: 9, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(300) });
const size = fc.constantFrom(256, 256, 1024, 0, 3, 32768, 65536);
const address = fc.oneof(
  { weight: 8, arbitrary: fc.nat(0xff).map((page) => 0x10_0000n + BigInt(page) * 0x1000n) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }) },
);
const regionRow = fc
  .tuple(
    fc.constantFrom(0n, 0n, 0x8_0000n, 1n << 40n, (1n << 64n) - 4096n),
    fc.constantFrom(0x10_0000n, 0x10_0000n, 0x8_0000n, 0n, 1n << 62n),
    fc.constantFrom(0x10_0000n, 0x10_0000n, 0x20_0000n, (1n << 64n) - 1n),
    fc.constantFrom(0n, 0n, 0n, 0x1000n, 123n, 1n << 63n),
  )
  .map((words) => Buffer.concat(words.map(u64)));

type Made = { readonly payload: Buffer; readonly fds: readonly Kind[] };
const made = (payload: Buffer, ...fds: Kind[]): Made => ({ payload, fds });
const state = (second: fc.Arbitrary<number>) =>
  fc.tuple(ring, second).map(([index, num]) => made(Buffer.concat([u32(index), u32(num)])));
const ringFd = fc
  .tuple(ring, fc.boolean())
  .map(([index, without]) =>
    without ? made(u64(BigInt(index) | 0x100n)) : made(u64(BigInt(index)), 'eventfd'),
  );
const value = (...values: bigint[]) => fc.constantFrom(...values).map((each) => made(u64(each)));
const nothing = fc.constant(made(Buffer.alloc(0)));
const oneRegion = regionRow.map((row) => Buffer.concat([u64(0n), row]));

/** For each request, payloads that pass the syntax, most of them sensible. */
const messages: Partial<Record<keyof typeof requests, fc.Arbitrary<Made>>> = {
  GET_FEATURES: nothing,
  SET_FEATURES: value(
    featureMask(['VIRTIO_F_VERSION_1', 'VHOST_USER_F_PROTOCOL_FEATURES']),
    featureMask(['VIRTIO_F_VERSION_1', 'VIRTIO_F_EVENT_IDX', 'VIRTIO_F_INDIRECT_DESC']),
    0n,
  ),
  SET_OWNER: nothing,
  RESET_OWNER: nothing,
  SET_MEM_TABLE: fc.array(regionRow, { minLength: 1, maxLength: 3 }).map((rows) => ({
    payload: Buffer.concat([u32(rows.length), u32(0), ...rows]),
    fds: rows.map((): Kind => 'memory'),
  })),
  SET_VRING_NUM: state(size),
  SET_VRING_ADDR: fc
    .tuple(ring, address, address, address)
    .map(([index, ...at]) => made(Buffer.concat([u32(index), u32(0), ...at.map(u64), u64(0n)]))),
  SET_VRING_BASE: state(fc.constantFrom(0, 0, 1, 255, 0xffff, 0x10000)),
  GET_VRING_BASE: state(fc.constant(0)),
  GET_VRING_BASE_SKIP_DRAIN: state(fc.constant(0)),
  SET_VRING_KICK: ringFd,
  SET_VRING_CALL: ringFd,
  SET_VRING_ERR: ringFd,
  GET_PROTOCOL_FEATURES: nothing,
  SET_PROTOCOL_FEATURES: value(protocolFeatureMask(['REPLY_ACK', 'CONFIGURE_MEM_SLOTS', 'STATUS'])),
  GET_QUEUE_NUM: nothing,
  SET_VRING_ENABLE: state(fc.nat(1)),
  SEND_RARP: value(0x5634_1200_5452n, 0n),
  NET_SET_MTU: value(1500n, 0n, 9000n),
  RESET_DEVICE: nothing,
  GET_MAX_MEM_SLOTS: nothing,
  ADD_MEM_REG: oneRegion.map((payload) => made(payload, 'memory')),
  REM_MEM_REG: oneRegion.map((payload) => made(payload)),
  SET_STATUS: value(0xfn, 0n, 0x80n),
  GET_STATUS: nothing,
};

function piece(id: number, { payload, fds }: Made, needReply: boolean): Piece {
  return { bytes: writeMessage(id, 0x1 | (needReply ? 0x8 : 0), payload), fds };
}
const anyMessage = fc
  .constantFrom(...(Object.keys(messages) as (keyof typeof requests)[]))
  .chain((name) =>
    fc.tuple(fc.constant(requests[name].id), messages[name] ?? nothing, fc.boolean()),
  )
  .map((parts) => piece(...parts));

const say = (name: keyof typeof requests, payload: Buffer, ...fds: Kind[]): Piece =>
  piece(requests[name].id, made(payload, ...fds), true);
const goodRegion = [0n, 0x10_0000n, 0x10_0000n, 0n].map(u64);
const otherRegion = [1n << 32n, 0x8_0000n, 1n << 32n, 0n].map(u64);

/** How a well-meaning front-end begins, so that what follows reaches deeper. */
const sensibleStart: readonly Piece[] = [
  say('SET_OWNER', Buffer.alloc(0)),
  say('SET_PROTOCOL_FEATURES', u64(offerOf({ queues: 2, offerConfig: true }).protocolFeatures)),
  say('SET_FEATURES', u64(featureMask(['VIRTIO_F_VERSION_1', 'VHOST_USER_F_PROTOCOL_FEATURES']))),
  say('SET_MEM_TABLE', Buffer.concat([u32(1), u32(0), ...goodRegion]), 'memory'),
];

/** A whole ring at one of a few places, some of them outside the memory. */
const ringSetUp = fc
  .tuple(fc.nat(3), fc.constantFrom(0, 5, 0xffff), fc.constantFrom(0, 0, 1, 2, 15, 16, 0x1000))
  .map(([index, base, page]) => {
    const at = 0x10_0000n + BigInt(page) * 0x1_0000n;
    const places = [at, at + 0x8000n, at + 0x4000n, 0n].map(u64);
    return [
      say('SET_VRING_NUM', Buffer.concat([u32(index), u32(256)])),
      say('SET_VRING_BASE', Buffer.concat([u32(index), u32(base)])),
      say('SET_VRING_ADDR', Buffer.concat([u32(index), u32(0), ...places])),
      say('SET_VRING_KICK', u64(BigInt(index)), 'eventfd'),
      say('SET_VRING_CALL', u64(BigInt(index)), 'eventfd'),
      say('SET_VRING_ENABLE', Buffer.concat([u32(index), u32(1)])),
    ];
  });
const onRing = fc
  .tuple(fc.nat(3), fc.nat(3), fc.constantFrom(0, 1, 8, 16))
  .map(([index, what, page]) => {
    const place = (offset: bigint) => u64(0x10_0000n + BigInt(page) * 0x1_0000n + offset);
    const places = [place(0n), place(0x8000n), place(0x4000n), u64(0n)];
    return [
      say('GET_VRING_BASE', Buffer.concat([u32(index), u32(0)])),
      say('SET_VRING_ADDR', Buffer.concat([u32(index), u32(0), ...places])),
      say('SET_VRING_KICK', u64(BigInt(index)), 'eventfd'),
      say('SET_VRING_CALL', u64(BigInt(index) | 0x100n)),
    ].slice(what, what + 1);
  });
const single = (words: readonly Buffer[]) => Buffer.concat([u64(0n), ...words]);
const onMemory = fc.constantFrom<Piece[]>(
  [say('REM_MEM_REG', single(goodRegion)), say('ADD_MEM_REG', single(goodRegion), 'memory')],
  [say('REM_MEM_REG', single(goodRegion))],
  [say('ADD_MEM_REG', single(otherRegion), 'memory')],
  [say('REM_MEM_REG', single(otherRegion))],
  [say('ADD_MEM_REG', single(otherRegion), 'empty')],
  [say('SET_MEM_TABLE', Buffer.concat([u32(1), u32(0), ...goodRegion]), 'memory')],
  [say('SET_MEM_TABLE', Buffer.concat([u32(1), u32(0), ...otherRegion]), 'memory')],
);
const fragment = fc.oneof(
  { weight: 6, arbitrary: ringSetUp },
  { weight: 6, arbitrary: onRing },
  { weight: 4, arbitrary: onMemory },
  { weight: 1, arbitrary: fc.constant([say('RESET_DEVICE', Buffer.alloc(0))]) },
  { weight: 1, arbitrary: anyMessage.map((each) => [each]) },
);
const conversation = fc
  .array(fragment, { minLength: 1, maxLength: 20 })
  .map((rest) => [...sensibleStart, ...rest.flat()]);
const babble = fc.array(anyMessage, { minLength: 1, maxLength: 20 });

const noise = fc.array(
  fc.record({ bytes: fc.uint8Array({ minLength: 1, maxLength: 400 }), fds: anyFds(9) }),
  { maxLength: 5 },
);
/** Headers with a known number and any payload and descriptors. */
const nearMisses = fc.array(
  fc
    .tuple(fc.nat(46), fc.uint8Array({ maxLength: 80 }), anyFds(3), fc.boolean())
    .map(([id, payload, fds, needReply]) =>
      piece(id, { payload: Buffer.from(payload), fds }, needReply),
    ),
  { maxLength: 8 },
);

describe.each([
  [
    'a recording datapath',
    async () => [new RecordingDatapath(), 7] as [NativeDatapath, number],
    300,
  ],
  ['the datapath', realDatapath, 150],
])('a session on %s', (_, make, numRuns) => {
  it.each([
    ['random bytes', noise],
    ['random payloads and descriptors', nearMisses],
    ['random messages', babble],
    ['random conversations', conversation],
  ])(
    'survives %s',
    async (__, pieces) => {
      const [datapath, port] = await make();
      await fc.assert(
        fc.asyncProperty(pieces as fc.Arbitrary<Piece[]>, (each) => play(datapath, port, each)),
        { numRuns },
      );
    },
    120_000,
  );
});
