/** A port as `port show` prints it. */

import { describe, expect, it } from 'vitest';
import { macsText } from '../../../backend/cli/port-text.ts';

const macs = (count: number) =>
  Array.from({ length: count }, (_, i) => {
    const bytes = [0x52, 0x54, 0, 0, i >> 8, i & 255];
    return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  });

describe('the addresses behind a port', () => {
  it('are listed when they are few', () => {
    expect(macsText([])).toBe('none learned');
    expect(macsText(macs(1))).toBe('52:54:00:00:00:00');
    expect(macsText(macs(4)).split(' ')).toEqual(macs(4));
  });

  it('are a number and the first ones when they are many', () => {
    expect(macsText(macs(5))).toBe(
      `5 learned: ${macs(4).join(' ')} and 1 more (--json lists them all)`,
    );
    expect(macsText(macs(5434))).toMatch(
      /^5,434 learned: .* and 5,430 more \(--json lists them all\)$/,
    );
    expect(macsText(macs(65_536)).length).toBeLessThan(160);
  });
});
