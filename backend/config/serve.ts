/** The daemon's settings: defaults, overridden by the file, overridden by the command line. */

import {
  commands,
  macTableSize as macTableType,
  type PollingMode,
  portSettingFields,
  workerCount,
} from '../../native/boundary/index.ts';
import { type DatapathPlace, datapathPlaces } from '../datapath/places.ts';
import { ValenicError } from '../errors.ts';
import { placeOf } from '../ports/kinds.ts';
import { nameText, type PortSpec } from '../ports/spec.ts';
import { givenOf, numberOf, settingKind } from '../values/table.ts';
import { choice, cpuList, type ValueKind } from '../values/values.ts';
import type { SwitchConfig } from './switch.ts';

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** A setting of the daemon that is one value: as an option, in the file, in help and reference. */
export interface ServeKey {
  readonly kind: ValueKind<unknown>;
  /** As an option of `valenic serve`. */
  readonly flags: string;
  readonly meaning: string;
  /** What counts where no source says it. */
  readonly given?: string;
}

const { macTableSize } = commands['switch.create'].argument;

/** By their keys in the file; a field of ServeConfig has the name in camel case. */
export const serveKeys = {
  workers: {
    kind: numberOf(workerCount),
    flags: '--workers <n>',
    meaning: 'host I/O threads',
    given: '1',
  },
  cpus: {
    kind: cpuList,
    flags: '--cpu, --cpus <list>',
    meaning: 'CPUs that the workers are bound to, in turn',
  },
  polling: {
    kind: settingKind('polling'),
    flags: '--polling <mode>',
    meaning: 'polling mode of ports that do not set one',
    given: givenOf(portSettingFields.polling),
  },
  'mac-table': {
    kind: numberOf(macTableType),
    flags: '--mac-table <n>',
    meaning: 'addresses that each switch can hold',
    given: `${macTableSize.default}`,
  },
  datapath: {
    kind: choice(datapathPlaces),
    flags: '--datapath <place>',
    meaning: 'where the datapath runs: in this process, or in one of its own',
    given: 'inline',
  },
  log: {
    kind: choice(logLevels),
    flags: '--log <level>',
    meaning: 'how much to log',
    given: 'info',
  },
} as const satisfies Readonly<Record<string, ServeKey>>;
export type ServeKeyName = keyof typeof serveKeys;
export const serveKeyNames = Object.keys(serveKeys) as readonly ServeKeyName[];

/** `mac-table` is macTable. */
export function serveField(key: ServeKeyName): string {
  return key.replace(/-(.)/, (_, letter: string) => letter.toUpperCase());
}

/**
 * What one source says of these keys.
 *
 * @param read  The value of a key; undefined: nothing is said of it.
 */
export function serveValues(
  read: (key: ServeKeyName, kind: ValueKind<unknown>) => unknown,
): Omit<PartialServeConfig, 'ports'> {
  const said = serveKeyNames.map((key) => [serveField(key), read(key, serveKeys[key].kind)]);
  return Object.fromEntries(said.filter(([, value]) => value !== undefined));
}

/** What one source says; what it leaves out comes from the next. */
export interface PartialServeConfig {
  readonly workers?: number;
  /** CPUs that the workers are bound to, in turn. */
  readonly cpus?: readonly number[];
  /** Polling mode of ports that do not name one. */
  readonly polling?: PollingMode;
  /** Addresses that each switch can hold. */
  readonly macTable?: number;
  /** Where the datapath runs. */
  readonly datapath?: DatapathPlace;
  /** Path of the control socket. */
  readonly control?: string;
  readonly log?: LogLevel;
  readonly switches?: readonly SwitchConfig[];
  readonly ports: readonly PortSpec[];
}

export interface ServeConfig {
  readonly workers: number;
  readonly cpus: readonly number[];
  readonly polling: PollingMode;
  readonly macTable?: number;
  readonly datapath: DatapathPlace;
  /** Absent: where clients look. */
  readonly control?: string;
  readonly log: LogLevel;
  readonly switches: readonly SwitchConfig[];
  readonly ports: readonly PortSpec[];
}

/** What counts where no source says it; the datapath has the default of its table's size. */
const serveDefaults = {
  cpus: [],
  ...serveValues((key, kind) => {
    const { given }: ServeKey = serveKeys[key];
    return given === undefined || key === 'mac-table' ? undefined : kind.read(given);
  }),
} as unknown as Omit<ServeConfig, 'switches' | 'ports'>;

/**
 * The first source that says something counts; switches and ports add up, and one of the same
 * name in an earlier source takes the place of the later one's.
 *
 * @param sources  The strongest first: command line, configuration file.
 * @throws {ValenicError} `name_in_use`, `socket_in_use`: two ports of the result get in each
 *   other's way.
 */
export function serveConfig(sources: readonly PartialServeConfig[]): ServeConfig {
  let merged: ServeConfig = { ...serveDefaults, switches: [], ports: [] };
  for (const source of [...sources].reverse()) {
    const names = new Set(source.ports.map(({ name }) => nameText(name)));
    const kept = merged.ports.filter(({ name }) => !names.has(nameText(name)));
    const { switches = [] } = source;
    const other = ({ name }: SwitchConfig) => switches.every((one) => one.name !== name);
    merged = {
      ...{ ...merged, ...source, ports: [...kept, ...source.ports] },
      switches: [...merged.switches.filter(other), ...switches],
    };
  }
  refuseClashes(merged.ports);
  return Object.freeze({ ...merged, ports: Object.freeze([...merged.ports]) });
}

/** @throws {ValenicError} `name_in_use`, `socket_in_use`. */
export function refuseClashes(ports: readonly PortSpec[]): void {
  const owners = new Map<string, string>();
  for (const { name, device } of ports) {
    const text = nameText(name);
    if (owners.has(text)) throw new ValenicError('name_in_use', `${text} is there twice`);
    owners.set(text, text);
    const place = placeOf(device);
    if (place === null) continue;
    const other = owners.get(place);
    if (other !== undefined) {
      const what = 'interface' in device ? 'interface' : 'socket';
      throw new ValenicError(
        'socket_in_use',
        `${other} and ${text} have the same ${what} ${place}: each port needs its own`,
      );
    }
    owners.set(place, text);
  }
}
