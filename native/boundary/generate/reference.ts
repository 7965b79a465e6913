/** docs/reference/datapath.md: everything that crosses, for who writes a carrier or reads a log. */

import { commands } from '../commands.ts';
import { commandErrors, failure } from '../errors.ts';
import { events } from '../events.ts';
import {
  allowed,
  type Enumeration,
  type Field,
  type Fields,
  type Struct,
  type Type,
} from '../fields.ts';
import { workerActs } from '../kinds.ts';
import { portSettings, type Setting } from '../settings.ts';
import { boundaryVersion, messageLimits } from '../version.ts';
import { enumerations } from './names.ts';
import { structsOf } from './structs.ts';

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** What may stand in a field, with a link where that is a table of its own. */
function valueText(type: Type): string {
  if (type.type === 'list') return `${type.min}..${type.max} times: ${valueText(type.of)}`;
  if (type.type === 'struct') {
    const link = `[${type.struct.name}](#${type.struct.name.toLowerCase()})`;
    return type.partial ? `some fields of ${link}` : link;
  }
  if (type.type === 'enumeration') return enumerationLink(type.enumeration);
  return allowed(type);
}

const enumerationLink = ({ name }: Enumeration) => `a name of [${name}](#${name.toLowerCase()})`;

function unlessGiven({ default: given, optional }: Field): string {
  if (given === undefined) return optional ? 'none' : '';
  const number = typeof given === 'bigint' ? `${given}` : JSON.stringify(given);
  return `\`${number}\``;
}

function fieldTable(fields: Fields): string {
  if (Object.keys(fields).length === 0) return 'Nothing.';
  const rows = Object.entries(fields).map(([name, field]) => [
    ...[`${field.number}`, `\`${name}\``, valueText(field.type), unlessGiven(field), field.text],
  ]);
  return table(['no.', 'field', 'value', 'unless given', 'meaning'], rows);
}

function commandParts(): readonly string[] {
  return Object.entries(commands).flatMap(([name, { number, text, argument, answer }]) => [
    `### ${name}`,
    `Command ${number}. ${text}`,
    fieldTable(argument),
    ...(Object.keys(answer).length === 0 ? [] : ['It answers:', fieldTable(answer)]),
  ]);
}

function eventParts(): readonly string[] {
  return Object.entries(events).flatMap(([name, { number, text, fields }]) => [
    `### ${name}`,
    `Event ${number}. ${text}`,
    fieldTable(fields),
  ]);
}

/** Where an operator finds it: its key, or those that write it. */
function settingParts(): readonly string[] {
  const rows = Object.entries(portSettings.fields).map(([name, setting]: [string, Setting]) => [
    ...[`${setting.number}`, `\`${name}\``, setting.key === undefined ? '' : `\`${setting.key}\``],
    ...[valueText(setting.type), unlessGiven(setting), setting.text],
  ]);
  return [
    `${portSettings.text} [Ports](ports.md) tells how an operator writes them.`,
    table(['no.', 'field', 'key', 'value', 'unless given', 'meaning'], rows),
  ];
}

function structParts(): readonly string[] {
  return [...structsOf(), failure]
    .filter((struct) => struct !== portSettings)
    .flatMap((struct: Struct) => [`### ${struct.name}`, struct.text, fieldTable(struct.fields)]);
}

function enumerationParts(): readonly string[] {
  return enumerations.flatMap((one) => {
    const names = one.names.map((name, place) => {
      const does = one.name === 'WorkerAct' ? workerActs[name as keyof typeof workerActs] : '';
      return `${place} \`${name}\`${does === '' ? '' : ` (${does})`}`;
    });
    return [`### ${one.name}`, `${one.text} On the wire a name is its place: ${names.join(', ')}.`];
  });
}

const readerRules: readonly (readonly [string, string])[] = [
  ['a field with a number that it does not know', 'passes over it, whatever its value is'],
  ['no field, and the table has a default', 'takes the default'],
  ['no field, and it is optional', 'takes it as absent'],
  [
    'no field, and it must be there',
    'refuses: `invalid_argument`, "NAME is missing: give RANGE UNIT"',
  ],
  [
    'a value out of its range, or a name that it does not know',
    'refuses: `invalid_argument`, "NAME: VALUE is out of range: give RANGE UNIT"',
  ],
  [
    'an event of the next version with such a name, or of a number that it does not know',
    'passes over the event',
  ],
  ['a command of a number that it does not know', 'refuses: `unknown_command`'],
  ['any other version', 'refuses: `version_unknown`'],
];

function messageParts(): readonly string[] {
  const { bytes, descriptors } = messageLimits;
  return [
    'A message is a list in CBOR (RFC 8949): `[version, form, number, request, body]`. Forms\n' +
      'are 0 command, 1 answer, 2 failure, 3 event. The body is a map by the numbers of fields.\n' +
      'Descriptors travel beside the bytes; a field has its place among them. A message has at\n' +
      `most ${bytes} bytes and ${descriptors} descriptors.`,
    `This is version ${boundaryVersion}. A side reads the version before its own, its own and ` +
      'the next:',
    table(['there is', 'what the reader does'], readerRules),
    'So what is added to something older has a default or is optional, a new name stands behind\n' +
      'the others, and a number is never used again. `test/native/boundary/recorded` has the\n' +
      'messages of the version before, and both sides are held to them.',
  ];
}

export function referencePage(): string {
  const parts = [
    '<!-- GENERATED from native/boundary by `npm run spec`. Do not edit. -->',
    '# The datapath: commands, events, settings',
    'What crosses between the control plane and the datapath, over each carrier. Counters, drop\n' +
      'reasons and faults have [a page of their own](counters.md).',
    ...['## Messages', ...messageParts()],
    ...['## Commands', ...commandParts()],
    ...['## Events', 'What the datapath says unasked.', ...eventParts()],
    ...['## PortSettings', ...settingParts()],
    ...['## Structures', ...structParts()],
    ...['## Names', ...enumerationParts()],
    '## Errors',
    'The code of a failure: one of these, or a fault of a ring. `errno` and `doing` of a\n' +
      '[failure](#failure) are what the operating system said and what was being done then.',
    table(
      ['code', 'why'],
      Object.entries(commandErrors).map(([code, text]) => [`\`${code}\``, text]),
    ),
  ];
  return `${parts.join('\n\n')}\n`;
}
