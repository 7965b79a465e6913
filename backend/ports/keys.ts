/** Keys that several kinds of port have, and how a kind reads its own. */

import { queuePairs } from '../../native/boundary/index.ts';
import { ValenicError } from '../errors.ts';
import { isInet, parseInet } from '../socket/address.ts';
import { socketPath } from '../socket/path.ts';
import { type Row, row } from '../values/row.ts';
import { numberOf } from '../values/table.ts';
import { choice, fileMode, groupName, onOff } from '../values/values.ts';

/** One `key=value`; `text` is null when there is no `=`. */
export interface Item {
  readonly key: string;
  readonly text: string | null;
}

/** A key of a kind, and its words for help, manual and reference. */
export interface KindKey<Part> extends Row<Part> {
  readonly meaning: string;
  /** What counts where it is not given. */
  readonly given?: string;
}

export const onOffText = (value: boolean | undefined): string | undefined =>
  value === undefined ? undefined : value ? 'on' : 'off';
const octal = (value: number | undefined): string | undefined =>
  value === undefined ? undefined : `0${value.toString(8).padStart(3, '0')}`;

interface RolePart {
  readonly role?: 'server' | 'client';
}
export const roleKey: KindKey<RolePart> = {
  meaning: 'which side listens on the socket: Valenic (server) or the VMM (client)',
  given: 'server',
  ...row(
    choice(['server', 'client'] as const),
    (role): RolePart => ({ role }),
    ({ role }) => role,
  ),
};

interface QueuesPart {
  readonly queues?: number;
}
export const queuesKey: KindKey<QueuesPart> = {
  meaning: 'queue pairs',
  given: '1',
  ...row(
    numberOf(queuePairs),
    (queues): QueuesPart => ({ queues }),
    ({ queues }) => queues?.toString(),
  ),
};

interface OffloadsPart {
  readonly offloads?: boolean;
}
export const offloadsKey: KindKey<OffloadsPart> = {
  meaning: 'whether checksums and segmentation may be offloaded',
  given: 'on',
  ...row(
    onOff,
    (offloads): OffloadsPart => ({ offloads }),
    ({ offloads }) => onOffText(offloads),
  ),
};

interface FilePart {
  readonly mode?: number;
  readonly group?: string;
}
/** Of every port with a socket file that we make. */
export const fileKeys = {
  mode: {
    meaning: 'permissions of the socket file',
    given: '0600',
    ...row(
      fileMode,
      (mode): FilePart => ({ mode }),
      ({ mode }) => octal(mode),
    ),
  },
  group: {
    meaning: 'group of the socket file',
    ...row(
      groupName,
      (group): FilePart => ({ group }),
      ({ group }) => group,
    ),
  },
} as const satisfies Readonly<Record<string, KindKey<FilePart>>>;

/** What the keys of a kind say together; of one that repeats, what the last one says. */
export function readParts<Part>(
  rows: Readonly<Record<string, Row<Part>>>,
  items: readonly Item[],
): Part {
  const parts = items.map(({ key, text }) => rows[key]?.read(key, givenText(key, text)));
  return Object.assign({}, ...parts) as Part;
}

/** @param owner  Who owns the socket file; null: we do. */
export function refuseFileKeys(spec: FilePart, owner: string | null): void {
  for (const key of ['mode', 'group'] as const) {
    if (owner === null || spec[key] === undefined) continue;
    throw syntax(
      `${key} is for role=server: with role=client the socket file belongs to the ${owner}`,
    );
  }
}

export function refuseInetFileKeys(spec: FilePart): void {
  for (const key of ['mode', 'group'] as const) {
    if (spec[key] !== undefined)
      throw syntax(`${key} is for a socket file, and an address has none`);
  }
}

/** IFNAMSIZ less its closing zero, and what the kernel refuses in a name: dev_valid_name(). */
const interfaceName = /^[^\s/:\0%]{1,15}$/;

export function interfaceOf(key: string, name: string | null): string {
  if (name === null || name === '') throw syntax(`${key} needs an interface: ${key}=NAME`);
  if (interfaceName.test(name) && name !== '.' && name !== '..') return name;
  throw new ValenicError(
    'value_invalid',
    `${key}=${name} is not valid: ` +
      `an interface's name has 1 to 15 characters, no "/", ":" or "%"`,
  );
}

/** A path made absolute, or a network address as it stands. */
export function socketPlace(
  key: string,
  scheme: 'tcp' | 'udp',
  value: string | null,
  folder: string,
): string {
  if (value === null || value === '') {
    throw syntax(`${key} needs a place: ${key}=PATH, or ${key}=${scheme}:HOST:PORT`);
  }
  if (!isInet(value)) return socketPath(value, folder);
  if (parseInet(value, scheme) !== null) return value;
  throw new ValenicError(
    'value_invalid',
    `${key}=${value} is not valid: give a path or ${scheme}:HOST:PORT, ` +
      `e.g. ${scheme}:127.0.0.1:4789`,
  );
}

export function givenText(key: string, text: string | null): string {
  if (text !== null) return text;
  throw syntax(`${key} needs a value: ${key}=VALUE`);
}

export function syntax(sentence: string): ValenicError {
  return new ValenicError('port_syntax', sentence);
}
