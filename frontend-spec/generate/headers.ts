/** The C++ headers of native/src/spec that come from the tables of this room. */

import type { ConstantTable, StructTable } from '../table.ts';
import {
  headerFlags,
  messageHeader,
  type PayloadTable,
  payloads,
  vhostUserLimits,
  vringAddrFlags,
  vringBasePacked,
  vringFd,
} from '../vhost-user/payloads.ts';
import { protocolFeatures } from '../vhost-user/protocol-features.ts';
import { backendRequests, requests } from '../vhost-user/requests.ts';
import { type FeatureNeeds, featureNeeds } from '../virtio/feature-needs.ts';
import { type VirtioFeatureName, virtioFeatures } from '../virtio/features.ts';
import {
  netConfig,
  netHeader,
  netHeaderFlags,
  netHeaderGso,
  netHeaderSizes,
  netReceiveSizes,
  netStatus,
} from '../virtio/net.ts';
import {
  deviceStatus,
  pciCap,
  pciCfgTypes,
  pciCommonCfg,
  pciIds,
  pciNotifyCap,
} from '../virtio/pci.ts';
import {
  packedDesc,
  packedDescBits,
  packedDescFlags,
  packedEvent,
  packedEventFlags,
  packedLimits,
} from '../virtio/ring-packed.ts';
import {
  descFlags,
  splitAvail,
  splitDesc,
  splitLimits,
  splitNotifyFlags,
  splitUsed,
  splitUsedElem,
} from '../virtio/ring-split.ts';
import {
  commentLines,
  constantsText,
  enumText,
  headerFile,
  snakeCase,
  structText,
  withComments,
} from './cpp-text.ts';

/** Every structure of virtio that has a header. */
export const virtioStructs: readonly StructTable[] = [
  splitDesc,
  splitAvail,
  splitUsedElem,
  splitUsed,
  packedDesc,
  packedEvent,
  netHeader,
  netConfig,
  pciCap,
  pciNotifyCap,
  pciCommonCfg,
];

/** Constants of virtio. */
export const virtioConstants: readonly ConstantTable[] = [
  descFlags,
  splitNotifyFlags,
  splitLimits,
  packedDescBits,
  packedDescFlags,
  packedEventFlags,
  packedLimits,
  netHeaderSizes,
  netHeaderFlags,
  netHeaderGso,
  netReceiveSizes,
  netStatus,
  pciIds,
  pciCfgTypes,
  deviceStatus,
];

/** Constants of vhost-user. */
export const vhostUserConstants: readonly ConstantTable[] = [
  headerFlags,
  vringFd,
  vringBasePacked,
  vringAddrFlags,
  vhostUserLimits,
];

function ringHeader(): string {
  return headerFile(
    'frontend-spec/virtio/ring-*.ts',
    ['cstddef', 'cstdint'],
    [
      constantsText(descFlags),
      constantsText(splitNotifyFlags),
      constantsText(splitLimits),
      ...[splitDesc, splitAvail, splitUsedElem, splitUsed].map(structText),
      constantsText(packedDescBits),
      constantsText(packedDescFlags),
      constantsText(packedEventFlags),
      constantsText(packedLimits),
      ...[packedDesc, packedEvent].map(structText),
    ],
  );
}

/** The needs of offloads, and how a mask is freed of those that are not met. */
function offloadNeeds(): string[] {
  const bit = (name: VirtioFeatureName) => virtioFeatures[name].cpp;
  const rows = Object.entries(featureNeeds)
    .filter(([, row]) => row.kind === 'offload')
    .flatMap(([name, row]: [string, FeatureNeeds]) =>
      row.allOf.map((anyOf) => {
        const [one, other] = [anyOf[0], anyOf[1] ?? anyOf[0]];
        if (one === undefined || other === undefined || anyOf.length > 2) {
          throw new RangeError(`${name}: an offload needs one of one or two others`);
        }
        return `    {${bit(name as VirtioFeatureName)}, {${bit(one)}, ${bit(other)}}},`;
      }),
    );
  return [
    '/// An offload, and the one or two features of which it needs one; without, it is ignored.',
    '/// @spec virtio 1.2, 5.1.3.1 "Feature bit requirements"',
    'struct OffloadNeed {',
    '    unsigned feature;',
    '    unsigned any_of[2];',
    '};',
    'inline constexpr OffloadNeed offload_needs[] = {',
    ...rows,
    '};',
    '/// The mask without the offloads whose needs are not met.',
    'constexpr uint64_t settle_offloads(uint64_t features) noexcept {',
    '    for (const OffloadNeed& need : offload_needs) {',
    '        const uint64_t any_of = feature_mask(need.any_of[0]) | feature_mask(need.any_of[1]);',
    '        if ((features & any_of) == 0) features &= ~feature_mask(need.feature);',
    '    }',
    '    return features;',
    '}',
  ];
}

function featuresHeader(): string {
  const rows = Object.values(virtioFeatures).map((row): [string, string] => [
    `inline constexpr unsigned ${row.cpp} = ${row.bit};`,
    row.text,
  ]);
  return headerFile(
    'frontend-spec/virtio/feature*.ts',
    ['cstdint'],
    [
      [
        ...commentLines(
          'Bit numbers. virtio 1.2, 6 "Reserved Feature Bits" and 5.1.3 "Feature bits".',
        ),
        ...withComments(rows),
      ],
      [
        '/// The mask of one feature bit.',
        'constexpr uint64_t feature_mask(unsigned bit) noexcept { return uint64_t{1} << bit; }',
      ],
      offloadNeeds(),
    ],
  );
}

function netHeaderFile(): string {
  return headerFile(
    'frontend-spec/virtio/net.ts',
    ['cstddef', 'cstdint'],
    [
      structText(netHeader),
      [
        ...constantsText(netHeaderSizes),
        'static_assert(net_header_bytes == sizeof(NetHeader));',
        'static_assert(net_header_legacy_bytes == offsetof(NetHeader, num_buffers));',
      ],
      constantsText(netHeaderFlags),
      constantsText(netHeaderGso),
      constantsText(netReceiveSizes),
      structText(netConfig),
      constantsText(netStatus),
    ],
  );
}

function pciHeader(): string {
  return headerFile(
    'frontend-spec/virtio/pci.ts',
    ['cstddef', 'cstdint'],
    [
      constantsText(pciIds),
      constantsText(pciCfgTypes),
      constantsText(deviceStatus),
      ...[pciCap, pciNotifyCap, pciCommonCfg].map(structText),
    ],
  );
}

function tailText(table: PayloadTable): string {
  if (table.tail === undefined) return '';
  const what = table.tail.kind === 'rows' ? `rows of ${table.tail.of}` : 'bytes';
  const count = snakeCase(table.tail.count);
  return `As many ${what} as ${count} says follow, at most ${table.tail.max}.`;
}

/** A payload as a structure of C++, or null where it has none. */
export function payloadStruct(table: PayloadTable): StructTable | null {
  if (table.cpp === undefined) return null;
  return {
    cpp: table.cpp,
    bytes: table.bytes,
    spec: `vhost-user, "${table.spec}"`,
    text: tailText(table),
    fields: table.fields.map(([name, type, offset]) => [snakeCase(name), type, offset, '']),
  };
}

function requestEnum(type: string, rows: Readonly<Record<string, { readonly id: number }>>) {
  return enumText(
    `enum class ${type} : uint32_t`,
    Object.entries(rows).map(([name, row]) => [`${name.toLowerCase()} = ${row.id}`, '']),
  );
}

function vhostUserHeader(): string {
  const bits = Object.entries(protocolFeatures).map(([name, row]): [string, string] => [
    `inline constexpr unsigned protocol_feature_${name.toLowerCase()} = ${row.bit};`,
    row.text,
  ]);
  const structs = [messageHeader, ...Object.values(payloads)]
    .map((table: PayloadTable) => payloadStruct(table))
    .filter((table) => table !== null);
  return headerFile(
    'frontend-spec/vhost-user/*.ts',
    ['cstddef', 'cstdint'],
    [
      ['/// vhost-user, "Front-end message types".', ...requestEnum('VhostUserRequest', requests)],
      [
        '/// vhost-user, "Back-end message types".',
        ...requestEnum('VhostUserBackendRequest', backendRequests),
      ],
      constantsText(headerFlags),
      constantsText(vringFd),
      constantsText(vringBasePacked),
      constantsText(vringAddrFlags),
      constantsText(vhostUserLimits),
      [...commentLines('Bit numbers. vhost-user, "Protocol features".'), ...withComments(bits)],
      ...structs.map(structText),
    ],
  );
}

/** The headers, by the path of each from the root of the repository. */
export function generateHeaders(): Record<string, string> {
  return {
    'native/src/spec/virtio_ring.hpp': ringHeader(),
    'native/src/spec/virtio_features.hpp': featuresHeader(),
    'native/src/spec/virtio_net.hpp': netHeaderFile(),
    'native/src/spec/virtio_pci.hpp': pciHeader(),
    'native/src/spec/vhost_user.hpp': vhostUserHeader(),
  };
}
