/** A vhost-user port: a guest's NIC over shared memory. Its protocol is backend/vhost-user. */

import { z } from 'zod';
import { socketPath } from '../../socket/path.ts';
import { KeptGuest, VhostUserEndpoint } from '../../vhost-user/index.ts';
import type { Filled } from '../filled.ts';
import {
  fileKeys,
  offloadsKey,
  queuesKey,
  readParts,
  refuseFileKeys,
  roleKey,
  syntax,
} from '../keys.ts';
import type { Kind } from '../kind.ts';
import type { VhostUserSpec } from './spec.ts';
import { type GuestState, guestFacts, guestWord, ringTable } from './text.ts';

const keys = {
  ...{ role: roleKey, queues: queuesKey },
  ...fileKeys,
  offloads: offloadsKey,
};

export const vhostUserKind: Kind<VhostUserSpec, GuestState> = {
  ...{ kind: 'vhost-user', datapath: 'vhost' },
  form: 'vhost-user=PATH',
  text: "a guest's NIC, over shared memory",
  keys,
  shape: z.strictObject({
    kind: z.literal('vhost-user'),
    path: z.string(),
    role: z.string().default('server'),
    queues: z.number().default(1),
    mode: z.number().optional(),
    group: z.string().optional(),
    offloads: z.boolean().optional(),
  }),
  attachment: { by: 'memory' },
  read: (value, items, folder) => {
    if (value === null || value === '') throw syntax('vhost-user needs a path: vhost-user=PATH');
    const spec: Filled<VhostUserSpec> = {
      ...{ role: 'server', queues: 1 },
      ...readParts<Partial<VhostUserSpec>>(keys, items),
      ...{ kind: 'vhost-user', path: socketPath(value, folder) },
    };
    refuseFileKeys(spec, spec.role === 'client' ? 'VMM' : null);
    return spec;
  },
  placeOf: ({ path }) => path,
  recall: ({ path }, files, log) => KeptGuest.load(files, path, log),
  endpoint: ({ kind: _, ...socket }, { mtu, log, kept, ...context }) =>
    new VhostUserEndpoint({
      ...{ ...socket, ...context, mtu: mtu(), log: log.logger },
      ...(kept === undefined ? {} : { kept }),
    }),
  stateWord: guestWord,
  facts: guestFacts,
  table: ringTable,
};
