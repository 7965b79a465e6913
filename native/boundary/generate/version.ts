/** native/src/boundary/version.hpp and limits.hpp: the version of the tables, and bounds. */

import { datapathLimits, largestFrameBytes } from '../limits.ts';
import { mtuBytes } from '../settings.ts';
import { boundaryVersion, messageLimits } from '../version.ts';

export function versionHeader(): string {
  return constantsHeader('native/boundary/version.ts', [
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
  ]);
}

export function limitsHeader(): string {
  const { workerBlocks, ports } = datapathLimits;
  return constantsHeader('native/boundary/limits.ts', [
    '/// The longest frame that any port may carry: an Ethernet header of 14 bytes, and 64 KiB.',
    `inline constexpr uint32_t largest_frame_bytes = ${largestFrameBytes};`,
    '',
    '/// The MTUs that a device may tell its driver.',
    `inline constexpr uint32_t mtu_min = ${mtuBytes.min};`,
    `inline constexpr uint32_t mtu_max = ${mtuBytes.max};`,
    '',
    '/// Of one datapath.',
    'struct DatapathLimits {',
    "    /// Host I/O threads, the control thread's own injections included.",
    `    static constexpr size_t worker_blocks = ${workerBlocks};`,
    '    /// Ports that it has room for unless it is told, and the most that it can be told.',
    `    static constexpr uint32_t ports_default = ${ports.given};`,
    `    static constexpr uint32_t ports_most = ${ports.most};`,
    '};',
  ]);
}

function constantsHeader(source: string, lines: readonly string[]): string {
  return [
    `// GENERATED from ${source} by \`npm run spec\`. Do not edit.`,
    '#pragma once',
    '#include <cstddef>',
    '#include <cstdint>',
    '',
    'namespace valenic::boundary {',
    '',
    ...lines,
    '',
    '}  // namespace valenic::boundary',
    '',
  ].join('\n');
}
