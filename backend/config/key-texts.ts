/** The keys of ports in words: for the help, the manual and the reference. */

import { defaultSettings } from '../ports/spec.ts';
import { cpuList, integer } from '../values/values.ts';
import { fileKeys } from './file.ts';
import { kindKeys, portKinds, settingKeys } from './keys.ts';
import {
  datapathPlace,
  logLevel,
  macTableSize,
  maxWorkers,
  pollingMode,
  serveDefaults,
} from './serve.ts';

/** One key as a person reads about it. */
export interface KeyText {
  readonly key: string;
  readonly meaning: string;
  /** What may follow "=". */
  readonly allowed: string;
  /** What counts where it is not given. */
  readonly given?: string;
}

type Kind = keyof typeof kindKeys;

/** What a kind of port is, and the form of its own key: `vhost-user=PATH`. */
export const kindTexts: Readonly<Record<Kind, { readonly form: string; readonly text: string }>> = {
  'vhost-user': { form: 'vhost-user=PATH', text: "a guest's NIC, over shared memory" },
  host: { form: 'host', text: 'a source and sink of test frames in the daemon itself' },
  stream: {
    form: 'stream=PATH',
    text: "a NIC of any model behind QEMU's -netdev stream; also stream=tcp:HOST:PORT",
  },
  dgram: {
    form: 'dgram=PATH',
    text: 'one frame a datagram: -netdev dgram, or another switch; also dgram=udp:HOST:PORT',
  },
  tap: {
    form: 'tap=NAME',
    text: "the host's own network stack, through an interface of this name",
  },
  packet: { form: 'packet=NAME', text: 'the wire behind an interface of the host' },
  user: {
    form: 'user',
    text: 'outside networks, through NAT without privileges, with DHCP and DNS',
  },
};

/** Settings: they can change under traffic, of every kind of port. */
export function settingTexts(): readonly KeyText[] {
  return textsOf(settingKeys);
}

/** Keys of one kind of port, fixed when it is added. */
export function kindKeyTexts(kind: Kind): readonly KeyText[] {
  return textsOf(kindKeys[kind]);
}

/** Below the help of `port add`: every kind, and every key there is. */
export function keysHelp(): string {
  const line = ({ key, meaning, allowed }: KeyText) => `  ${key}=  ${meaning} (${allowed})`;
  const kinds = portKinds.map((kind) => {
    const keys = Object.keys(kindKeys[kind]).join(', ');
    const { form, text } = kindTexts[kind];
    return `  ${form.padEnd(16)}  ${text}${keys === '' ? '' : `; keys: ${keys}`}`;
  });
  const own = new Map(portKinds.flatMap(kindKeyTexts).map((text) => [text.key, text]));
  return [
    ...['', 'Kinds:', ...kinds],
    ...['', 'Keys of kinds, fixed when a port is added:', ...[...own.values()].map(line)],
    ...['', 'Settings of every kind, which port set changes too:', ...settingTexts().map(line)],
  ].join('\n');
}

/** Keys of the configuration file. */
export function fileKeyTexts(): readonly KeyText[] {
  return fileKeys.map((key) => ({ key, ...fileTexts[key] }));
}

const fileTexts: Readonly<Record<(typeof fileKeys)[number], Omit<KeyText, 'key'>>> = {
  workers: {
    meaning: 'host I/O threads',
    allowed: integer(1, maxWorkers).allowed,
    given: `${serveDefaults.workers}`,
  },
  cpus: { meaning: 'CPUs that the workers are bound to, in turn', allowed: cpuList.allowed },
  cpu: { meaning: 'the same, as the command line calls it', allowed: cpuList.allowed },
  polling: {
    meaning: 'polling mode of ports that do not set one',
    allowed: pollingMode.allowed,
    given: serveDefaults.polling,
  },
  'mac-table': {
    meaning: 'addresses that each switch can hold',
    allowed: macTableSize.allowed,
    given: '8192',
  },
  datapath: {
    meaning: 'where the datapath runs: in this process, or in one of its own',
    allowed: datapathPlace.allowed,
    given: serveDefaults.datapath,
  },
  control: { meaning: 'the control socket', allowed: 'a path' },
  log: { meaning: 'how much to log', allowed: logLevel.allowed, given: serveDefaults.log },
  switches: { meaning: 'switches that differ from the default', allowed: 'a list, see below' },
  ports: { meaning: 'ports to start with', allowed: 'a list, see below' },
};

function textsOf(
  table: Readonly<Record<string, { readonly allowed: string }>>,
): readonly KeyText[] {
  return Object.entries(table).map(([key, { allowed }]) => {
    const given = defaults[key];
    return { key, meaning: meanings[key] ?? '', allowed, ...(given !== undefined && { given }) };
  });
}

const meanings: Readonly<Record<string, string>> = {
  polling: 'how the worker waits for frames of this port',
  'spin-us': 'adaptive: microseconds without work before the worker sleeps',
  more: 'whether frames are published and notified in batches (on) or one by one (off)',
  moderation: 'interrupt the guest after this many frames or microseconds',
  budget: 'most frames taken from a queue before the next queue has its turn',
  'mac-limit': 'most addresses that the switch learns behind this port',
  'max-frame': 'the longest frame in bytes',
  up: 'whether the port passes frames',
  vlan: 'the port carries untagged frames of this one VLAN (access)',
  trunk: 'the port carries tagged frames of these VLANs; repeatable',
  native: "the VLAN of a trunk's untagged frames; without it they are dropped",
  tunnel: 'the port carries frames of any kind, in this VLAN behind an 802.1ad tag (QinQ)',
  'link-local': 'whether LACP, LLDP, STP and similar frames pass',
  role: 'which side listens on the socket: Valenic (server) or the VMM (client)',
  queues: 'queue pairs',
  network: "the guests' network: its gateway is .2, its name server .3, the first guest .15",
  forward: 'a port of the host (127.0.0.1 unless named) that leads to the first guest; repeatable',
  'host-loopback': "whether the gateway's address leads to the host's own loopback",
  mode: 'permissions of the socket file',
  group: 'group of the socket file',
  mtu: 'longest packet for the port; told to its guest, and set on an interface that we make',
  offloads: 'whether checksums and segmentation may be offloaded',
  peer: 'where the other end of a dgram port is',
  persist: 'whether an interface that we made stays when the port is removed',
  io: 'what a packet port uses; auto: AF_XDP where it copies nothing and does no harm',
};

const defaults: Readonly<Record<string, string>> = {
  polling: defaultSettings.polling,
  'spin-us': `${defaultSettings.spinUs}`,
  more: defaultSettings.more ? 'on' : 'off',
  moderation: 'off',
  budget: `${defaultSettings.budget}`,
  'mac-limit': `${defaultSettings.macLimit}`,
  'max-frame': `${defaultSettings.maxFrameBytes}`,
  mtu: 'none',
  up: 'on',
  vlan: 'off',
  'link-local': 'forward',
  role: 'server',
  queues: '1',
  mode: '0600',
  network: '10.0.2.0/24',
  'host-loopback': 'off',
  io: 'auto',
  offloads: 'on',
  persist: 'off',
};
