/** Settings of a port: a table of the boundary. A new setting is one row of it. */

import {
  all,
  boolean,
  type Default,
  type Field,
  field,
  list,
  mac,
  oneOf,
  optional,
  type Struct,
  type Type,
  text,
  u16,
  u32,
} from './fields.ts';
import { pollingMode, vlanMode } from './kinds.ts';
import { largestFrameBytes } from './limits.ts';

/** How operators write a setting, and where the datapath has it. */
export interface Setting extends Field {
  readonly default: Default;
  /** The key on the command line and in the configuration file, where the row alone makes it. */
  readonly key?: string;
  /** What an operator reads about it. */
  readonly help?: string;
  /** What an operator writes for true and false, where that is not on and off. */
  readonly words?: readonly [yes: string, no: string];
  /** What an operator writes for the number besides, where the type has no word for it. */
  readonly besidesWord?: string;
  /**
   * `word`: workers look at it with every batch, in boundary::PortSettings. `rule`: it is a part of
   * a switch's rules, which change while no worker is in a batch (native/src/io/settings.cpp).
   */
  readonly kept: 'word' | 'rule';
}

type Written = Pick<Setting, 'key' | 'help' | 'words' | 'besidesWord'>;

function setting<T extends Type, D extends Default>(
  number: number,
  type: T,
  text: string,
  given: D,
  written: Written & { readonly kept?: Setting['kept'] } = {},
): Setting & { readonly type: T; readonly default: D } {
  return { ...field(number, type, text), type, default: given, kept: 'word', ...written };
}

/** @spec IEEE 802.1Q-2018, 9.6: 0 is no VLAN, and 4095 is reserved. */
export const vlanNumber = u16({ min: 1, max: 4094 });

/** 68: the least an IPv4 link must carry (RFC 791). @spec virtio 1.2, 5.1.4.1. */
export const mtuBytes = u32({
  min: 68,
  max: 65_535,
  unit: 'bytes',
  besides: { value: 0, means: 'any length' },
});

export const vlanRange: Struct = {
  name: 'VlanRange',
  text: 'VLANs from the first to the last.',
  pair: true,
  fields: { first: field(1, vlanNumber, 'The first.'), last: field(2, vlanNumber, 'The last.') },
};

export const portVlan: Struct = {
  name: 'PortVlan',
  text:
    'The VLANs of a port (docs/decisions/0013-vlans.md). `none`: it takes part in none, reaches ' +
    'the ports that are like it, and frames stay as they are. `access`: untagged frames, of one ' +
    'VLAN. `trunk`: tagged frames of these VLANs, and untagged ones of `native`. `tunnel`: ' +
    "frames with or without tags, in one VLAN, behind a tag of a provider's.",
  fields: {
    mode: field(1, oneOf(vlanMode), 'How it takes part.'),
    vlan: optional(2, vlanNumber, 'Of an access or tunnel port.'),
    vlans: optional(3, list(all(vlanRange), 4094, 1), 'Of a trunk.'),
    native: optional(4, vlanNumber, "Of a trunk's untagged frames."),
  },
  variants: {
    by: 'mode',
    of: {
      none: { needs: [] },
      access: { needs: ['vlan'] },
      tunnel: { needs: ['vlan'] },
      trunk: { needs: ['vlans'], may: ['native'] },
    },
  },
};

/** Stations that a port may have, and IP addresses of one. */
export const allowedMost = { stations: 64, addresses: 64 } as const;

export const allowedStation: Struct = {
  name: 'AllowedStation',
  text: 'A station that may be behind a port.',
  fields: {
    mac: field(1, mac, "Its address; not a group's."),
    ips: field(
      2,
      list(text(45), allowedMost.addresses),
      'Its IPv4 and IPv6 addresses; none: any.',
      [],
    ),
  },
};

/** `auto`: native/src/switch/storm.hpp. The highest is more than a worker can switch. */
export const stormLimit = u32({
  max: 100_000_000,
  unit: 'frames a second',
  besides: {
    value: 0xffff_ffff,
    word: 'auto',
    means: 'a high limit',
  },
});

export const portSettingFields = {
  polling: setting(1, oneOf(pollingMode), 'How the worker waits for work.', 'adaptive', {
    key: 'polling',
    help: 'how the worker waits for frames of this port',
  }),
  spinUs: setting(
    2,
    u32({
      max: 1_000_000,
      unit: 'microseconds',
      besides: {
        value: 0xffff_ffff,
        word: 'auto',
        means: 'what pays with its traffic',
      },
    }),
    'Adaptive mode: microseconds to spin without work before sleeping. `auto`: the worker learns ' +
      "it from the gaps in each queue's traffic (native/src/io/spin_tuner.hpp).",
    'auto',
    { key: 'spin-us', help: 'adaptive: time without work before the worker sleeps' },
  ),
  more: setting(
    3,
    boolean,
    '`false`: every frame is its own transaction, published and notified alone.',
    true,
    {
      key: 'more',
      help: 'whether frames are published and notified in batches (on) or one by one (off)',
    },
  ),
  moderationFrames: setting(
    4,
    u32({ min: 1, max: 1024, unit: 'frames' }),
    'Notification moderation: a call is sent after this many frames, 1 = at once...',
    1,
  ),
  moderationUs: setting(
    5,
    u32({ max: 1_000_000, unit: 'microseconds' }),
    '...or this many microseconds after the first of them, 0 = at once.',
    0,
  ),
  budget: setting(
    6,
    u32({ min: 1, max: 256, unit: 'frames' }),
    'Most frames taken from one queue per round: the size of a batch.',
    64,
    { key: 'budget', help: 'most frames taken from a queue before the next queue has its turn' },
  ),
  macLimit: setting(
    7,
    u32({ max: 65_536, unit: 'addresses' }),
    'Most MAC addresses learned on this port.',
    1024,
    { key: 'mac-limit', help: 'most addresses that the switch learns behind this port' },
  ),
  maxFrameBytes: setting(
    8,
    u32({ min: 60, max: largestFrameBytes, unit: 'bytes' }),
    'Largest Ethernet frame the port may send, without FCS.',
    largestFrameBytes,
    { key: 'max-frame', help: 'the longest frame that the port may send' },
  ),
  mtu: setting(
    9,
    mtuBytes,
    'Longest IP packet the port gets; big frames are measured cut. 0: any length.',
    0,
    {
      key: 'mtu',
      help: 'longest packet for the port; told to its guest, and set on an interface that we make',
      besidesWord: 'none',
    },
  ),
  up: setting(
    10,
    boolean,
    'Administrative state. A down port neither sends nor receives; its MACs are forgotten.',
    true,
    { key: 'up', help: 'whether the port passes frames' },
  ),
  vlan: setting(11, all(portVlan), 'The VLANs of the port.', { mode: 'none' }, { kept: 'rule' }),
  linkLocal: setting(
    12,
    boolean,
    'Whether frames for 01:80:c2:00:00:00 to :0f (LACP, LLDP, STP ...) pass, from this port and ' +
      'to it. A bridge keeps them; a wire does not.',
    true,
    {
      key: 'link-local',
      help: 'whether LACP, LLDP, STP and similar frames pass',
      words: ['forward', 'drop'],
      kept: 'rule',
    },
  ),
  allow: setting(
    13,
    list(all(allowedStation), allowedMost.stations),
    'Who may be behind the port; none: anybody. Nobody behind another port may say that he is ' +
      'one of these (docs/decisions/0019-port-security.md).',
    [],
    { kept: 'rule' },
  ),
  stickyMacs: setting(
    14,
    boolean,
    'Addresses that were learned here stay here: no frame from them may come from another port.',
    false,
    {
      key: 'sticky-macs',
      help: 'whether addresses learned behind the port stay with it: no other port takes one',
      kept: 'rule',
    },
  ),
  raGuard: setting(
    15,
    boolean,
    '`true`: IPv6 router advertisements and redirects are dropped.',
    false,
    {
      key: 'ra-guard',
      help: 'whether IPv6 router advertisements and redirects from the port are dropped',
      kept: 'rule',
    },
  ),
  isolate: setting(
    16,
    boolean,
    '`true`: it reaches no other port that is isolated, and none of those reaches it.',
    false,
    {
      key: 'isolate',
      help: 'whether the port talks to ports only that are not isolated',
      kept: 'rule',
    },
  ),
  unknownUnicast: setting(
    17,
    boolean,
    'Whether the port gets frames for addresses that nobody was seen with.',
    true,
    {
      key: 'unknown-unicast',
      help: 'whether the port gets frames for addresses that nobody knows',
      words: ['flood', 'drop'],
      kept: 'rule',
    },
  ),
  stormBroadcast: setting(18, stormLimit, 'Most broadcasts that the port may send.', 'auto', {
    key: 'storm-broadcast',
    help: 'most broadcast frames that the port may send',
  }),
  stormMulticast: setting(19, stormLimit, 'Most multicasts that the port may send.', 'auto', {
    key: 'storm-multicast',
    help: 'most multicast frames that the port may send',
  }),
  stormUnknownUnicast: setting(
    20,
    stormLimit,
    'Most frames for addresses that nobody was seen with that the port may send.',
    'auto',
    {
      key: 'storm-unknown-unicast',
      help: 'most frames for unknown addresses that the port may send',
    },
  ),
  coalesce: setting(
    21,
    boolean,
    'Whether TCP segments that follow each other reach the port as one big frame, where it takes ' +
      'such. Off: each frame as it was sent, for what counts or forwards them.',
    true,
    {
      key: 'coalesce',
      help: 'whether TCP segments in a row reach the port as one big frame, where it takes such',
    },
  ),
} as const satisfies Readonly<Record<string, Setting>>;

export const portSettings: Struct & { readonly fields: Readonly<Record<string, Setting>> } = {
  name: 'PortSettings',
  text: 'Settings of a port. They can change under traffic.',
  fields: portSettingFields,
};

/** A key that writes several settings, or a part of one: backend/config reads it. */
export interface ComposedKey {
  /** The setting, or the last of those, behind which it stands in every list. */
  readonly of: keyof typeof portSettingFields;
  readonly help: string;
  /** What counts where it is not given. */
  readonly given?: string;
}

export const composedKeys = {
  moderation: {
    of: 'moderationUs',
    help: 'interrupt the guest after this many frames or microseconds',
    given: 'off',
  },
  vlan: {
    of: 'vlan',
    help: 'the port carries untagged frames of this one VLAN (access)',
    given: 'off',
  },
  trunk: { of: 'vlan', help: 'the port carries tagged frames of these VLANs; repeatable' },
  native: {
    of: 'vlan',
    help: "the VLAN of a trunk's untagged frames; without it they are dropped",
  },
  tunnel: {
    of: 'vlan',
    help: 'the port carries frames of any kind, in this VLAN behind an 802.1ad tag (QinQ)',
  },
  allow: {
    of: 'allow',
    help: 'who may send from the port; repeatable; with IP addresses, ARP and ND are inspected too',
    given: 'off',
  },
} as const satisfies Readonly<Record<string, ComposedKey>>;
export type ComposedKeyName = keyof typeof composedKeys;
