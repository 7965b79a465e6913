/**
 * What crosses between TypeScript and the datapath: commands, events, settings, counters, drops,
 * faults. All is plain data (numbers, strings, descriptors), so the datapath can be a process of
 * its own. From the tables come types.ts and the C++ in `native/src/boundary` (`npm run spec`).
 */

import type { DatapathEvent } from './types.ts';

export type * from './addon.ts';
export * from './check.ts';
export * from './codec.ts';
export * from './commands.ts';
export * from './counters.ts';
export * from './defaults.ts';
export * from './drops.ts';
export * from './errors.ts';
export * from './events.ts';
export * from './faults.ts';
export * from './fields.ts';
export * from './kinds.ts';
export * from './limits.ts';
export * from './settings.ts';
export type * from './types.ts';
export * from './version.ts';
export * from './wire.ts';

/** What a datapath says of a port or a worker: all but `ready`, which is for its carrier. */
export type PortEvent = Exclude<DatapathEvent, { readonly event: 'ready' }>;
/** News about the addresses behind a port. */
export type AddressEvent = Extract<
  DatapathEvent,
  { event: 'mac_moves' | 'mac_rests' | 'macs_evicted' | 'frames_refused' }
>;
/** What went wrong with a port. */
export type FaultEvent = Exclude<
  DatapathEvent,
  AddressEvent | { readonly event: 'worker_late' | 'ready' }
>;
