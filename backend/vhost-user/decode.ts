/**
 * From a message to a request that may be handled: the first two of three layers.
 *
 * 1. Syntax: the request is known, has its number of descriptors and exactly its bytes.
 * 2. Gates: the feature it needs was negotiated.
 * 3. Meaning is the handlers' (handlers.ts), which see only what passed here.
 */

import {
  protocolFeatures,
  type RequestRow,
  requests,
  type ServedRequestName,
  virtioFeatures,
} from '../../frontend-spec/index.ts';
import type { Message } from './connection.ts';
import { fault, PeerFault } from './faults.ts';
import { longestPayload, type Payload, readPayload } from './payload.ts';

/** What the two sides agreed on so far. */
export interface Negotiated {
  /** Feature bits that GET_FEATURES tells. */
  readonly offered: bigint;
  /** Feature bits of the last SET_FEATURES; null before the first. */
  readonly features: bigint | null;
  readonly protocolFeatures: bigint;
}

export type RequestPayload<Name extends ServedRequestName> = Payload<
  (typeof requests)[Name]['payload']
>;
export type AnswerName<Name extends ServedRequestName> = (typeof requests)[Name]['answer'];

const rows: Readonly<Record<string, RequestRow>> = requests;
const namesById = new Map(Object.entries(rows).map(([name, row]) => [row.id, name]));

/** Bytes of the longest payload of any request that is served: nothing longer is read. */
export const longestServedPayload = Math.max(
  ...Object.values(rows)
    .filter((row) => row.served)
    .map((row) => longestPayload(row.payload)),
);

/** The name of a request for messages and logs, also of one that is unknown. */
export function requestName(id: number): string {
  return namesById.get(id) ?? `request ${id}`;
}

/**
 * Admits a message: syntax, then gates. Its descriptors stay where they are.
 *
 * @throws {PeerFault} with the first rule that is broken.
 */
export function admit(message: Message, negotiated: Negotiated): ServedRequestName {
  const name = namesById.get(message.request);
  const row = name === undefined ? undefined : rows[name];
  if (name === undefined || row === undefined) {
    throw fault('request_unknown', `number ${message.request}`);
  }
  if (!isServed(name)) throw fault('request_not_served', `${name}: ${row.later ?? 'not offered'}`);
  checkFds(name, row, message.fds.count);
  const missing = missingFeature(row, negotiated);
  if (missing !== null) throw fault('request_not_negotiated', `${name} needs ${missing}`);
  return name;
}

/**
 * The payload of an admitted request.
 *
 * @throws {PeerFault} `payload_size_wrong`, `payload_value_invalid`; the text names the request.
 */
export function decodePayload<Name extends ServedRequestName>(
  name: Name,
  bytes: Buffer,
): RequestPayload<Name> {
  const row: { readonly payload: (typeof requests)[Name]['payload'] } = requests[name];
  try {
    return readPayload(row.payload, bytes);
  } catch (error) {
    throw error instanceof PeerFault ? error.in(name) : error;
  }
}

function isServed(name: string): name is ServedRequestName {
  return rows[name]?.served === true;
}

function checkFds(name: string, row: RequestRow, count: number): void {
  const [min, max] = row.fds;
  if (count >= min && count <= max) return;
  const wanted = min === max ? `${min}` : `${min} to ${max}`;
  throw fault('fd_count_wrong', `${name}: expected ${wanted}, got ${count}`);
}

/** The feature that a request lacks, spelled as the specification does; null when it lacks none. */
function missingFeature(row: RequestRow, negotiated: Negotiated): string | null {
  const { offered, features, protocolFeatures: agreed } = negotiated;
  const bit = 1n << BigInt(virtioFeatures.VHOST_USER_F_PROTOCOL_FEATURES.bit);
  if (row.needsProtocol !== undefined && (offered & bit) === 0n) return 'PROTOCOL_FEATURES';
  // Before the first SET_FEATURES nothing is refused yet: QEMU enables rings when the guest's
  // device is reset, long before a driver's features are known. Deviates from "only after
  // negotiation".
  if (row.needsProtocol === 'accepted' && features !== null && (features & bit) === 0n) {
    return 'PROTOCOL_FEATURES';
  }
  const { needs, needsFeature } = row;
  if (needs !== undefined && ((agreed >> BigInt(protocolFeatures[needs].bit)) & 1n) === 0n) {
    return `the protocol feature ${needs}`;
  }
  if (needsFeature !== undefined) {
    const has = ((features ?? 0n) >> BigInt(virtioFeatures[needsFeature].bit)) & 1n;
    if (has === 0n) return needsFeature;
  }
  return null;
}
