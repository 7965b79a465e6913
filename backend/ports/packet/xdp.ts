/**
 * A packet port over AF_XDP: its frames go past the host's own stack.
 *
 * What an interface's other users would lose by that decides whether it is chosen unasked.
 */

import { readdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NativeAddon } from '../../../native/boundary/index.ts';
import { codeOf } from '../../system-error.ts';
import type { EndpointContext } from '../endpoint.ts';
import type { Filled } from '../filled.ts';
import type { InterfaceOpened } from '../interface.ts';
import type { PacketIo, PacketState } from './io.ts';
import { packetSentence } from './packet-socket.ts';
import type { PacketSpec } from './spec.ts';

/**
 * The kernel gives a queue free some time after its last socket was closed, in a thread of its own,
 * which on a busy machine waits for a CPU as others do.
 */
const freeWithinMs = 500;
const againMs = 10;

/** Waits a moment for a queue that somebody has. @throws with an errno's name. */
export async function openXdp(
  { interface: name, queues }: Filled<PacketSpec>,
  { addon }: EndpointContext,
  zeroCopyOnly: boolean,
): Promise<InterfaceOpened<PacketState>> {
  const end = performance.now() + freeWithinMs;
  for (;;) {
    try {
      return xdpOpened(addon.openXdp(name, { queues, zeroCopyOnly }));
    } catch (error) {
      if (callAndCode(error) !== 'bind EBUSY' || performance.now() > end) throw error;
      await sleep(againMs);
    }
  }
}

function xdpOpened(opened: ReturnType<NativeAddon['openXdp']>): InterfaceOpened<PacketState> {
  const { fds, sharedFds, zeroCopy, native, losesTags } = opened;
  const xdp = native ? 'native' : 'generic';
  const state = { zeroCopy, xdp, needWakeup: true, losesTags, why: null } as const;
  const io = { mode: 'af-xdp', ...state } as const;
  return { fds, sharedFds, netHeader: 'none', own: { io } };
}

/** Why `io=auto` does not even try; null: it would take nothing from anybody. */
export function whyNotXdp(name: string): string | null {
  const [address] = addressesOf(name);
  if (address !== undefined) return `this host has the address ${address} on it`;
  const user = usersOf(name);
  if (user !== null) return `${user} of this host needs the frames that arrive there`;
  return null;
}

/** What works only together with the port, and does no more: the operator asked for it. */
export function xdpNotice(name: string, { xdp, losesTags }: PacketIo): string | null {
  if (xdp === undefined) return null;
  const why = whyNotXdp(name);
  if (why !== null) return `${why}: with AF_XDP it receives nothing`;
  if (xdp === 'generic') {
    return (
      `${name} has only generic XDP: frames that the kernel merges (GRO) are lost, and so are ` +
      `VLAN tags that it strips: "ethtool -K ${name} gro off rxvlan off" as root`
    );
  }
  return losesTags ? `its VLAN tags are lost: ${keepTags(name)}` : null;
}

const keepTags = (name: string): string => `"ethtool -K ${name} rxvlan off" as root`;

/** Link-local ones, which every interface has, do not count. */
function addressesOf(name: string): readonly string[] {
  const there = networkInterfaces()[name] ?? [];
  return there.map(({ address }) => address).filter((address) => !/^fe[89ab]/i.test(address));
}

/** A bridge or bond that it is part of, or a VLAN or the like on top of it. */
function usersOf(name: string): string | null {
  try {
    const entries = readdirSync(`/sys/class/net/${name}`);
    const upper = entries.find((entry) => entry.startsWith('upper_'));
    return upper === undefined ? null : upper.slice('upper_'.length);
  } catch {
    return null; // It may be in another network namespace.
  }
}

/** As the table of sentences has them. */
function callAndCode(error: unknown): string {
  const call = error instanceof Error && 'syscall' in error ? error.syscall : undefined;
  return `${String(call)} ${codeOf(error) ?? ''}`;
}

/** Why AF_XDP cannot be had at an interface, and what to do. */
export function xdpSentence(spec: Filled<PacketSpec>, error: unknown): string {
  const { interface: name, queues } = spec;
  const code = codeOf(error);
  const told = sentences[callAndCode(error)] ?? sentences[code ?? ''];
  return told === undefined ? packetSentence(spec, code, error) : `${name}: ${told(name, queues)}`;
}

type Sentence = (name: string, queues: number) => string;

const capabilities: Sentence = () =>
  'AF_XDP needs CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF: run as root, or once ' +
  `"setcap cap_net_raw,cap_net_admin,cap_bpf+ep ${process.execPath}" as root, or use io=af-packet`;
const tooOld: Sentence = () => 'AF_XDP needs Linux 5.11 with XDP sockets: use io=af-packet';

/** By call and errno, or by errno alone. */
const sentences: Readonly<Record<string, Sentence>> = {
  EPERM: capabilities,
  EACCES: capabilities,
  'queues E2BIG': (name, queues) =>
    `it has more queues than the port (${queues}), and each needs a socket: use queues=N as ` +
    `"ethtool -l ${name}" shows, or "ethtool -L ${name} combined ${queues}" as root`,
  'queues ERANGE': (name, queues) =>
    `it has fewer queues than the port (${queues}): use queues=N as "ethtool -l ${name}" shows`,
  'mtu EMSGSIZE': (name) =>
    'its MTU is above 1770, which is more than an AF_XDP chunk can hold: ' +
    `"ip link set ${name} mtu 1500" as root, or use io=af-packet`,
  'BPF_LINK_CREATE EBUSY': (name) =>
    `it already has an XDP program: "ip link set ${name} xdp off" as root, or use io=af-packet`,
  'BPF_LINK_CREATE EEXIST': (name) =>
    `it already has an XDP program: "ip link set ${name} xdp off" as root, or use io=af-packet`,
  'BPF_LINK_CREATE ERANGE': () =>
    'its driver has no XDP at this MTU (a veth: at the MTU of its other end): set it to 1500',
  'BPF_LINK_CREATE ENOSPC': () =>
    'its other end sends through more queues than it has receive queues: give it as many',
  'BPF_LINK_CREATE EINVAL': tooOld,
  'tags EOPNOTSUPP': (name) => `it would lose its VLAN tags: ${keepTags(name)}`,
  'bind EOPNOTSUPP': () => 'its driver cannot do AF_XDP without copies',
  'bind EBUSY': () => 'another AF_XDP socket uses its queue: end that program',
  ENOBUFS: (_, queues) =>
    `AF_XDP pins ${8 * queues} MiB, which is more than may be locked: raise "ulimit -l", ` +
    'or use io=af-packet',
  EAFNOSUPPORT: tooOld,
  ENOPROTOOPT: tooOld,
  ENOSYS: tooOld,
};
