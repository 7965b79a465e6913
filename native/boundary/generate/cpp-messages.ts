/** native/src/boundary/messages.hpp and .cpp: the structures and their codec. */

import { commentLines } from '../../../frontend-spec/generate/cpp-text.ts';
import { commandNames } from '../commands.ts';
import { events } from '../events.ts';
import { allowed, type Field, type NumberType, type Type } from '../fields.ts';
import { type CppStruct, cppDefault, cppName, cppStructs, cppType, pascalCase } from './structs.ts';

const maxColumns = 100;
const generated = '// GENERATED from native/boundary by `npm run spec`. Do not edit.';

// ---- The header.

function memberLines(struct: CppStruct): string[] {
  return Object.entries(struct.fields).flatMap(([name, field]) => {
    const absent = struct.partial || field.optional;
    const type = absent ? `std::optional<${cppType(field.type)}>` : cppType(field.type);
    const start = absent ? '' : cppDefault(field);
    return [
      ...commentLines(field.text, '    ', '///'),
      `    ${type} ${cppName(name)}${start === '' ? '' : ` = ${start}`};`,
    ];
  });
}

/** A range that the type alone does not have, and what counts where a number is left out. */
function rangeLines(struct: CppStruct): string[] {
  return Object.entries(struct.fields).flatMap(([name, field]) => {
    const { type } = field;
    if (type.type === 'list') {
      return [`    static constexpr size_t ${cppName(name)}_max = ${type.max};`];
    }
    if (!('unit' in type)) return [];
    const range = `    static constexpr NumberRange ${cppName(name)}_range${rangeText(type)};`;
    const given = `    static constexpr ${cppType(type)} ${cppName(name)}_default = `;
    return [
      ...(type.min === 0n && fullRange(type) ? [] : [range]),
      ...(field.default === undefined ? [] : [`${given}${cppDefault(field)};`]),
    ];
  });
}

function fullRange({ type, max }: NumberType): boolean {
  return max === (1n << BigInt(type.slice(1))) - 1n;
}

function rangeText({ min, max, besides }: NumberType): string {
  const highest = max < 1n << 63n ? `${max}` : `${max}u`;
  return besides === undefined ? `{${min}, ${highest}}` : `{${min}, ${highest}, ${besides.value}}`;
}

function structLines(struct: CppStruct): string[] {
  const constants = struct.constants.map((line) => `    ${line}`);
  const lines = [...constants, ...rangeLines(struct), ...memberLines(struct)];
  return [
    '',
    ...commentLines(struct.text, '', '///'),
    ...(lines.length === 0 ? [`struct ${struct.name} {};`] : [`struct ${struct.name} {`]),
    ...lines,
    ...(lines.length === 0 ? [] : ['};']),
    `bool decode(Reader& in, ${struct.name}& out);`,
    `void encode(Writer& to, const ${struct.name}& value);`,
  ];
}

/** A switch over numbers: `with<Type>(in, take)` for each. */
function chooser(name: string, doc: string, rows: readonly string[], types: readonly string[]) {
  return [
    '',
    ...commentLines(doc, '', '///'),
    'template <typename Take>',
    `bool ${name}(uint32_t number, Reader& in, Take&& take) {`,
    '    switch (number) {',
    ...rows.flatMap((row, index) => [
      `        case ${row}:`,
      `            return with<${types[index]}>(in, take);`,
    ]),
    '        default:',
    '            return in.refuse_number(number);',
    '    }',
    '}',
  ];
}

export function messagesHeader(): string {
  const commandTypes = commandNames.map(pascalCase);
  const commandNumbers = commandTypes.map((type) => `${type}::command_number`);
  const eventTypes = Object.keys(events).map((name) => `${pascalCase(name)}Event`);
  return [
    generated,
    '#pragma once',
    '#include <cstddef>',
    '#include <cstdint>',
    '#include <optional>',
    '#include <string>',
    '#include <utility>',
    '#include <variant>',
    '#include <vector>',
    '',
    '#include "boundary/names.hpp"',
    '#include "boundary/reader.hpp"',
    '#include "boundary/writer.hpp"',
    '',
    'namespace valenic::boundary {',
    ...cppStructs().flatMap(structLines),
    '',
    '/// What the datapath says unasked, whichever event it is.',
    ...listLines('using Event = std::variant<', eventTypes, '>;'),
    ...chooser(
      'read_command',
      'Reads the argument of a command and gives it to `take`. False: it is refused.',
      commandNumbers,
      commandTypes,
    ),
    ...chooser(
      'read_answer',
      'Reads the answer to a command.',
      commandNumbers,
      commandTypes.map((type) => `${type}Answer`),
    ),
    ...chooser(
      'read_event',
      'Reads an event.',
      eventTypes.map((type) => `${type}::event_number`),
      eventTypes,
    ),
    '',
    '}  // namespace valenic::boundary',
    '',
  ].join('\n');
}

// ---- The codec.

/** The statement that reads a value into `place`. */
function readText(type: Type, place: string): string {
  switch (type.type) {
    case 'boolean':
    case 'real':
    case 'mac':
      return `in.${type.type}(${place})`;
    case 'fd':
      return `in.descriptor(${place})`;
    case 'enumeration':
      return `in.enumeration(${place})`;
    case 'text':
    case 'bytes':
      return `in.${type.type}(${place}, ${type.min}, ${type.max})`;
    case 'struct':
      return `decode(in, ${place})`;
    case 'list':
      throw new Error('a list of lists has no reader');
    default:
      return `in.number(${place}, ${rangeText(type)})`;
  }
}

function caseLines(name: string, { number, type, optional }: Field, partial: boolean): string[] {
  const member = `out.${cppName(name)}`;
  const place = optional || partial ? `${member}.emplace()` : member;
  if (type.type !== 'list') {
    return [`            case ${number}:`, `                ${readText(type, place)};`];
  }
  const list = optional || partial ? `(*${member})` : member;
  const { of, min, max } = type;
  return [
    `            case ${number}:`,
    ...(list === member ? [] : [`                ${place};`]),
    `                for (List items(in, ${min}, ${max},`,
    `                                ${text(allowed(of))}); items.next();)`,
    `                    ${readText(of, `${list}.emplace_back()`)};`,
  ];
}

const text = (value: string) => JSON.stringify(value);

function decodeLines(struct: CppStruct): string[] {
  const fields = Object.entries(struct.fields);
  if (fields.length === 0) {
    return [
      `bool decode(Reader& in, ${struct.name}&) {`,
      '    Map map(in, {});',
      '    map.next();',
      '    return map.whole();',
      '}',
    ];
  }
  const rules = fields.map(([name, field]) => {
    const must = !struct.partial && !field.optional && field.default === undefined;
    const start = `        {${field.number}, ${text(name)}, `;
    const end = `${text(allowed(field.type))}, ${must}},`;
    return start.length + end.length <= maxColumns ? start + end : `${start}\n         ${end}`;
  });
  return [
    `bool decode(Reader& in, ${struct.name}& out) {`,
    '    static constexpr FieldRule rules[] = {',
    ...rules,
    '    };',
    '    Map map(in, rules);',
    '    while (const FieldRule* field = map.next()) {',
    '        switch (field->number) {',
    ...fields.flatMap(([name, field]) => [
      ...caseLines(name, field, struct.partial),
      '                break;',
    ]),
    '        }',
    '    }',
    ...variantLines(struct),
    '    return map.whole();',
    '}',
  ];
}

/** Which fields a variant needs. */
function variantLines({ fields, variants }: CppStruct): string[] {
  if (variants === undefined) return [];
  const by = fields[variants.by]?.type;
  if (by?.type !== 'enumeration') return [];
  return Object.entries(variants.of).flatMap(([variant, { needs }]) =>
    needs.map((need) => {
      const is = `out.${cppName(variants.by)} == ${cppType(by)}::${variant}`;
      return `    if (${is}) map.needs(rules[${Object.keys(fields).indexOf(need)}]);`;
    }),
  );
}

function encodeLines(struct: CppStruct): string[] {
  const fields = Object.entries(struct.fields);
  const always = fields.filter(([, field]) => !struct.partial && !field.optional).length;
  const maybe = fields.filter(([, field]) => struct.partial || field.optional);
  const count = [
    ...(always > 0 || maybe.length === 0 ? [`${always}u`] : []),
    ...maybe.map(([name]) => `value.${cppName(name)}.has_value()`),
  ];
  const value = fields.length === 0 ? '' : ' value';
  return [
    `void encode(Writer& to, const ${struct.name}&${value}) {`,
    `    to.map(${count.join(' +\n           ')});`,
    ...fields.map(([name, { number }]) => `    put_field(to, ${number}, value.${cppName(name)});`),
    '}',
  ];
}

export function messagesSource(): string {
  return [
    generated,
    '#include "boundary/messages.hpp"',
    '',
    '// clang-format off',
    'namespace valenic::boundary {',
    ...cppStructs().flatMap((struct) => ['', ...decodeLines(struct), ...encodeLines(struct)]),
    '',
    '}  // namespace valenic::boundary',
    '',
  ].join('\n');
}

/** As clang-format has it: as many on a line as fit, the others below the first. */
function listLines(before: string, words: readonly string[], after: string): readonly string[] {
  const indent = ' '.repeat(before.length);
  const lines: string[] = [];
  let line = before;
  for (const [index, word] of words.entries()) {
    const text = word + (index === words.length - 1 ? after : ',');
    const gap = line === before || line === indent ? '' : ' ';
    if (line.length + gap.length + text.length > 100) {
      lines.push(line);
      line = indent + text;
    } else line += gap + text;
  }
  return [...lines, line];
}
