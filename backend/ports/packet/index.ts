/** A packet port: the wire behind an interface that the host has. */

import { z } from 'zod';
import { row } from '../../values/row.ts';
import { choice } from '../../values/values.ts';
import { interfaceOf, type KindKey, queuesKey, readParts } from '../keys.ts';
import type { Kind } from '../kind.ts';
import { linkWord } from '../text.ts';
import { packetEndpoint } from './endpoint.ts';
import type { PacketState } from './io.ts';
import { type PacketSpec, packetIos } from './spec.ts';
import { packetFacts } from './text.ts';

type IoPart = Pick<PacketSpec, 'io'>;
const io: KindKey<IoPart> = {
  meaning: 'what a packet port uses; auto: AF_XDP where it copies nothing and does no harm',
  given: 'auto',
  ...row(
    choice(packetIos),
    (word): IoPart => ({ io: word }),
    (part) => part.io,
  ),
};
const keys = { queues: queuesKey, io };

export const packetKind: Kind<PacketSpec, PacketState> = {
  ...{ kind: 'packet', datapath: 'packet' },
  form: 'packet=NAME',
  text: 'the wire behind an interface of the host',
  keys,
  shape: z.strictObject({
    kind: z.literal('packet'),
    interface: z.string(),
    queues: z.number().default(1),
    io: z.string().optional(),
  }),
  attachment: { by: 'none', there: 'it leads to the wire of an interface' },
  placeIsAlone: true,
  read: (value, items) => ({
    queues: 1,
    ...readParts<Partial<PacketSpec>>(keys, items),
    ...{ kind: 'packet', interface: interfaceOf('packet', value) },
  }),
  placeOf: (device) => device.interface,
  endpoint: packetEndpoint,
  stateWord: linkWord,
  facts: packetFacts,
};
