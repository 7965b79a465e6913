/** Ports whose frames the kernel takes or brings: taps, wires, the NAT. */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.ts';
import type { Scene } from '../scene.ts';
import { sendTo, udpSocket } from '../udp.ts';
import { tailCutOff } from './memory.ts';
import { segmented, tcpFrame } from './offloads.ts';
import { natOf } from './peers.ts';

const ip = (...words: readonly string[]): void => void execFileSync('ip', words, { stdio: 'pipe' });

/** Each port of this list, added by a row and removed when its attacker leaves. */
const devices = {
  tap: (near: string) => `tap=${near}`,
  packet: (near: string) => `packet=${near},io=af-packet`,
  'af-xdp': (near: string) => `packet=${near},io=af-xdp`,
} as const;
type Device = keyof typeof devices;

const lacks = (device: Device) => (): string | null => {
  if (process.getuid?.() !== 0) return 'needs root: it makes interfaces';
  return device === 'tap' && !existsSync('/dev/net/tun') ? 'this host has no /dev/net/tun' : null;
};

let made = 0;
const subnet = '10.66.7';

/** Where the attack's own frames come from: the host behind a tap, or the far end of the wire. */
async function wired(scene: Scene, device: Device): Promise<void> {
  const near = `vh${process.pid % 100_000}n${made++}`;
  const far = device === 'tap' ? near : near.replace('n', 'f');
  if (device !== 'tap') {
    ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far);
    scene.later(() => void spawnSync('ip', ['link', 'del', near]));
    for (const name of [near, far]) silent(name);
    ip('link', 'set', near, 'up');
  }
  const { control } = scene.daemon;
  await control.addPort({ port: `vale0:w,${devices[device](near)}` });
  // Where the daemon is gone already the interface goes with it.
  scene.later(() => control.removePort('vale0:w').catch(() => {}));
  silent(far);
  ip('addr', 'add', `${subnet}.1/24`, 'dev', far);
  ip('link', 'set', far, 'up');
}

/** IPv6 would speak unasked on every interface that is up. */
function silent(name: string): void {
  spawnSync('sysctl', ['-qw', `net.ipv6.conf.${name}.disable_ipv6=1`]);
}

async function connected(scene: Scene): Promise<void> {
  const { endpoint } = await scene.port('w');
  if (endpoint?.connected !== true && !scene.over) throw new Error('the port lost its interface');
}

const tails: readonly Attack[] = [
  tailCutOff(
    'tail-cut-off-to-the-nat',
    async (scene) => {
      const before = natOf(scene);
      return async () => {
        await sleep(200);
        const now = natOf(scene);
        if (before.join() !== now.join() && !scene.over) throw new Error("the NAT's process ended");
      };
    },
    { ports: () => ['u,user'] },
  ),
  ...(Object.keys(devices) as Device[]).map((device) =>
    tailCutOff(
      `tail-cut-off-to-${device}`,
      async (scene) => {
        await wired(scene, device);
        return async () => {
          await sleep(100);
          await connected(scene);
        };
      },
      { lacks: lacks(device) },
    ),
  ),
];

/** Datagrams of every length, to all: whole, in fragments, with checksums left to be made. */
function fromTheWire(device: Device): Attack {
  return {
    ...{ name: `wire-floods-${device}`, rules: [70, 71, 73, 75], expect: [] },
    ...{ lacks: lacks(device), drowns: true },
    run: async (scene) => {
      await wired(scene, device);
      const socket = await udpSocket(scene, 0, `${subnet}.1`);
      socket.setBroadcast(true);
      await scene.repeat((round) =>
        sendTo(socket, Buffer.alloc((round * 131) % 60_000, round), 9, `${subnet}.255`),
      );
      await connected(scene);
    },
  };
}

/** Headers that lie, big frames and short ones, as fast as they are taken. */
function toTheWire(device: Device): Attack {
  return {
    ...{ name: `guest-floods-${device}`, rules: [12, 72, 88], expect: [], lacks: lacks(device) },
    run: async (scene) => {
      await wired(scene, device);
      const guest = await scene.guest({
        features: ['VIRTIO_F_VERSION_1', 'VIRTIO_NET_F_CSUM', 'VIRTIO_NET_F_HOST_TSO4'],
      });
      await scene.repeat(async (round) => {
        const bytes = 60 + ((round * 977) % 60_000);
        const header = segmented(1 + ((round * 53) % 1448), { start: round % 80 });
        guest.send(tcpFrame(bytes), round % 3 === 0 ? header : undefined);
        await sleep(0);
      });
      await connected(scene);
    },
  };
}

export const wires: readonly Attack[] = [
  ...tails,
  ...(Object.keys(devices) as Device[]).flatMap((device) => [
    fromTheWire(device),
    toTheWire(device),
  ]),
];
