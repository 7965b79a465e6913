/** native/src/boundary/version.hpp: the version of the tables, and the bounds of messages. */

import { boundaryVersion, messageLimits } from '../version.ts';

export function versionHeader(): string {
  return [
    '// GENERATED from native/boundary/version.ts by `npm run spec`. Do not edit.',
    '#pragma once',
    '#include <cstddef>',
    '#include <cstdint>',
    '',
    'namespace valenic::boundary {',
    '',
    '/// A side reads messages of the version before its own, of its own and of the next one.',
    `inline constexpr uint32_t current_version = ${boundaryVersion};`,
    '',
    '/// Bounds of one message.',
    'struct MessageLimits {',
    `    static constexpr size_t bytes = ${messageLimits.bytes};`,
    '    /// Beside it.',
    `    static constexpr size_t descriptors = ${messageLimits.descriptors};`,
    '    /// Maps and lists within each other.',
    `    static constexpr unsigned depth = ${messageLimits.depth};`,
    '};',
    '',
    '}  // namespace valenic::boundary',
    '',
  ].join('\n');
}
