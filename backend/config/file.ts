/**
 * The configuration file of the daemon: YAML, which includes JSON.
 *
 * ```yaml
 * workers: 2
 * cpus: 2,3
 * polling: adaptive
 * mac-table: 65536
 * switches: [{ name: vale0, mtu: 9000 }]
 * ports:
 *   - vale0:vm1,vhost-user=/run/vm1.sock
 *   - { name: vale0:vm2, vhost-user: /run/vm2.sock, queues: 2, moderation: 32/50 }
 * ```
 *
 * Errors are reported as `FILE:LINE:COLUMN: sentence`.
 */

import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
} from 'yaml';
import { z } from 'zod';
import { ValenicError } from '../errors.ts';
import type { Item } from '../ports/keys.ts';
import { standsAlone } from '../ports/kinds.ts';
import type { PortSpec } from '../ports/spec.ts';
import { socketPath } from '../socket/path.ts';
import { hint } from '../values/suggest.ts';
import { readValue, type ValueKind } from '../values/values.ts';
import { parsePort, parsePortName, portFromItems } from './port.ts';
import {
  type PartialServeConfig,
  refuseClashes,
  type ServeKeyName,
  serveKeyNames,
  serveKeys,
  serveValues,
} from './serve.ts';
import { parseSwitch, type SwitchConfig, switchFromItems } from './switch.ts';

/** A longer file is not a configuration. */
const maxFileBytes = 1 << 20;
type Path = readonly (string | number)[];

/** What is allowed, in the same words as on the command line. */
const says = (name: string, { allowed }: Pick<ValueKind<unknown>, 'allowed'>): string =>
  `${name} is not valid: give ${allowed}`;

/** Null: a key without a value, as `{ name: v:h, host }` has one. */
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
/** Several: the key is given so often. */
const value = z.union([scalar, z.array(scalar)]);
const portShape = { allowed: 'a port like vale0:vm1,vhost-user=PATH, or a mapping with its name' };
const switchShape = { allowed: 'a switch like vale0,mtu=9000, or a mapping with its name' };
const valueShape = (name: string, kind: Pick<ValueKind<unknown>, 'allowed'>) =>
  z.union([z.string(), z.number()], says(name, kind)).optional();
/** CPUs, also as a list of numbers. */
const cpusShape = (name: string) =>
  z
    .union([z.string(), z.number(), z.array(z.number())], says(name, serveKeys.cpus.kind))
    .optional();
const valueShapes = {
  ...(Object.fromEntries(
    serveKeyNames.map((key) => [key, valueShape(key, serveKeys[key].kind)]),
  ) as Readonly<Record<ServeKeyName, ReturnType<typeof valueShape>>>),
  cpus: cpusShape('cpus'),
};
const shape = z.strictObject(
  {
    ...valueShapes,
    cpu: cpusShape('cpu'),
    control: z.string('control must be the path of a socket').optional(),
    switches: z
      .array(
        z.union([z.string(), z.record(z.string(), scalar)], says('this', switchShape)),
        'switches must be a list of switches',
      )
      .optional(),
    ports: z
      .array(
        z.union([z.string(), z.record(z.string(), value)], says('this', portShape)),
        'ports must be a list of ports',
      )
      .optional(),
  },
  'the file is not a mapping: start with a line like "ports:"',
);
/** The keys of a file; key-texts.ts has their meanings. */
export const fileKeys = shape.keyof().options;

/**
 * @throws {ValenicError} `file_not_found`, `config_invalid`.
 */
export async function readConfigFile(path: string): Promise<PartialServeConfig> {
  const facts = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') {
      throw new ValenicError('file_not_found', `there is no configuration file ${path}`);
    }
    throw new ValenicError('config_invalid', `${path} cannot be read: ${error.message}`);
  });
  if (!facts.isFile() || facts.size > maxFileBytes) {
    throw new ValenicError(
      'config_invalid',
      `${path} is not a file of at most ${maxFileBytes} bytes`,
    );
  }
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new ValenicError('config_invalid', `${path} cannot be read: ${error.message}`);
  });
  return parseConfig(text, path);
}

/**
 * @param path  The file's name: for messages, and what relative paths in it start from.
 * @throws {ValenicError} `config_invalid`.
 */
export function parseConfig(text: string, path: string): PartialServeConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const source: Source = { path, lines, document };
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) throw invalid(source, fault.pos[0], fault.message);
  const checked = shape.safeParse(plainData(source) ?? {});
  if (!checked.success) throw firstIssue(source, checked.error.issues[0]);
  const { cpu, control, switches, ports = [], ...values } = checked.data;
  const folder = dirname(resolve(path));
  const at = <T>(key: string, read: () => T): T => readAt(source, [key], read);
  return {
    ...serveValues((key, kind) => {
      const said = values[key];
      return said === undefined ? undefined : at(key, () => readValue(kind, key, `${said}`));
    }),
    ...readCpu(source, cpu, values.cpus),
    ...(control !== undefined && { control: at('control', () => socketPath(control, folder)) }),
    ...(switches !== undefined && { switches: readSwitches(source, switches) }),
    ports: readPorts(source, ports, folder),
  };
}

/** `cpu`, as on the command line, for `cpus`. @throws {ValenicError} `config_invalid`. */
function readCpu(source: Source, cpu: unknown, cpus: unknown): Pick<PartialServeConfig, 'cpus'> {
  if (cpu === undefined) return {};
  return readAt(source, ['cpu'], () => {
    if (cpus !== undefined) {
      throw new ValenicError('config_invalid', 'cpu and cpus are the same key: give one of them');
    }
    return { cpus: readValue(serveKeys.cpus.kind, 'cpu', `${cpu}`) };
  });
}

/** @throws {ValenicError} `config_invalid`: an alias without its anchor, or too many of them. */
function plainData(source: Source): unknown {
  try {
    return source.document.toJS();
  } catch (error) {
    throw invalid(source, 0, error instanceof Error ? error.message : String(error), error);
  }
}

interface Source {
  readonly path: string;
  readonly lines: LineCounter;
  readonly document: Document.Parsed;
}

function readSwitches(
  source: Source,
  entries: readonly (string | Readonly<Record<string, unknown>>)[],
): readonly SwitchConfig[] {
  return entries.map((entry, index) =>
    readAt(source, ['switches', index], () => {
      if (typeof entry === 'string') return parseSwitch(entry);
      const { name, ...rest } = entry;
      const items = Object.entries(rest).map(([key, value]) => [key, `${value ?? ''}`] as const);
      return switchFromItems(`${name ?? ''}`, items);
    }),
  );
}

function readPorts(
  source: Source,
  entries: readonly (string | Readonly<Record<string, unknown>>)[],
  folder: string,
): readonly PortSpec[] {
  const ports: PortSpec[] = [];
  for (const [index, entry] of entries.entries()) {
    const path = ['ports', index];
    const port = readAt(source, path, () =>
      typeof entry === 'string' ? parsePort(entry, folder) : readMapping(source, path, folder),
    );
    readAt(source, path, () => refuseClashes([...ports, port]));
    ports.push(port);
  }
  return ports;
}

/** `{ name: vale0:vm1, vhost-user: PATH, … }`: the keys of the port syntax. */
function readMapping(source: Source, path: Path, folder: string): PortSpec {
  const node = withoutAlias(source, source.document.getIn(path, true));
  const pairs = isMap(node) ? node.items : [];
  const items = pairs.flatMap((pair): Item[] => {
    const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
    const node = withoutAlias(source, pair.value);
    const nodes = isSeq(node) ? node.items.map((one) => withoutAlias(source, one)) : [node];
    return nodes.map((one) => ({ key, text: scalarText(one) }));
  });
  const name = items.find(({ key }) => key === 'name')?.text ?? null;
  if (name === null) throw new ValenicError('port_syntax', 'a port needs a name: vale0:vm1');
  parsePortName(name);
  const rest = items.filter(({ key }) => key !== 'name');
  return portFromItems(
    name,
    rest.map((item) =>
      standsAlone(item.key) && item.text === 'on' ? { ...item, text: null } : item,
    ),
    folder,
  );
}

function withoutAlias({ document }: Source, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

/** As written in the file: `0660` means octal, but YAML reads a decimal number. */
function scalarText(node: unknown): string | null {
  if (!isScalar(node) || node.value === null) return null;
  if (typeof node.value === 'boolean') return node.value ? 'on' : 'off';
  return typeof node.value === 'number' ? (node.source ?? String(node.value)) : String(node.value);
}

/** Gives an error of `read` the place of `path`. */
function readAt<T>(source: Source, path: Path, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ValenicError)) throw error;
    throw invalid(source, offsetOf(source, path), error.message, error);
  }
}

function firstIssue(source: Source, issue: z.core.$ZodIssue | undefined): ValenicError {
  if (issue === undefined) return invalid(source, 0, 'the file cannot be understood');
  const path = issue.path.filter((step): step is string | number => typeof step !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const known = Object.keys(shape.shape);
    return invalid(
      source,
      offsetOf(source, [key], true),
      `unknown key "${key}"${hint(key, known)}`,
    );
  }
  return invalid(source, offsetOf(source, path), issue.message);
}

/** Where the value at `path` starts, or its key. */
function offsetOf({ document }: Source, path: Path, ofKey = false): number {
  const parent = document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (ofKey && isMap(parent)) {
    const pair = parent.items.find(({ key }) => isScalar(key) && key.value === last);
    if (isNode(pair?.key)) return pair.key.range?.[0] ?? 0;
  }
  const node = document.getIn(path, true);
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

function invalid(source: Source, offset: number, sentence: string, cause?: unknown): ValenicError {
  const { line, col } = source.lines.linePos(offset);
  const at = `${source.path}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  return new ValenicError('config_invalid', `${at}: ${sentence}`, { cause });
}
