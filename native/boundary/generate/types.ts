/** native/boundary/types.ts: the structs, commands and events as TypeScript types. */

import { commandNames, commands } from '../commands.ts';
import { events } from '../events.ts';
import type { Field, Fields, Struct, Type } from '../fields.ts';
import { pascalCase, structsOf } from './structs.ts';

const maxColumns = 100;

/** Who makes the value: where the other side does, what has a default is always there. */
type Maker = 'caller' | 'datapath';

/** A comment for documentation, in one line where it fits. */
function doc(text: string, indent: string): string[] {
  const whole = `${indent}/** ${text} */`;
  if (whole.length <= maxColumns) return [whole];
  const lines: string[] = [];
  let line = `${indent} *`;
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > maxColumns) {
      lines.push(line);
      line = `${indent} *`;
    }
    line += ` ${word}`;
  }
  return [`${indent}/**`, ...lines, line, `${indent} */`];
}

function typeText(type: Type): string {
  switch (type.type) {
    case 'boolean':
      return 'boolean';
    case 'text':
    case 'mac':
      return 'string';
    case 'bytes':
      return 'Uint8Array';
    case 'real':
    case 'fd':
      return 'number';
    case 'enumeration':
      return type.enumeration.typeScript ?? type.enumeration.name;
    case 'list':
      return `readonly ${typeText(type.of)}[]`;
    case 'struct':
      return type.partial ? `Partial<${type.struct.name}>` : type.struct.name;
    default: {
      const number = type.type === 'u64' ? 'bigint' : 'number';
      return type.besides?.word === undefined ? number : `${number} | '${type.besides.word}'`;
    }
  }
}

/** The range, where the type alone does not say it. */
function rangeText({ text, type }: Field): string {
  if (!('unit' in type) || (type.unit === '' && type.min === 0n)) return text;
  return `${text} ${type.min}..${type.max}${type.unit === '' ? '' : ` ${type.unit}`}.`;
}

function fieldLines(name: string, field: Field, indent: string, maker: Maker): string[] {
  const absent = field.optional || (maker === 'caller' && field.default !== undefined);
  return [
    ...doc(rangeText(field), indent),
    `${indent}readonly ${name}${absent ? '?' : ''}: ${typeText(field.type)};`,
  ];
}

function body(fields: Fields, indent: string, maker: Maker): string[] {
  return Object.entries(fields).flatMap(([name, field]) => fieldLines(name, field, indent, maker));
}

function structLines(struct: Struct): string[] {
  const { name, text, fields, variants } = struct;
  const names = Object.keys(fields);
  if (struct.pair) {
    const items = Object.values(fields).map(({ type }, i) => `${names[i]}: ${typeText(type)}`);
    return [...doc(text, ''), `export type ${name} = readonly [${items.join(', ')}];`];
  }
  if (variants === undefined) {
    // Settings have defaults, so a full set has each of them.
    return [...doc(text, ''), `export interface ${name} {`, ...body(fields, '  ', 'datapath'), '}'];
  }
  const lines = Object.entries(variants.of).map(([variant, { needs, may = [] }]) => {
    const item = (field: string, mark: string) => {
      const type = fields[field]?.type;
      return type === undefined ? '' : `; readonly ${field}${mark}: ${typeText(type)}`;
    };
    const items = [...needs.map((one) => item(one, '')), ...may.map((one) => item(one, '?'))];
    return `  | { readonly ${variants.by}: '${variant}'${items.join('')} }`;
  });
  return [...doc(text, ''), `export type ${name} =`, `${lines.join('\n')};`];
}

function block(name: string, fields: Fields, maker: Maker): string[] {
  if (Object.keys(fields).length === 0) return [`export type ${name} = Record<string, never>;`];
  return [`export interface ${name} {`, ...body(fields, '  ', maker), '}'];
}

function commandLines(): string[] {
  const types = commandNames.flatMap((name) => {
    const { text, argument, answer } = commands[name];
    const type = pascalCase(name);
    return [
      '',
      ...doc(text, ''),
      ...block(type, argument, 'caller'),
      ...block(`${type}Answer`, answer, 'datapath'),
    ];
  });
  const rows = commandNames.map((name) => {
    const type = pascalCase(name);
    return `  '${name}': [${type}, ${type}Answer];`;
  });
  return [
    ...types,
    '',
    '/** Commands by name: argument and answer. */',
    'export interface Commands {',
    ...rows,
    '}',
    'export type CommandName = keyof Commands;',
  ];
}

function eventLines(): string[] {
  const types = Object.entries(events).flatMap(([name, { text, fields }]) => [
    '',
    ...doc(text, ''),
    `export interface ${pascalCase(name)}Event {`,
    `  readonly event: '${name}';`,
    ...body(fields, '  ', 'datapath'),
    '}',
  ]);
  return [
    ...types,
    '',
    '/** What the datapath says unasked. */',
    'export type DatapathEvent =',
    `${Object.keys(events)
      .map((name) => `  | ${pascalCase(name)}Event`)
      .join('\n')};`,
  ];
}

export function typesFile(): string {
  return [
    '// GENERATED from native/boundary by `npm run spec`. Do not edit.',
    "import type { FaultCode } from './faults.ts';",
    "import type { NetHeaderUse, PollingMode, PortKind, WorkerAct } from './kinds.ts';",
    ...structsOf().flatMap((struct) => ['', ...structLines(struct)]),
    ...commandLines(),
    ...eventLines(),
    '',
  ].join('\n');
}
