/** What the tables make in C++: its types, its names, and which structs there are. */

import { snakeCase } from '../../../frontend-spec/generate/cpp-text.ts';
import { commandNames, commands } from '../commands.ts';
import { failure } from '../errors.ts';
import { events } from '../events.ts';
import type { Default, Field, Fields, NumberType, Struct, Type } from '../fields.ts';

/** `vhost.ring.start` makes `VhostRingStart`. */
export function pascalCase(name: string): string {
  return name
    .split(/[._]/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');
}

/** Structs within arguments, answers and events, each after those that it needs. */
export function structsOf(): readonly Struct[] {
  const found = new Map<string, Struct>();
  const visit = (type: Type): void => {
    if (type.type === 'list') visit(type.of);
    if (type.type !== 'struct') return;
    for (const { type: inner } of Object.values(type.struct.fields)) visit(inner);
    found.set(type.struct.name, type.struct);
  };
  const visitAll = (fields: Fields) => {
    for (const { type } of Object.values(fields)) visit(type);
  };
  for (const name of commandNames) {
    visitAll(commands[name].argument);
    visitAll(commands[name].answer);
  }
  for (const { fields } of Object.values(events)) visitAll(fields);
  return [...found.values()];
}

/** Structs of which a command takes some fields. */
function isPartial(struct: Struct): boolean {
  return commandNames.some((name) =>
    Object.values(commands[name].argument).some(
      ({ type }) => type.type === 'struct' && type.partial && type.struct === struct,
    ),
  );
}

/** One structure of C++. */
export interface CppStruct {
  readonly name: string;
  readonly text: string;
  readonly fields: Fields;
  readonly variants?: Struct['variants'];
  /** Every field may be absent. */
  readonly partial: boolean;
  /** What is said of it beside its fields. */
  readonly constants: readonly string[];
}

/** All of them, in an order in which they can be declared. */
export function cppStructs(): readonly CppStruct[] {
  const inner = [...structsOf(), failure].map((struct): CppStruct => {
    const partial = isPartial(struct);
    return {
      name: partial ? `${struct.name}Change` : struct.name,
      text: partial ? `${struct.text} What is absent stays as it is.` : struct.text,
      fields: struct.fields,
      ...(struct.variants !== undefined && { variants: struct.variants }),
      partial,
      constants: [],
    };
  });
  return [...inner, ...commandNames.flatMap(commandStructs), ...eventStructs()];
}

function commandStructs(name: keyof typeof commands): readonly CppStruct[] {
  const { number, text, argument, answer } = commands[name];
  const type = pascalCase(name);
  return [
    {
      ...{ name: `${type}Answer`, text: `The answer to ${name}.`, fields: answer },
      ...{ partial: false, constants: [] },
    },
    {
      ...{ name: type, text: `${name}: ${text}`, fields: argument, partial: false },
      constants: [
        `static constexpr uint32_t command_number = ${number};`,
        `using Answer = ${type}Answer;`,
      ],
    },
  ];
}

function eventStructs(): readonly CppStruct[] {
  return Object.entries(events).map(([name, { number, text, fields }]) => ({
    ...{ name: `${pascalCase(name)}Event`, text, fields, partial: false },
    constants: [`static constexpr uint32_t event_number = ${number};`],
  }));
}

const scalars = {
  u8: 'uint8_t',
  u16: 'uint16_t',
  u32: 'uint32_t',
  u53: 'uint64_t',
  u64: 'uint64_t',
  boolean: 'bool',
  real: 'double',
  mac: 'Mac',
  fd: 'Descriptor',
  text: 'std::string',
  bytes: 'std::vector<uint8_t>',
} as const;

export function cppType(type: Type): string {
  switch (type.type) {
    case 'enumeration':
      return `spec::${type.enumeration.name}`;
    case 'list':
      return `std::vector<${cppType(type.of)}>`;
    case 'struct':
      return type.partial ? `${type.struct.name}Change` : type.struct.name;
    default:
      return scalars[type.type];
  }
}

/** Names that C++ has for something else. */
const taken: Readonly<Record<string, string>> = { switch: 'switch_id', errno: 'error_number' };

/** A field's name. */
export function cppName(name: string): string {
  return taken[name] ?? snakeCase(name);
}

/** What a member is initialised with; empty where its type does that. */
export function cppDefault({ type, default: given }: Pick<Field, 'type' | 'default'>): string {
  if (type.type === 'enumeration')
    return `spec::${type.enumeration.name}::${given ?? nameAt(type)}`;
  if (type.type === 'boolean') return given === true ? 'true' : 'false';
  if (type.type === 'real') return '0';
  if ('unit' in type) return `${numberDefault(type, given)}`;
  return '';
}

function nameAt(type: Type & { readonly type: 'enumeration' }): string {
  return type.enumeration.names[0] ?? '';
}

function numberDefault({ besides }: NumberType, given: Default | undefined): string {
  if (given === undefined) return '0';
  return given === besides?.word ? `${besides?.value}` : String(given);
}
