/**
 * The keys of a port, one row each: what `port add`, `port set` and the configuration file share.
 *
 * A row reads a key's text into a part of the port and writes that part back as text.
 */

import { type PortSettings, pollingModes } from '../../native/boundary/index.ts';
import {
  type DgramSpec,
  type PacketSpec,
  type PortSpec,
  packetIos,
  type StreamSpec,
  type TapSpec,
  type UserSpec,
  type VhostUserSpec,
} from '../ports/spec.ts';
import { forward, forwardText, network } from '../ports/user/values.ts';
import { type Row, row } from '../values/row.ts';
import {
  choice,
  fileMode,
  groupName,
  integer,
  moderation,
  mtuValue,
  onOff,
  spinBudget,
} from '../values/values.ts';
import { vlanKeys } from './vlan.ts';

type Settings = Partial<PortSettings>;

const word = (value: boolean | undefined): string | undefined =>
  value === undefined ? undefined : value ? 'on' : 'off';
const octal = (value: number | undefined): string | undefined =>
  value === undefined ? undefined : `0${value.toString(8).padStart(3, '0')}`;

/** Can change under traffic. Ranges as in the boundary's PortSettings. */
export const settingKeys: Readonly<Record<string, Row<Settings>>> = {
  polling: row(
    choice(pollingModes),
    (polling): Settings => ({ polling }),
    ({ polling }) => polling,
  ),
  'spin-us': row(
    spinBudget,
    (spinUs): Settings => ({ spinUs }),
    ({ spinUs }) => spinUs?.toString(),
  ),
  more: row(
    onOff,
    (more): Settings => ({ more }),
    ({ more }) => word(more),
  ),
  moderation: row(
    moderation,
    ({ frames, us }): Settings => ({ moderationFrames: frames, moderationUs: us }),
    ({ moderationFrames, moderationUs }) =>
      moderationFrames === undefined ? undefined : `${moderationFrames}/${moderationUs ?? 0}`,
  ),
  budget: row(
    integer(1, 256),
    (budget): Settings => ({ budget }),
    ({ budget }) => budget?.toString(),
  ),
  'mac-limit': row(
    integer(0, 65_536),
    (macLimit): Settings => ({ macLimit }),
    ({ macLimit }) => macLimit?.toString(),
  ),
  'max-frame': row(
    integer(60, 65_550),
    (maxFrameBytes): Settings => ({ maxFrameBytes }),
    ({ maxFrameBytes }) => maxFrameBytes?.toString(),
  ),
  mtu: row(
    mtuValue,
    (mtu): Settings => ({ mtu }),
    ({ mtu }) => (mtu === 0 ? 'none' : mtu?.toString()),
  ),
  up: row(
    onOff,
    (up): Settings => ({ up }),
    ({ up }) => word(up),
  ),
  ...vlanKeys,
  'link-local': row(
    choice(['forward', 'drop'] as const),
    (text): Settings => ({ linkLocal: text === 'forward' }),
    ({ linkLocal }) => (linkLocal === undefined ? undefined : linkLocal ? 'forward' : 'drop'),
  ),
};

type SocketPart = Partial<Omit<VhostUserSpec, 'kind' | 'path'>>;

/** Of vhost-user ports only, and fixed when the port is added. */
export const socketKeys: Readonly<Record<string, Row<SocketPart>>> = {
  role: row(
    choice(['server', 'client'] as const),
    (role): SocketPart => ({ role }),
    ({ role }) => role,
  ),
  queues: row(
    integer(1, 16),
    (queues): SocketPart => ({ queues }),
    ({ queues }) => queues?.toString(),
  ),
  mode: row(
    fileMode,
    (mode): SocketPart => ({ mode }),
    ({ mode }) => octal(mode),
  ),
  group: row(
    groupName,
    (group): SocketPart => ({ group }),
    ({ group }) => group,
  ),
  offloads: row(
    onOff,
    (offloads): SocketPart => ({ offloads }),
    ({ offloads }) => word(offloads),
  ),
};

type FilePart = Pick<StreamSpec, 'mode' | 'group'>;

/** Of every port with a socket file that we make. */
const fileKeys: Readonly<Record<string, Row<FilePart>>> = {
  mode: row(
    fileMode,
    (mode): FilePart => ({ mode }),
    ({ mode }) => octal(mode),
  ),
  group: row(
    groupName,
    (group): FilePart => ({ group }),
    ({ group }) => group,
  ),
};

type StreamPart = Partial<Omit<StreamSpec, 'kind' | 'address'>>;
const streamKeys: Readonly<Record<string, Row<StreamPart>>> = {
  role: row(
    choice(['server', 'client'] as const),
    (role): StreamPart => ({ role }),
    ({ role }) => role,
  ),
  ...fileKeys,
};

type DgramPart = Partial<Omit<DgramSpec, 'kind' | 'address'>>;
const dgramKeys = {
  peer: row(
    { allowed: 'a path or udp:HOST:PORT', read: (text) => (text === '' ? undefined : text) },
    (peer): DgramPart => ({ peer }),
    ({ peer }) => peer,
  ),
  ...fileKeys,
};

type TapPart = Partial<Omit<TapSpec, 'kind' | 'interface'>>;
const tapKeys = {
  queues: row(
    integer(1, 16),
    (queues): TapPart => ({ queues }),
    ({ queues }) => queues?.toString(),
  ),
  persist: row(
    onOff,
    (persist): TapPart => ({ persist }),
    ({ persist }) => word(persist),
  ),
  offloads: row(
    onOff,
    (offloads): TapPart => ({ offloads }),
    ({ offloads }) => word(offloads),
  ),
};

type UserPart = Partial<Omit<UserSpec, 'kind'>>;
const userKeys = {
  network: row(
    network,
    (text): UserPart => ({ network: text }),
    (part) => part.network,
  ),
  forward: {
    ...row(
      forward,
      (one): UserPart => ({ forwards: [one] }),
      ({ forwards }) => forwards?.map(forwardText),
    ),
    repeats: true,
  },
  'host-loopback': row(
    onOff,
    (hostLoopback): UserPart => ({ hostLoopback }),
    ({ hostLoopback }) => word(hostLoopback),
  ),
};

type PacketPart = Partial<Omit<PacketSpec, 'kind' | 'interface'>>;
const packetKeys = {
  queues: row(
    integer(1, 16),
    (queues): PacketPart => ({ queues }),
    ({ queues }) => queues?.toString(),
  ),
  io: row(
    choice(packetIos),
    (io): PacketPart => ({ io }),
    ({ io }) => io,
  ),
};

/** Kinds of ports that can be had, and those that are planned. */
export const portKinds = [
  'vhost-user',
  'host',
  'stream',
  'dgram',
  'tap',
  'packet',
  'user',
] as const;
export const plannedKinds = ['netmap', 'ptnet'] as const;

/** Keys of each kind, fixed when the port is added. */
export const kindKeys = {
  'vhost-user': socketKeys,
  host: {},
  stream: streamKeys,
  dgram: dgramKeys,
  tap: tapKeys,
  user: userKeys,
  packet: packetKeys,
} as const satisfies Record<PortSpec['device']['kind'], Readonly<Record<string, unknown>>>;

/** Which kinds have a key, e.g. `vhost-user and tap`; "" when none does. */
export function kindsWith(key: string): string {
  return portKinds.filter((kind) => Object.hasOwn(kindKeys[kind], key)).join(' and ');
}

/** Whether a setting, or some kind's key, may be given more than once. */
export function repeats(key: string): boolean {
  type Table = Readonly<Record<string, { readonly repeats?: boolean }>>;
  const tables: readonly Table[] = [settingKeys, ...portKinds.map((kind) => kindKeys[kind])];
  return tables.some((table) => Object.hasOwn(table, key) && table[key]?.repeats === true);
}
