/** A dgram port: one frame a datagram. */

import { z } from 'zod';
import { isInet, partsOf } from '../../socket/address.ts';
import { row } from '../../values/row.ts';
import {
  fileKeys,
  type KindKey,
  readParts,
  refuseInetFileKeys,
  socketPlace,
  syntax,
} from '../keys.ts';
import type { Kind } from '../kind.ts';
import { DgramEndpoint } from './endpoint.ts';
import type { DgramSpec } from './spec.ts';
import { dgramFacts, dgramWord } from './text.ts';

type PeerPart = Partial<Pick<DgramSpec, 'peer'>>;
const peer: KindKey<PeerPart> = {
  meaning: 'where the other end of a dgram port is',
  ...row(
    { allowed: 'a path or udp:HOST:PORT', read: (text) => (text === '' ? undefined : text) },
    (text): PeerPart => ({ peer: text }),
    (part) => part.peer,
  ),
};
const keys = { peer, ...fileKeys };

export const dgramKind: Kind<DgramSpec> = {
  ...{ kind: 'dgram', datapath: 'dgram' },
  form: 'dgram=PATH',
  text: 'one frame a datagram: -netdev dgram, or another switch; also dgram=udp:HOST:PORT',
  keys,
  shape: z.strictObject({
    kind: z.literal('dgram'),
    address: z.string(),
    peer: z.string(),
    mode: z.number().optional(),
    group: z.string().optional(),
  }),
  attachment: {
    by: 'frames',
    backend: ({ address, peerAddress = '' }) => ({
      kind: 'dgram',
      local: partsOf(peerAddress),
      remote: partsOf(address),
    }),
  },
  read: (value, items, folder) => {
    const address = socketPlace('dgram', 'udp', value, folder);
    const part = readParts<Partial<DgramSpec>>(keys, items);
    if (part.peer === undefined) {
      throw syntax('dgram needs its other end: peer=PATH, or peer=udp:HOST:PORT');
    }
    const other = socketPlace('peer', 'udp', part.peer, folder);
    if (isInet(other) !== isInet(address)) {
      throw syntax('dgram and peer are both paths, or both udp:HOST:PORT');
    }
    const spec: DgramSpec = { ...part, kind: 'dgram', address, peer: other };
    if (isInet(address)) refuseInetFileKeys(spec);
    return spec;
  },
  placeOf: ({ address }) => address,
  endpoint: (spec, context) => new DgramEndpoint(spec, context),
  stateWord: dgramWord,
  facts: dgramFacts,
};
