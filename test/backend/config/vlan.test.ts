/** The VLANs of a port, as an operator writes them. */

import { describe, expect, it } from 'vitest';
import { parsePort, parseSettingWords, portText } from '../../../backend/config/index.ts';

/** The error of what is refused, as `code: sentence`. */
function refused(text: string): string {
  try {
    parsePort(text);
    return 'accepted';
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  }
}

describe('the VLANs of a port', () => {
  it.each([
    ['vlan=4094', { mode: 'access', vlan: 4094 }],
    ['vlan=off', { mode: 'none' }],
    ['tunnel=100', { mode: 'tunnel', vlan: 100 }],
    ['trunk=all', { mode: 'trunk', vlans: [[1, 4094]] }],
    ['trunk=10', { mode: 'trunk', vlans: [[10, 10]] }],
    [
      'native=5,trunk=30-40+10+20+35-50+51',
      {
        mode: 'trunk',
        vlans: [
          [10, 10],
          [20, 20],
          [30, 51],
        ],
        native: 5,
      },
    ],
    [
      'trunk=20,trunk=10,,7',
      {
        mode: 'trunk',
        vlans: [
          [7, 7],
          [10, 10],
          [20, 20],
        ],
      },
    ],
  ])('takes %s as its VLANs', (text, vlan) => {
    const spec = parsePort(`v:p,host,${text}`);
    expect(spec.settings).toEqual({ vlan });
    expect(parsePort(portText(spec))).toEqual(spec);
  });

  it.each([
    ['vlan=10,trunk=20', 'vlan and trunk exclude each other: a port is access, trunk or tunnel'],
    ['tunnel=9,vlan=9', 'tunnel and vlan exclude each other: a port is access, trunk or tunnel'],
    ['native=10', 'native is for trunk ports: give trunk=VLANS too, or vlan=N for an access port'],
    [
      'vlan=10,native=20',
      'native is for trunk ports: give trunk=VLANS too, or vlan=N for an access port',
    ],
    ['vlan=10,vlan=20', 'vlan is given twice'],
  ])('refuses %s with a sentence', (text, sentence) => {
    expect(refused(`v:p,host,${text}`)).toBe(`port_syntax: ${sentence}`);
  });

  it.each([
    ['vlan=0', 'give a VLAN, 1..4094, or off'],
    ['vlan=4095', 'give a VLAN, 1..4094, or off'],
    ['vlan=all', 'give a VLAN, 1..4094, or off'],
    ['tunnel=off', 'give a VLAN, 1..4094'],
    ['trunk=20,native=4095', 'give a VLAN, 1..4094'],
    ['trunk=0', 'give VLANs, 1..4094, like 10+20+30-40, or all'],
    ['trunk=1-4095', 'give VLANs, 1..4094, like 10+20+30-40, or all'],
    ['trunk=20-10', 'give VLANs, 1..4094, like 10+20+30-40, or all'],
    ['trunk=10+', 'give VLANs, 1..4094, like 10+20+30-40, or all'],
    ['trunk=', 'trunk has no value: give VLANs, 1..4094'],
  ])('refuses %s with what is allowed', (item, sentence) => {
    const answer = refused(`v:p,host,${item}`);
    expect(answer).toContain('value_invalid: ');
    expect(answer).toContain(sentence);
  });

  it('are said anew as a whole by port set', () => {
    expect(parseSettingWords(['trunk=10,20', 'native=5'])).toEqual({
      vlan: {
        mode: 'trunk',
        vlans: [
          [10, 10],
          [20, 20],
        ],
        native: 5,
      },
    });
    expect(parseSettingWords(['vlan=off'])).toEqual({ vlan: { mode: 'none' } });
  });
});
