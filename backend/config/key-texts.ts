/** The keys of ports in words: for the help, the manual and the reference. */

import { type KindName, kindOf, portKinds } from '../ports/kinds.ts';
import { defaultSettings } from '../ports/spec.ts';
import { cpuList, integer } from '../values/values.ts';
import { fileKeys } from './file.ts';
import { settingKeys } from './keys.ts';
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

/** Settings: they can change under traffic, of every kind of port. */
export function settingTexts(): readonly KeyText[] {
  return textsOf(settingKeys);
}

/** Keys of one kind of port, fixed when it is added. */
export function kindKeyTexts(name: KindName): readonly KeyText[] {
  return Object.entries(kindOf(name).keys).map(([key, { meaning, allowed, given }]) => ({
    ...{ key, meaning, allowed },
    ...(given !== undefined && { given }),
  }));
}

/** Below the help of `port add`: every kind, and every key there is. */
export function keysHelp(): string {
  const line = ({ key, meaning, allowed }: KeyText) => `  ${key}=  ${meaning} (${allowed})`;
  const kinds = portKinds.map((name) => {
    const { form, text, keys: table } = kindOf(name);
    const keys = Object.keys(table).join(', ');
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
  allow: 'who may send from the port; repeatable; with IP addresses, ARP and ND are inspected too',
  'sticky-macs': 'whether addresses learned behind the port stay with it: no other port takes one',
  'ra-guard': 'whether IPv6 router advertisements and redirects from the port are dropped',
  isolate: 'whether the port talks to ports only that are not isolated',
  'unknown-unicast': 'whether the port gets frames for addresses that nobody knows',
  'storm-broadcast': 'most broadcast frames that the port may send',
  'storm-multicast': 'most multicast frames that the port may send',
  'storm-unknown-unicast': 'most frames for unknown addresses that the port may send',
  mtu: 'longest packet for the port; told to its guest, and set on an interface that we make',
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
  allow: 'off',
  'sticky-macs': 'off',
  'ra-guard': 'off',
  isolate: 'off',
  'unknown-unicast': 'flood',
  'storm-broadcast': 'auto',
  'storm-multicast': 'auto',
  'storm-unknown-unicast': 'auto',
};
