/** A tap port: the host's own stack, by an interface. */

import { z } from 'zod';
import { row } from '../../values/row.ts';
import { onOff } from '../../values/values.ts';
import {
  interfaceOf,
  type KindKey,
  offloadsKey,
  onOffText,
  queuesKey,
  readParts,
} from '../keys.ts';
import type { Kind } from '../kind.ts';
import { linkFacts, linkWord } from '../text.ts';
import { tapEndpoint } from './endpoint.ts';
import type { TapSpec } from './spec.ts';

type PersistPart = Pick<TapSpec, 'persist'>;
const persist: KindKey<PersistPart> = {
  meaning: 'whether an interface that we made stays when the port is removed',
  given: 'off',
  ...row(
    onOff,
    (on): PersistPart => ({ persist: on }),
    (part) => onOffText(part.persist),
  ),
};
const keys = { queues: queuesKey, persist, offloads: offloadsKey };

export const tapKind: Kind<TapSpec> = {
  ...{ kind: 'tap', datapath: 'tap' },
  form: 'tap=NAME',
  text: "the host's own network stack, through an interface of this name",
  keys,
  shape: z.strictObject({
    kind: z.literal('tap'),
    interface: z.string(),
    queues: z.number().default(1),
    persist: z.boolean().optional(),
    offloads: z.boolean().optional(),
  }),
  attachment: { by: 'none', there: "it leads to the host's own network stack" },
  read: (value, items) => ({
    queues: 1,
    ...readParts<Partial<TapSpec>>(keys, items),
    ...{ kind: 'tap', interface: interfaceOf('tap', value) },
  }),
  placeOf: (device) => device.interface,
  endpoint: tapEndpoint,
  stateWord: linkWord,
  facts: linkFacts,
};
