/** What happened in a second, from two readings of the counters. */

import { difference, lost, type PortStats } from './stats.ts';

/** Of one port, per second. TX and RX as the guest sees them: TX is guest -> us. */
export interface PortRates {
  readonly txFrames: number;
  readonly txBits: number;
  readonly rxFrames: number;
  readonly rxBits: number;
  /** That somebody missed: lost() in stats.ts. */
  readonly dropped: number;
  readonly kicks: number;
  readonly calls: number;
}

/**
 * @param seconds  Between the readings, above 0.
 * @returns Null when `later` is not the same port's later reading: it was removed and added again.
 */
export function rates(later: PortStats, earlier: PortStats, seconds: number): PortRates | null {
  const change = difference(later, earlier);
  const values = [...Object.values(change.counters), ...Object.values(change.drops)];
  if (values.some((value) => value < 0) || !(seconds > 0)) return null;
  const { tx_frames, tx_bytes, rx_frames, rx_bytes, kicks, calls } = change.counters;
  return {
    txFrames: tx_frames / seconds,
    txBits: (tx_bytes * 8) / seconds,
    rxFrames: rx_frames / seconds,
    rxBits: (rx_bytes * 8) / seconds,
    dropped: lost(change) / seconds,
    kicks: kicks / seconds,
    calls: calls / seconds,
  };
}
