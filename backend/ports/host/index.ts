/** A host port: a source and sink of test frames in the process itself. Nobody is behind it. */

import { z } from 'zod';
import { syntax } from '../keys.ts';
import type { Kind } from '../kind.ts';
import type { HostSpec } from './spec.ts';

export const hostKind: Kind<HostSpec> = {
  ...{ kind: 'host', datapath: 'host' },
  form: 'host',
  text: 'a source and sink of test frames in the daemon itself',
  keys: {},
  shape: z.strictObject({ kind: z.literal('host') }),
  attachment: { by: 'none', there: 'it leads to the daemon itself' },
  frames: {
    start: (datapath, port, source) => datapath.command('host.start', { port, source }),
    stop: async (datapath, port) => (await datapath.command('host.stop', { port })).sent,
    report: (datapath, port, reset) => datapath.command('host.report', { port, reset }),
  },
  read: (value) => {
    if (value !== null) throw syntax('host takes no value');
    return { kind: 'host' };
  },
  placeOf: () => null,
  endpoint: () => null,
  stateWord: () => 'up',
  facts: () => [],
};
