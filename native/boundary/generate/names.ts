/** native/src/boundary/names.hpp: enumerations, their names and their texts. */

import {
  commentLines,
  enumText,
  headerFile,
  stringTable,
} from '../../../frontend-spec/generate/cpp-text.ts';
import { portCounters, statsPage, workerCounters } from '../counters.ts';
import { dropReasons } from '../drops.ts';
import { commandErrors } from '../errors.ts';
import { type FaultLevel, faultCode, faults } from '../faults.ts';
import type { Enumeration } from '../fields.ts';
import { netHeaderUse, pollingMode, portKind, vlanMode, workerAct } from '../kinds.ts';

const faultLevels = ['queue', 'device', 'connection'] as const satisfies readonly FaultLevel[];

/** Those that fields have. */
export const enumerations: readonly Enumeration[] = [
  faultCode,
  pollingMode,
  portKind,
  vlanMode,
  netHeaderUse,
  workerAct,
];

/**
 * An enumeration over `names`, and `name_of` for it.
 *
 * @param end  A last enumerator `count`; without it, a switch over all names is complete.
 */
function namedEnum(
  type: string,
  doc: string,
  names: readonly string[],
  end: readonly string[] = ['count'],
): string[] {
  return [
    ...commentLines(doc, '', '///'),
    ...enumText(
      `enum class ${type} : uint8_t`,
      [...names, ...end].map((name) => [name, '']),
    ),
    '',
    ...stringTable(
      type,
      'name_of',
      'Its name, as native/boundary spells it.',
      names,
      end.length > 0,
    ),
  ];
}

function textOf(type: string, doc: string, texts: readonly string[]): string[] {
  return stringTable(type, 'text_of', doc, texts);
}

function statsConstants(): string[] {
  return [
    ...commentLines(
      'The stats page: blocks of 64-bit words, one writer for each; block 0 is the header.',
    ),
    `inline constexpr uint64_t stats_page_magic = 0x${statsPage.magic.toString(16)};`,
    `inline constexpr uint32_t stats_page_version = ${statsPage.version};`,
    `inline constexpr size_t stats_words_per_block = ${statsPage.wordsPerBlock};`,
    ...commentLines("A port's drop reasons follow its counters in the block.", '', '///'),
    'inline constexpr unsigned first_drop_word = static_cast<unsigned>(PortCounter::count);',
    'static_assert(first_drop_word + unsigned(DropReason::count) <= stats_words_per_block);',
    'static_assert(static_cast<unsigned>(WorkerCounter::count) <= stats_words_per_block);',
  ];
}

function refusedDrops(): string[] {
  const names = Object.entries(dropReasons).flatMap(([name, row]) =>
    'refused' in row ? [`    DropReason::${name},`] : [],
  );
  return [
    ...commentLines('What port security and storm control drop.', '', '///'),
    '// clang-format off',
    'inline constexpr DropReason refused_drops[] = {',
    ...names,
    '};',
    '// clang-format on',
  ];
}

function closes(): string[] {
  return [
    '// clang-format off',
    'inline constexpr FaultLevel fault_levels[] = {',
    ...Object.values(faults).map((row) => `    FaultLevel::${row.closes},`),
    '};',
    '// clang-format on',
    'static_assert(std::size(fault_levels) == static_cast<size_t>(Fault::count));',
    '/// The smallest thing that is closed when it happens.',
    'constexpr FaultLevel closes(Fault fault) noexcept {',
    '    return fault_levels[static_cast<size_t>(fault)];',
    '}',
  ];
}

export function namesHeader(): string {
  const texts = (rows: Readonly<Record<string, { readonly text: string }>>) =>
    Object.values(rows).map((row) => row.text);
  const parts = [
    namedEnum('DropReason', 'Why a frame was not delivered.', Object.keys(dropReasons)),
    textOf('DropReason', 'The reason in words.', texts(dropReasons)),
    refusedDrops(),
    namedEnum('PortCounter', 'Counters of one port, in one block for each worker.', portCounters),
    namedEnum('WorkerCounter', 'Counters of one worker.', workerCounters),
    statsConstants(),
    namedEnum('FaultLevel', 'How far a fault reaches.', faultLevels, []),
    ...enumerations.map(({ name, text, names }) => namedEnum(name, text, names)),
    textOf('Fault', 'The fault in words.', texts(faults)),
    closes(),
    namedEnum('CommandError', 'Why a command was refused.', Object.keys(commandErrors)),
    textOf('CommandError', 'The refusal in words.', Object.values(commandErrors)),
  ];
  return headerFile('native/boundary', ['cstddef', 'cstdint', 'iterator'], parts);
}
