/** Bytes and descriptors of a hostile or hasty peer. Each ends one connection and leaks nothing. */

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { writeMessage } from '../../../backend/vhost-user/connection.ts';
import { type RequestName, requests } from '../../../frontend-spec/index.ts';
import { addon, expectNoLeak, type Rig, rig, warmUp } from './support.ts';

const eventFds = (count: number) => Array.from({ length: count }, () => addon.createEventFd());

beforeAll(warmUp);
beforeEach(expectNoLeak);

async function refusal({ frontend, ended }: Rig): Promise<string | undefined> {
  expect(await frontend.refused()).toBe(true);
  return (await ended)?.code;
}

describe('vhost-user, "Header"', () => {
  const header = (request: number, flags: number, size: number) => {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt32LE(request, 0);
    bytes.writeUInt32LE(flags, 4);
    bytes.writeUInt32LE(size, 8);
    return bytes;
  };

  it.each([
    ['version 0', header(1, 0, 0), 'version_unsupported'],
    ['version 2', header(1, 2, 0), 'version_unsupported'],
    ['a reply', header(1, 0x5, 0), 'header_flags_invalid'],
    ['an unknown flag', header(1, 0x11, 0), 'header_flags_invalid'],
    ['more bytes than any request has', header(5, 1, 269), 'message_too_long'],
    ['4 GiB', header(5, 1, 0xffff_ffff), 'message_too_long'],
  ])('%s is refused', async (_, bytes, code) => {
    const made = rig();
    await made.frontend.bytes(bytes, eventFds(2));
    expect(await refusal(made)).toBe(code);
  });

  it.each([1, 11, 12, 15])('a connection that ends after %i bytes', async (count) => {
    const made = rig();
    const whole = writeMessage(requests.SET_FEATURES.id, 1, Buffer.alloc(8));
    await made.frontend.bytes(whole.subarray(0, count), eventFds(1));
    made.frontend.close();
    expect((await made.ended)?.code).toBe('message_truncated');
  });

  it('a connection that ends between messages is an ordinary end', async () => {
    const made = rig();
    await made.frontend.settled();
    made.frontend.close();
    expect(await made.ended).toBeNull();
  });

  it('a message may come byte by byte', async () => {
    const made = rig();
    const whole = writeMessage(requests.SET_FEATURES.id, 1, Buffer.alloc(8));
    for (const byte of whole) {
      await made.frontend.bytes(Buffer.of(byte));
      await nextTurn();
    }
    await made.frontend.settled();
    expect(made.session.device.features).toBe(0n);
  });
});

describe('descriptors', () => {
  it('belong to the message whose bytes they came with', async () => {
    const made = rig();
    const call = (ring: number) => {
      const payload = Buffer.alloc(8);
      payload.writeBigUInt64LE(BigInt(ring));
      return writeMessage(requests.SET_VRING_CALL.id, 1, payload);
    };
    // Two messages in one piece, the descriptor with the first byte: it is the first one's.
    await made.frontend.bytes(Buffer.concat([call(0), call(1)]), eventFds(1));
    expect(await refusal(made)).toBe('fd_count_wrong');
    expect(made.session.messages).toBe(2);
  });

  it('may come with the payload alone', async () => {
    const made = rig();
    const whole = writeMessage(requests.SET_VRING_CALL.id, 1, Buffer.alloc(8));
    await made.frontend.bytes(whole.subarray(0, 12));
    await made.frontend.bytes(whole.subarray(12), eventFds(1));
    await made.frontend.settled();
    expect(made.session.device.rings.at(0).callFd).toBeGreaterThan(0);
  });

  it('64 in one piece and one more in the next are too many', async () => {
    const made = rig();
    const whole = writeMessage(requests.SET_FEATURES.id, 1, Buffer.alloc(8));
    await made.frontend.bytes(whole.subarray(0, 6), eventFds(64));
    await made.frontend.bytes(whole.subarray(6), eventFds(1));
    expect(await refusal(made)).toBe('fds_truncated');
  });

  const none = Object.entries(requests).filter(([, row]) => row.served && row.fds[1] === 0);
  it.each(none.map(([name]) => name as RequestName))('%s must carry none', async (name) => {
    const made = rig({ offerConfig: true });
    await made.frontend.send(name, Buffer.alloc(0), { fds: eventFds(1) });
    expect(await refusal(made)).toBe('fd_count_wrong');
  });
});

describe('payloads', () => {
  const served = Object.entries(requests).filter(([, row]) => row.served);
  it.each(served.map(([name]) => name as RequestName))('%s has exactly its bytes', async (name) => {
    for (const bytes of [Buffer.alloc(1), Buffer.alloc(13), Buffer.alloc(65)]) {
      const made = rig({ offerConfig: true });
      await made.frontend.negotiate(
        [],
        [
          ...(['MQ', 'RARP', 'REPLY_ACK', 'MTU', 'CONFIG', 'STATUS'] as const),
          ...(['RESET_DEVICE', 'CONFIGURE_MEM_SLOTS', 'GET_VRING_BASE_SKIP_DRAIN'] as const),
        ],
      );
      const fds = Array.from({ length: requests[name].fds[0] }, () =>
        addon.createMemFd('guest', 1),
      );
      await made.frontend.send(name, bytes, { fds });
      expect(await refusal(made)).toBe('payload_size_wrong');
    }
  });
});

describe('a flood of messages', () => {
  it('leaves turns to everybody else', async () => {
    const made = rig();
    const many = 2000;
    const message = writeMessage(requests.SET_OWNER.id, 1, Buffer.alloc(0));
    const sending = made.frontend.bytes(Buffer.concat(Array.from({ length: many }, () => message)));
    let turns = 0;
    while (made.session.messages < many) {
      await nextTurn();
      ++turns;
    }
    await sending;
    // 32 in one turn: the loop came around more than sixty times meanwhile.
    expect(turns).toBeGreaterThanOrEqual(many / 32 - 1);
  });

  it('of a peer that does not read its answers waits, and ends with the connection', async () => {
    const made = rig();
    const message = writeMessage(requests.GET_FEATURES.id, 1, Buffer.alloc(0));
    const many = Buffer.concat(Array.from({ length: 1000 }, () => message));
    const sending = (async () => {
      for (let i = 0; i < 100; ++i) await made.frontend.bytes(many);
    })();
    let last = -1;
    while (made.session.messages !== last) {
      last = made.session.messages;
      await sleep(100);
    }
    expect(last).toBeLessThan(100_000);
    made.session.end(null);
    expect(await made.ended).toBeNull();
    made.frontend.close();
    await Promise.race([sending, sleep(100)]);
  });
});

describe('an end from our side', () => {
  it('while it waits for a message', async () => {
    const made = rig();
    await made.frontend.settled();
    made.session.end(null);
    expect(await made.ended).toBeNull();
    expect(await made.frontend.refused()).toBe(true);
  });

  it('while the datapath works, which is waited for', async () => {
    const made = rig();
    let release = () => {};
    made.datapath.before = () => new Promise((resolve) => (release = resolve));
    await made.frontend.send('SET_FEATURES', { value: 1n << 32n });
    while (made.datapath.log.length === 0) await nextTurn();
    made.session.end(null);
    made.datapath.before = async () => {};
    let over = false;
    const ending = made.ended.then(() => {
      over = true;
    });
    await sleep(20);
    expect(over).toBe(false);
    release();
    await ending;
    expect(await made.ended).toBeNull();
    expect(made.datapath.last('vhost.features')).toMatchObject({ features: 0n });
  });
});
