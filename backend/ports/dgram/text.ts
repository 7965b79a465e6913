/** A dgram port in words. */

import { count } from '../../text.ts';
import { type Fact, linkFacts, linkWord, type ShownPort } from '../text.ts';

/** Datagrams have no connection: whether anybody is there is not known. */
export function dgramWord(port: ShownPort): string {
  return port.endpoint?.connected === true ? 'open' : linkWord(port);
}

export function dgramFacts(port: ShownPort): readonly Fact[] {
  return [...linkFacts(port), ...heardFacts(port)];
}

/** All that can be known of its other end. */
function heardFacts({ stats }: ShownPort): readonly Fact[] {
  if (stats === undefined) return [];
  const { tx_frames: heard } = stats.counters;
  const { rx_not_connected: refused } = stats.drops;
  const nobody = refused === 0 ? '' : `; ${count(refused)} found nobody there`;
  const what = heard === 0 ? 'nothing yet' : `${count(heard)} frames`;
  return [{ name: 'heard', text: `${what} from it${nobody}` }];
}
