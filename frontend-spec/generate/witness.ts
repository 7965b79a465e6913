/**
 * The kernel's headers as a witness: a C file that compiles only where they have the same sizes,
 * offsets and numbers as the tables.
 */

import { bytesOfType, type FieldType, type KernelStruct, type StructTable } from '../table.ts';
import { type PayloadTable, payloads } from '../vhost-user/payloads.ts';
import { type FeatureRow, virtioFeatures } from '../virtio/features.ts';
import { pciCommonCfg, pciCommonOffsets } from '../virtio/pci.ts';
import { vhostUserConstants, virtioConstants, virtioStructs } from './headers.ts';

/** Sorted, as clang-format would have them. */
const kernelHeaders = [
  'linux/pci_regs.h',
  'linux/vhost_types.h',
  'linux/virtio_config.h',
  'linux/virtio_ids.h',
  'linux/virtio_net.h',
  'linux/virtio_pci.h',
  'linux/virtio_ring.h',
  'stddef.h',
] as const;

/** One assertion; `macro`: only where the kernel's headers define it. */
function assertion(condition: string, name: string, macro?: string): string[] {
  const line = `_Static_assert(${condition}, "${name}");`;
  const lines =
    line.length <= 100 ? [line] : [`_Static_assert(${condition},`, `               "${name}");`];
  return macro === undefined ? lines : [`#ifdef ${macro}`, ...lines, '#endif'];
}

/** Size, and place and size of every field that the kernel has too. */
function structAssertions(
  name: string,
  bytes: number,
  kernel: KernelStruct,
  fields: readonly (readonly [name: string, type: string, offset: number, ...rest: unknown[]])[],
): string[] {
  const type = `struct ${kernel.struct}`;
  const lines = assertion(`sizeof(${type}) == ${bytes}`, name);
  for (const [field, fieldType, offset] of fields) {
    const theirs = kernel.rename?.[field] === undefined ? field : kernel.rename[field];
    if (theirs === null) continue;
    lines.push(...assertion(`offsetof(${type}, ${theirs}) == ${offset}`, `${name}.${field}`));
    if (!fieldType.startsWith('u')) continue;
    const size = bytesOfType(fieldType as FieldType);
    lines.push(
      ...assertion(`sizeof(((${type}*)0)->${theirs}) == ${size}`, `${name}.${field} bytes`),
    );
  }
  return lines;
}

function structs(): string[] {
  const virtio = virtioStructs.flatMap((table: StructTable) =>
    table.kernel === undefined
      ? []
      : structAssertions(table.cpp, table.bytes, table.kernel, table.fields),
  );
  const vhost = Object.values(payloads).flatMap((table: PayloadTable) =>
    table.kernel === undefined || table.cpp === undefined
      ? []
      : structAssertions(table.cpp, table.bytes, table.kernel, table.fields),
  );
  return [...virtio, ...vhost];
}

function constants(): string[] {
  return [...virtioConstants, ...vhostUserConstants].flatMap((table) =>
    Object.entries(table.rows).flatMap(([name, row]) =>
      row.kernel === undefined
        ? []
        : assertion(`(${row.kernel}) == ${row.value}`, name, row.newer ? row.kernel : undefined),
    ),
  );
}

function features(): string[] {
  return Object.entries(virtioFeatures).flatMap(([name, row]: [string, FeatureRow]) =>
    row.kernel === undefined
      ? []
      : assertion(`${row.kernel} == ${row.bit}`, name, row.newer ? row.kernel : undefined),
  );
}

/** VIRTIO_PCI_COMMON_*: the last two are newer than the headers of Debian 12. */
function commonOffsets(): string[] {
  const offsets = new Map<string, number>(
    pciCommonCfg.fields.map(([name, , offset]) => [name, offset]),
  );
  return Object.entries(pciCommonOffsets).flatMap(([macro, field]) =>
    assertion(
      `${macro} == ${offsets.get(field)}`,
      `PciCommonCfg.${field}`,
      macro.includes('_ADM_') ? macro : undefined,
    ),
  );
}

/** The C file, by its path from the root of the repository. */
export function generateWitness(): Record<string, string> {
  const text = [
    '/* GENERATED from frontend-spec/ by `npm run spec`. Do not edit.',
    " * The kernel's headers, held to the numbers of the tables: it compiles, or they disagree. */",
    ...kernelHeaders.map((name) => `#include <${name}>`),
    '',
    '/* Structures: sizes, and place and size of each field. */',
    ...structs(),
    '',
    '/* Constants. */',
    ...constants(),
    '',
    '/* Feature bits. */',
    ...features(),
    '',
    '/* Registers of the common configuration. */',
    ...commonOffsets(),
    '',
  ].join('\n');
  return { 'test/spec/kernel_witness.c': text };
}
