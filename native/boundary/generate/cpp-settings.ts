/** native/src/boundary/settings.hpp and .cpp: what workers see of the settings of a port. */

import { commentLines } from '../../../frontend-spec/generate/cpp-text.ts';
import { portSettingFields, portSettings } from '../settings.ts';
import { cppDefault, cppName, cppType } from './structs.ts';

const generated = '// GENERATED from native/boundary/settings.ts by `npm run spec`. Do not edit.';
const settings = Object.entries(portSettings.fields);
const words = settings.filter(([, { kept }]) => kept === 'word');

export function settingsHeader(): string {
  const members = words.flatMap(([name, field]) => [
    ...commentLines(field.text, '    ', '///'),
    `    std::atomic<${cppType(field.type)}> ${cppName(name)}{${cppDefault(field)}};`,
  ]);
  const auto = portSettingFields.spinUs.type;
  const besides = 'besides' in auto ? auto.besides : undefined;
  return [
    generated,
    '#pragma once',
    '#include <atomic>',
    '#include <cstdint>',
    '',
    '#include "boundary/messages.hpp"',
    '',
    'namespace valenic::boundary {',
    '',
    '/// PortSettings::spin_us: the worker learns how long it pays to spin.',
    `inline constexpr uint32_t spin_us_auto = ${besides?.value ?? 0};`,
    '',
    ...commentLines(
      'What can change under traffic. The control thread writes, workers read, relaxed: each ' +
        'field stands alone. Cache lines of their own.',
      '',
      '///',
    ),
    'struct alignas(64) PortSettings {',
    ...members,
    '};',
    '',
    '/// Stores what is present. Workers see it at their next look.',
    'void apply(const PortSettingsChange& change, PortSettings& settings) noexcept;',
    '',
    '/// Whether every number is in its range.',
    'bool in_range(const PortSettingsChange& change) noexcept;',
    '',
    '}  // namespace valenic::boundary',
    '',
  ].join('\n');
}

export function settingsSource(): string {
  const stores = words.map(([name]) => {
    const member = cppName(name);
    return `    store(change.${member}, settings.${member});`;
  });
  const checks = settings
    .filter(([, { type }]) => 'unit' in type)
    .map(([name]) => `holds(change.${cppName(name)}, change.${cppName(name)}_range)`);
  return [
    generated,
    '#include "boundary/settings.hpp"',
    '',
    '// clang-format off',
    'namespace valenic::boundary {',
    '',
    'namespace {',
    '',
    'template <typename T>',
    'void store(const std::optional<T>& value, std::atomic<T>& field) noexcept {',
    '    if (value) field.store(*value, std::memory_order_relaxed);',
    '}',
    '',
    'bool holds(const std::optional<uint32_t>& value, const NumberRange& range) noexcept {',
    '    return !value || range.holds(*value);',
    '}',
    '',
    '}  // namespace',
    '',
    'void apply(const PortSettingsChange& change, PortSettings& settings) noexcept {',
    ...stores,
    '}',
    '',
    'bool in_range(const PortSettingsChange& change) noexcept {',
    `    return ${checks.join(' &&\n           ')};`,
    '}',
    '',
    '}  // namespace valenic::boundary',
    '',
  ].join('\n');
}
