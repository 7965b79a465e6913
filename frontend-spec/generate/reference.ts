/** The reference pages: the tables, for readers. */

import type { ConstantTable, StructTable } from '../table.ts';
import { type PayloadTable, payloads } from '../vhost-user/payloads.ts';
import { type ProtocolFeatureRow, protocolFeatures } from '../vhost-user/protocol-features.ts';
import {
  type BackendRequestRow,
  backendRequests,
  type RequestRow,
  requests,
} from '../vhost-user/requests.ts';
import { type FeatureNeeds, featureNeeds } from '../virtio/feature-needs.ts';
import { type FeatureRow, virtioFeatures } from '../virtio/features.ts';
import { vhostUserConstants, virtioConstants, virtioStructs } from './headers.ts';

/** A table of Markdown; `|` in a cell would end it. */
function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

function page(title: string, words: readonly string[], sections: readonly string[][]): string {
  return [
    '<!-- GENERATED from frontend-spec/ by `npm run spec`. Do not edit. -->',
    '',
    `# ${title}`,
    '',
    ...words,
    ...sections.flatMap((section) => ['', ...section]),
    '',
  ].join('\n');
}

function descriptors([min, max]: readonly [number, number]): string {
  return min === max ? String(min) : `${min} to ${max}`;
}

function answer(row: RequestRow | BackendRequestRow): string {
  const payload = row.answer === 'none' ? '' : row.answer;
  return row.answerFd === true ? `${payload} + descriptor`.replace(/^ \+ /, '') : payload;
}

/** What must be negotiated first. */
function gate(row: RequestRow | BackendRequestRow): string {
  const needs: string[] = [row.needs, row.needsFeature].filter((name) => name !== undefined);
  if ('needsProtocol' in row && row.needsProtocol !== undefined) {
    needs.push(`VHOST_USER_F_PROTOCOL_FEATURES ${row.needsProtocol}`);
  }
  return needs.join(', ');
}

const requestHead = ['id', 'request', 'payload', 'descriptors', 'answer', 'needs'] as const;

function requestCells(name: string, row: RequestRow | BackendRequestRow): string[] {
  const payload = row.payload === 'none' ? '' : row.payload;
  return [String(row.id), name, payload, descriptors(row.fds), answer(row), gate(row)];
}

function servedRequests(): string[] {
  const rows = Object.entries(requests).filter(([, row]) => row.served);
  return [
    '## Served',
    '',
    '`stops`: what the request stops when it succeeds.',
    '',
    ...markdownTable(
      [...requestHead, 'stops', 'section'],
      rows.map(([name, row]: [string, RequestRow]) => [
        ...requestCells(name, row),
        row.stops === 'nothing' ? '' : row.stops,
        row.spec,
      ]),
    ),
  ];
}

function laterRequests(): string[] {
  const rows = Object.entries(requests).filter(([, row]) => !row.served);
  return [
    '## Not served, and why',
    '',
    'They need features that are not offered. A front-end that sends one anyway loses its',
    'connection; the rest of the switch goes on.',
    '',
    ...markdownTable(
      [...requestHead, 'why not'],
      rows.map(([name, row]: [string, RequestRow]) => [
        ...requestCells(name, row),
        row.later ?? '',
      ]),
    ),
  ];
}

function backendPart(): string[] {
  return [
    '## From backend to front-end',
    '',
    'These go over the channel that SET_BACKEND_REQ_FD would open.',
    '',
    ...markdownTable(
      [...requestHead, 'why not sent'],
      Object.entries(backendRequests).map(([name, row]: [string, BackendRequestRow]) => [
        ...requestCells(name, row),
        row.later ?? '',
      ]),
    ),
  ];
}

function protocolFeaturePart(): string[] {
  return [
    '## Protocol features',
    '',
    ...markdownTable(
      ['bit', 'name', 'meaning'],
      Object.entries(protocolFeatures).map(([name, row]: [string, ProtocolFeatureRow]) => [
        String(row.bit),
        name,
        row.text,
      ]),
    ),
  ];
}

function tailText(table: PayloadTable): string {
  if (table.tail === undefined) return '';
  const { kind, count, max } = table.tail;
  return kind === 'rows'
    ? `\`${count}\` rows of ${table.tail.of}, at most ${max}`
    : `\`${count}\` bytes, at most ${max}`;
}

function payloadPart(): string[] {
  const rows = Object.entries(payloads)
    .filter(([, table]) => table.fields.length > 0)
    .map(([name, table]: [string, PayloadTable]) => [
      name,
      String(table.bytes),
      table.fields.map(([field, type, offset]) => `${field} ${type} @${offset}`).join(', '),
      tailText(table),
      table.spec,
    ]);
  return [
    '## Payloads',
    '',
    'Fields with their types and offsets in bytes; `u64`: unsigned, 64 bits, native byte order.',
    '',
    ...markdownTable(['payload', 'bytes', 'fields', 'then', 'section'], rows),
  ];
}

function constantParts(tables: readonly ConstantTable[]): string[] {
  const rows = tables.flatMap((table) =>
    Object.entries(table.rows).map(([name, row]) => [
      name,
      table.hex ? `0x${row.value.toString(16)}` : String(row.value),
      row.text,
      `\`${row.cpp}\``,
      table.spec,
    ]),
  );
  return [
    '## Constants',
    '',
    ...markdownTable(['name', 'value', 'meaning', 'C++', 'section'], rows),
  ];
}

function structPart(table: StructTable): string[] {
  return [
    `### ${table.cpp} (${table.bytes} bytes)`,
    '',
    `${table.text} ${table.spec}.`,
    '',
    ...markdownTable(
      ['offset', 'field', 'type', 'meaning'],
      table.fields.map(([name, type, offset, text]) => [String(offset), name, type, text]),
    ),
  ];
}

function featurePart(): string[] {
  const rows = Object.entries(virtioFeatures)
    .map(([name, row]: [string, FeatureRow]) => ({ name, row }))
    .sort((a, b) => a.row.bit - b.row.bit)
    .map(({ name, row }) => [String(row.bit), name, row.text, row.spec]);
  return ['## Feature bits', '', ...markdownTable(['bit', 'name', 'meaning', 'section'], rows)];
}

function needsPart(): string[] {
  const rows = Object.entries(featureNeeds).map(([name, row]: [string, FeatureNeeds]) => [
    name,
    row.allOf.map((anyOf) => anyOf.join(' or ')).join(', and '),
    row.kind,
    row.spec,
  ]);
  return [
    '## Which feature needs which',
    '',
    '`offload`: an offload without what it needs is ignored. `control`: the front-end',
    'keeps the control virtqueue and does not tell the backend of it, so these may come without',
    'it.',
    '',
    ...markdownTable(['feature', 'needs', 'kind', 'section'], rows),
  ];
}

/** The pages, by the path of each from the root of the repository. */
export function generateReference(): Record<string, string> {
  const vhostUser = page(
    'vhost-user: what Valenic speaks',
    [
      'The specification is docs/interop/vhost-user.rst of QEMU; sections go by their titles.',
      'Names are without `VHOST_USER_`, `VHOST_USER_BACKEND_` and `VHOST_USER_PROTOCOL_F_`.',
    ],
    [
      servedRequests(),
      laterRequests(),
      backendPart(),
      protocolFeaturePart(),
      payloadPart(),
      constantParts(vhostUserConstants),
    ],
  );
  const virtio = page(
    'virtio: what the guest sees',
    ['Sections are those of virtio 1.2 unless a row says otherwise. All fields are little-endian.'],
    [
      featurePart(),
      needsPart(),
      ['## Structures'],
      ...virtioStructs.map(structPart),
      constantParts(virtioConstants),
    ],
  );
  return { 'docs/reference/vhost-user.md': vhostUser, 'docs/reference/virtio.md': virtio };
}
