/** Pieces of C++ as clang-format would leave them: headers, constants, structures, enumerations. */

import { bytesOfType, type ConstantTable, type FieldType, type StructTable } from '../table.ts';

const maxColumns = 100;

/** Lines with comments behind them, aligned; a comment that does not fit goes above its line. */
export function withComments(
  rows: readonly (readonly [code: string, comment: string])[],
): string[] {
  const width = Math.max(0, ...rows.map(([code]) => code.length));
  const fits = rows.every(
    ([, comment]) => comment !== '' && width + 4 + 1 + comment.length <= maxColumns,
  );
  return rows.flatMap(([code, comment]) => {
    if (comment === '') return [code];
    if (fits) return [`${code.padEnd(width)}  // ${comment}`];
    const indent = code.slice(0, code.length - code.trimStart().length);
    return [...commentLines(comment, indent), code];
  });
}

/** A comment on lines of its own, broken at words. */
export function commentLines(text: string, indent = '', mark = '//'): string[] {
  const lines: string[] = [];
  let line = `${indent}${mark}`;
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > maxColumns) {
      lines.push(line);
      line = `${indent}${mark}`;
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

/** A whole header file in namespace valenic::spec. */
export function headerFile(
  source: string,
  includes: readonly string[],
  parts: readonly (readonly string[])[],
): string {
  const sorted = [...includes].sort();
  return [
    `// GENERATED from ${source} by \`npm run spec\`. Do not edit.`,
    '#pragma once',
    ...sorted.map((name) => (name.includes('/') ? `#include "${name}"` : `#include <${name}>`)),
    '',
    'namespace valenic::spec {',
    ...parts.flatMap((part) => ['', ...part]),
    '',
    '}  // namespace valenic::spec',
    '',
  ].join('\n');
}

/** `inline constexpr` constants of one table. */
export function constantsText(table: ConstantTable): string[] {
  const rows = Object.values(table.rows).map((row): [string, string] => {
    const value = table.hex ? `0x${row.value.toString(16)}` : String(row.value);
    return [`inline constexpr ${table.type} ${row.cpp} = ${value};`, row.text];
  });
  return [...commentLines(`${table.text} ${table.spec}.`), ...withComments(rows)];
}

const scalar = { 8: 'uint8_t', 16: 'uint16_t', 32: 'uint32_t', 64: 'uint64_t' } as const;

/** `u8[6]` and `mac` make `uint8_t mac[6]`. */
function declaration(type: string, name: string): string {
  const parts = /^u(8|16|32|64)(?:\[(\d+)\])?$/.exec(type);
  if (parts === null) return `${type} ${name}`;
  const base = scalar[Number(parts[1]) as keyof typeof scalar];
  return parts[2] === undefined ? `${base} ${name}` : `${base} ${name}[${parts[2]}]`;
}

/** A structure and the assertions that hold its layout. */
export function structText(table: StructTable): string[] {
  const fields = table.fields.map(([name, type, , text]): [string, string] => [
    `    ${declaration(type, name)};`,
    text,
  ]);
  const attribute = table.packed ? '__attribute__((packed)) ' : '';
  return [
    ...(table.text === '' ? [] : commentLines(table.text, '', '///')),
    ...commentLines(`@spec ${table.spec}`, '', '///'),
    `struct ${attribute}${table.cpp} {`,
    ...withComments(fields),
    '};',
    `static_assert(sizeof(${table.cpp}) == ${table.bytes});`,
    ...table.fields.map(
      ([name, , offset]) => `static_assert(offsetof(${table.cpp}, ${name}) == ${offset});`,
    ),
  ];
}

/** An enumeration: enumerators with values or in order, with or without comments. */
export function enumText(
  head: string,
  rows: readonly (readonly [name: string, comment: string])[],
): string[] {
  return [`${head} {`, ...withComments(rows.map(([n, c]) => [`    ${n},`, c] as const)), '};'];
}

/** `const char*` for each value of an enumeration; `counted`: its last enumerator is `count`. */
export function stringTable(
  type: string,
  functionName: string,
  doc: string,
  strings: readonly string[],
  counted = true,
): string[] {
  const array = `${snakeCase(type)}_${functionName === 'name_of' ? 'names' : 'texts'}`;
  return [
    '// clang-format off',
    `inline constexpr const char* ${array}[] = {`,
    ...strings.flatMap((text) => literalLines(text)),
    '};',
    '// clang-format on',
    ...(counted
      ? [`static_assert(std::size(${array}) == static_cast<size_t>(${type}::count));`]
      : []),
    ...commentLines(doc, '', '///'),
    `constexpr const char* ${functionName}(${type} value) noexcept {`,
    '    const auto index = static_cast<size_t>(value);',
    `    return index < std::size(${array}) ? ${array}[index] : "?";`,
    '}',
  ];
}

/** A string as an element of an array: in pieces, which C++ joins, where one line is too short. */
function literalLines(text: string): string[] {
  const words = text.split(/(?<= )/);
  const pieces = [''];
  for (const word of words) {
    const last = pieces[pieces.length - 1] ?? '';
    if (last !== '' && JSON.stringify(last + word).length + 5 > maxColumns) pieces.push(word);
    else pieces[pieces.length - 1] = last + word;
  }
  const end = pieces.length - 1;
  return pieces.map((piece, index) => `    ${JSON.stringify(piece)}${index === end ? ',' : ''}`);
}

/** `maxVirtqueuePairs` and `DropReason` as C++ spells them. */
export function snakeCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}

/** True when the fields lie one after the other, without holes and within the structure. */
export function layoutFault(
  bytes: number,
  fields: readonly (readonly [name: string, type: string, offset: number, ...rest: unknown[]])[],
  sizeOf: (type: string) => number = (type) => bytesOfType(type as FieldType),
): string | null {
  let end = 0;
  for (const [name, type, offset] of fields) {
    if (offset !== end) return `${name} is at ${offset}, the field before it ends at ${end}`;
    end = offset + sizeOf(type);
  }
  return end === bytes ? null : `the fields end at ${end}, the structure at ${bytes}`;
}
