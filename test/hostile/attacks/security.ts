/** Who says that he is somebody else, floods, or listens: against ports that are protected. */

import { setTimeout as sleep } from 'node:timers/promises';
import { ValenicError } from '../../../backend/errors.ts';
import type { DropReason, PortSettings } from '../../../native/boundary/index.ts';
import type { Attack } from '../attack.ts';
import { flag, type Guest, hello } from '../guest.ts';
import type { Scene } from '../scene.ts';

const own = '02:66:00:00:00:99';
const ownIps = ['10.66.0.1', 'fd66::1'];
const bytesOf = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex');

/** Settings of a port for as long as the attack lasts. */
async function secure(scene: Scene, port: string, settings: Partial<PortSettings>): Promise<void> {
  const name = `vale0:${port}`;
  const { settings: before } = await scene.daemon.control.port(name);
  await scene.daemon.control.setPort(name, settings);
  scene.later(() =>
    scene.daemon.control.setPort(name, before).catch((error: unknown) => {
      // The daemon of the last attack was told to end amid it.
      if (!(error instanceof ValenicError && error.code === 'daemon_unreachable')) throw error;
    }),
  );
}

/** A frame of this type and payload, to everybody unless said otherwise. */
function frameOf(type: number, payload: string, from = own, to = 'ff:ff:ff:ff:ff:ff'): Buffer {
  const frame = Buffer.alloc(90);
  Buffer.concat([bytesOf(to), bytesOf(from)]).copy(frame);
  frame.writeUInt16BE(type, 12);
  Buffer.from(payload.replaceAll(' ', ''), 'hex').copy(frame, 14);
  return frame;
}

const hex = (mac: string): string => mac.replaceAll(':', '');
/** "I am 10.66.0.2", which is somebody else. */
const arpLie = frameOf(0x0806, `0001 0800 0604 0002 ${hex(own)} 0a420002 ffffffffffff 0a420003`);
/** An advertisement for fd66::2 from fd66::1, with the attacker's address. */
const ndLie = frameOf(
  0x86dd,
  `60000000 0020 3a ff fd660000000000000000000000000001 ff020000000000000000000000000001` +
    `8800 0000 20000000 fd660000000000000000000000000002 0201 ${hex(own)}`,
);
const routerLie = frameOf(
  0x86dd,
  `60000000 0010 3a ff fe80000000000000006600fffe000099 ff020000000000000000000000000001` +
    '8600 0000 40000708 00000000 00000000',
);

interface Lie {
  readonly name: string;
  readonly settings: Partial<PortSettings>;
  readonly frame: Buffer;
  readonly drop: DropReason;
  readonly rule: number;
}
const allow = [{ mac: own, ips: ownIps }];
const lies: readonly Lie[] = [
  { name: 'arp-spoofed', settings: { allow }, frame: arpLie, drop: 'tx_arp_refused', rule: 105 },
  { name: 'nd-spoofed', settings: { allow }, frame: ndLie, drop: 'tx_nd_refused', rule: 106 },
  {
    name: 'ra-from-a-guest',
    settings: { raGuard: true },
    frame: routerLie,
    drop: 'tx_ra_guard',
    rule: 106,
  },
  {
    ...{ name: 'mac-not-allowed', settings: { allow }, drop: 'tx_mac_refused', rule: 103 },
    frame: frameOf(0x88b5, '', '02:66:00:00:00:98'),
  },
];

const lying: readonly Attack[] = lies.map(({ name, settings, frame, drop, rule }) => ({
  ...{ name: `security-${name}`, rules: [rule] },
  expect: [{ drop }],
  run: async (scene) => {
    await secure(scene, 'x', settings);
    const listener = await scene.guest({}, 'y');
    listen(listener);
    const guest = await scene.guest();
    guest.send(frame);
    await sleep(100);
    if (heard(listener, frame.subarray(0, 60))) throw new Error('the lie was heard');
  },
}));

const buffer = 65_536;
function listen(guest: Guest): void {
  guest.describe(0, [{ at: guest.free + buffer, bytes: 2048, flags: flag.write }]);
  guest.offer(0, 0);
}
function heard(guest: Guest, frame: Buffer): boolean {
  return guest.read(guest.free + buffer, 256).includes(frame);
}

/** One frame that says it is the pair's: neither of them loses anything. */
const takeover: readonly Attack[] = (['allow', 'sticky'] as const).map((how) => ({
  ...{ name: `security-mac-taken-over-${how}`, rules: [103] },
  expect: [{ drop: 'tx_mac_claimed' as const }],
  run: async (scene) => {
    const victims: string[] = [];
    for (const port of ['a', 'b'] as const) {
      const { macs } = await scene.port(port);
      victims.push(...macs);
      const stations = macs.map((mac) => ({ mac, ips: [] }));
      await secure(scene, port, how === 'allow' ? { allow: stations } : { stickyMacs: true });
    }
    await scene.until(
      'the addresses of the pair',
      async () => [(await scene.port('a')).macs.length, (await scene.port('b')).macs.length],
      (counts) => counts.every((count) => count > 0),
    );
    const guest = await scene.guest();
    await scene.repeat(async () => {
      for (const mac of victims) guest.send(frameOf(0x88b5, '', mac, mac));
      await sleep(1);
    });
    const { macs } = await scene.port('x');
    const taken = macs.filter((mac) => victims.includes(mac));
    if (taken.length > 0) throw new Error(`taken over: ${taken.join(' ')}`);
  },
}));

const isolation: Attack = {
  ...{ name: 'security-isolated-to-isolated', rules: [107] },
  expect: [{ drop: 'tx_isolated' }],
  run: async (scene) => {
    for (const port of ['x', 'y']) await secure(scene, port, { isolate: true });
    const neighbor = await scene.guest({}, 'y');
    listen(neighbor);
    const theirs = '02:66:00:00:00:77';
    neighbor.send(frameOf(0x88b5, '', theirs));
    await scene.until(
      'the address of y',
      async () => (await scene.port('y')).macs,
      (macs) => macs.includes(theirs),
    );
    const guest = await scene.guest();
    const frame = frameOf(0x88b5, 'aabbccdd', own, theirs);
    guest.send(frame);
    await sleep(100);
    if (heard(neighbor, frame.subarray(0, 60))) throw new Error('an isolated port was reached');
  },
};

/** Broadcasts as fast as it can: the pair's rings keep room. */
const flood: Attack = {
  ...{ name: 'security-broadcast-storm', rules: [108] },
  expect: [{ drop: 'tx_storm_broadcast' }, { says: /frames from this port dropped/ }],
  run: async (scene) => {
    await secure(scene, 'x', { stormBroadcast: 1000 });
    const guest = await scene.guest({ size: 1024 });
    const bytes = guest.writeFrame(guest.free, hello);
    guest.describe(1, [{ at: guest.free, bytes }]);
    await scene.repeat(async () => {
      const heads = Array.from({ length: 64 }, () => 0);
      const wanted = (guest.used(1) + heads.length) & 0xffff;
      guest.offer(1, ...heads);
      await scene.until(
        'the end of a burst',
        () => guest.used(1),
        (used) => used === wanted,
      );
    });
  },
};

/** A spy: frames for silent stations must not reach it. */
const spying: Attack = {
  ...{ name: 'security-unknown-unicast', rules: [107] },
  ...{ expect: [], floods: true },
  run: async (scene) => {
    await secure(scene, 'y', { unknownUnicast: false });
    const spy = await scene.guest({}, 'y');
    listen(spy);
    const sender = await scene.guest();
    const frame = frameOf(0x88b5, '6e6f626f647920656c7365', own, '02:66:00:00:00:55');
    sender.send(frame);
    await sleep(100);
    if (heard(spy, frame.subarray(0, 60))) throw new Error('unknown unicast was overheard');
  },
};

/** Claims more addresses than its port may have. */
const squatting: Attack = {
  ...{ name: 'security-sticky-squatting', rules: [104], expect: [] },
  run: async (scene) => {
    await secure(scene, 'x', { stickyMacs: true, macLimit: 8 });
    const guest = await scene.guest();
    for (let number = 0; number < 32 && !scene.over; ++number) {
      const wanted = (guest.used(1) + 1) & 0xffff;
      guest.send(frameOf(0x88b5, '', `02:66:00:00:01:${number.toString(16).padStart(2, '0')}`));
      await scene.until(
        'the end of a frame',
        () => guest.used(1),
        (used) => used === wanted,
      );
    }
    const { macs } = await scene.port('x');
    if (macs.length !== 8) throw new Error(`the port holds ${macs.length} addresses`);
  },
};

/** Where nothing forbids it, a thief of an address is named at both ports and in the log. */
const thief: Attack = {
  ...{ name: 'security-one-address-at-two-ports', rules: [86] },
  expect: [{ says: /the address 02:66:00:00:00:66 moved between vale0:x and vale0:y/ }],
  run: async (scene) => {
    const frame = frameOf(0x88b5, '', '02:66:00:00:00:66');
    const guests = [await scene.guest(), await scene.guest({}, 'y')];
    const notices = async (name: string) => (await scene.port(name)).notices;
    await scene.until(
      'the notice at both ports',
      async () => {
        for (const guest of guests) {
          guest.send(frame);
          await sleep(5);
        }
        return (await Promise.all(['x', 'y'].map(notices))).flat();
      },
      (told) => told.filter((text) => text.includes('02:66:00:00:00:66')).length === 2,
    );
  },
};

export const security: readonly Attack[] = [
  ...[...lying, ...takeover, isolation, flood, spying, squatting, thief],
];
