/** A stream port: frames with their lengths in a byte stream. */

import { z } from 'zod';
import { isInet, partsOf } from '../../socket/address.ts';
import type { Filled } from '../filled.ts';
import {
  fileKeys,
  readParts,
  refuseFileKeys,
  refuseInetFileKeys,
  roleKey,
  socketPlace,
} from '../keys.ts';
import type { Kind } from '../kind.ts';
import { linkFacts, linkWord } from '../text.ts';
import { StreamEndpoint } from './endpoint.ts';
import type { StreamSpec } from './spec.ts';

const keys = { role: roleKey, ...fileKeys };

export const streamKind: Kind<StreamSpec> = {
  ...{ kind: 'stream', datapath: 'stream' },
  form: 'stream=PATH',
  text: "a NIC of any model behind QEMU's -netdev stream; also stream=tcp:HOST:PORT",
  keys,
  shape: z.strictObject({
    kind: z.literal('stream'),
    address: z.string(),
    role: z.string().default('server'),
    mode: z.number().optional(),
    group: z.string().optional(),
  }),
  attachment: {
    by: 'frames',
    backend: ({ address, role }) => ({
      kind: 'stream',
      path: partsOf(address),
      listen: role === 'client',
    }),
  },
  read: (value, items, folder) => {
    const address = socketPlace('stream', 'tcp', value, folder);
    const part = readParts<Partial<StreamSpec>>(keys, items);
    const spec: Filled<StreamSpec> = { role: 'server', ...part, kind: 'stream', address };
    refuseFileKeys(spec, spec.role === 'client' ? 'peer' : null);
    if (isInet(address)) refuseInetFileKeys(spec);
    return spec;
  },
  placeOf: ({ address }) => address,
  endpoint: (spec, context) => new StreamEndpoint(spec, context),
  stateWord: linkWord,
  facts: linkFacts,
};
