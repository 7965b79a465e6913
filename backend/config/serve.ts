/** The daemon's settings: defaults, overridden by the file, overridden by the command line. */

import { type PollingMode, pollingModes } from '../../native/boundary/index.ts';
import { type DatapathPlace, datapathPlaces } from '../datapath/places.ts';
import { ValenicError } from '../errors.ts';
import { placeOf } from '../ports/kinds.ts';
import { nameText, type PortSpec } from '../ports/spec.ts';
import { choice, integer } from '../values/values.ts';
import type { SwitchConfig } from './switch.ts';

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Host I/O threads of one process. */
export const maxWorkers = 15;
/** Addresses that a switch can hold. */
export const macTableSize = integer(64, 1 << 20);
export const pollingMode = choice(pollingModes);
export const datapathPlace = choice(datapathPlaces);
export const logLevel = choice(logLevels);

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

export const serveDefaults = {
  workers: 1,
  cpus: [],
  polling: 'adaptive',
  datapath: 'inline',
  log: 'info',
} as const;

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
