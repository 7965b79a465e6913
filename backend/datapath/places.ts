/** Where a datapath runs. */

import type { NativeAddon } from '../../native/boundary/index.ts';
import { addonCarrier, type CarrierPlace } from './carried.ts';
import { maxPorts } from './datapath.ts';
import { processCarrier } from './process.ts';

/** `inline`: in this process. `process`: in a process of its own, without Node. */
export const datapathPlaces = ['inline', 'process'] as const;
export type DatapathPlace = (typeof datapathPlaces)[number];

/**
 * @param onLost  A datapath process ended that was not told to, or is not understood: one sentence.
 * @throws {ValenicError} `datapath_lost`: it did not start.
 */
export async function openPlace(
  addon: NativeAddon,
  place: DatapathPlace,
  onLost: (sentence: string) => void,
): Promise<CarrierPlace> {
  if (place === 'inline') return addonCarrier(addon, maxPorts);
  return processCarrier(addon, { maxPorts, onLost });
}
