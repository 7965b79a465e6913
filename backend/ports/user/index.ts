/** A user port: networks elsewhere, by NAT without privileges. */

import { z } from 'zod';
import { row } from '../../values/row.ts';
import { onOff } from '../../values/values.ts';
import { type Item, type KindKey, onOffText, readParts, syntax } from '../keys.ts';
import type { Kind } from '../kind.ts';
import { linkFacts, linkWord } from '../text.ts';
import { UserEndpoint } from './endpoint.ts';
import type { Forward, UserSpec } from './spec.ts';
import { forward, forwardText, network } from './values.ts';

type UserPart = Partial<Omit<UserSpec, 'kind'>>;
const keys: Readonly<Record<'network' | 'forward' | 'host-loopback', KindKey<UserPart>>> = {
  network: {
    meaning: "the guests' network: its gateway is .2, its name server .3, the first guest .15",
    given: '10.0.2.0/24',
    ...row(
      network,
      (text): UserPart => ({ network: text }),
      (part) => part.network,
    ),
  },
  forward: {
    meaning:
      'a port of the host (127.0.0.1 unless named) that leads to the first guest; repeatable',
    ...row(
      forward,
      (one): UserPart => ({ forwards: [one] }),
      ({ forwards }) => forwards?.map(forwardText),
    ),
    repeats: true,
  },
  'host-loopback': {
    meaning: "whether the gateway's address leads to the host's own loopback",
    given: 'off',
    ...row(
      onOff,
      (hostLoopback): UserPart => ({ hostLoopback }),
      ({ hostLoopback }) => onOffText(hostLoopback),
    ),
  },
};

const shape = z.strictObject({
  kind: z.literal('user'),
  network: z.string().optional(),
  forwards: z
    .array(
      z.strictObject({
        protocol: z.string(),
        hostAddress: z.string().default('127.0.0.1'),
        hostPort: z.number(),
        guestAddress: z.string().optional(),
        guestPort: z.number(),
      }),
    )
    .optional(),
  hostLoopback: z.boolean().optional(),
});

export const userKind: Kind<UserSpec> = {
  ...{ kind: 'user', datapath: 'stream' }, // To that, the NAT is a peer like any other.
  form: 'user',
  text: 'outside networks, through NAT without privileges, with DHCP and DNS',
  ...{ keys, shape },
  attachment: {
    by: 'none',
    there: 'it leads to other networks, which guests reach through the switch',
  },
  read: readUser,
  placeOf: () => null,
  endpoint: (spec, context) => new UserEndpoint(spec, context),
  stateWord: linkWord,
  facts: linkFacts,
};

function readUser(value: string | null, items: readonly Item[]): UserSpec {
  if (value !== null) throw syntax('user takes no value: its keys are network, forward, …');
  const single = readParts(
    keys,
    items.filter(({ key }) => key !== 'forward'),
  );
  const forwards = items
    .filter(({ key }) => key === 'forward')
    .flatMap((item) => readParts(keys, [item]).forwards ?? []);
  const place = ({ protocol, hostAddress, hostPort }: Forward) =>
    `${protocol}:${hostAddress}:${hostPort}`;
  const places = forwards.map(place);
  const twice = places.find((one, index) => places.indexOf(one) !== index);
  if (twice !== undefined)
    throw syntax(`${twice} is forwarded twice: a port can lead to only one place`);
  return { ...single, ...(forwards.length > 0 && { forwards }), kind: 'user' };
}
