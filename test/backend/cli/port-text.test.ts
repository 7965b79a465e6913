/** The state of a port in a word, which never says more than is known, and what is wrong below. */

import { describe, expect, it } from 'vitest';
import { portTable } from '../../../backend/cli/port.ts';
import { macsText, stateWord, troubleLines } from '../../../backend/cli/port-text.ts';
import { memoryNotSharedNotice, type VhostUserState } from '../../../backend/vhost-user/index.ts';
import { defaultSettings } from '../../../native/boundary/index.ts';

const ring = { ring: 0, started: true, enabled: true, size: 256, fault: null, notice: null };
const quiet: VhostUserState = {
  ...{
    role: 'server',
    address: '/run/vm1.sock',
    connected: true,
    features: [],
    protocolFeatures: [],
  },
  ...{ memoryRegions: 1, rings: [ring], fault: null, refused: null, noMemory: false },
  ...{ notice: null, mtu: null, messages: 20 },
};
const lost = {
  code: 'ring_address_unmapped',
  text: 'ring 0: a ring is outside the shared guest memory',
  remedy: 'give every memory backend of the guest share=on',
  at: 0,
};

function port(endpoint: Partial<VhostUserState>, traffic = false) {
  return {
    ...{ name: 'vale0:vm1', text: 'vale0:vm1', settings: defaultSettings },
    kind: 'vhost-user',
    ...{ workers: [0], notices: [], endpoint: { ...quiet, ...endpoint }, traffic },
  } as const;
}

describe('the state of a vhost-user port', () => {
  it.each([
    ['waiting', port({ connected: false, rings: [] })],
    ['connected', port({ rings: [{ ...ring, started: false }] })],
    ['started', port({})],
    ['running', port({}, true)],
    ['no memory', port({ noMemory: true, notice: memoryNotSharedNotice })],
    ['no memory', port({ noMemory: true, notice: memoryNotSharedNotice, rings: [] }, true)],
    ['fault', port({ rings: [{ ...ring, started: false, fault: 'chain_loops' }] }, true)],
    ['fault', port({ connected: false, rings: [], fault: lost })],
    ['down', { ...port({}, true), settings: { ...defaultSettings, up: false } }],
  ])('%s', (word, answer) => {
    expect(stateWord(answer)).toBe(word);
  });
});

describe('below the list of ports', () => {
  it('stands what is wrong and what to do', () => {
    const bad = port({ fault: lost, rings: [{ ...ring, started: false, fault: lost.code }] });
    const unshared = port({ noMemory: true, notice: memoryNotSharedNotice });
    expect(troubleLines(bad)).toEqual([`vale0:vm1: ${lost.text}; ${lost.remedy}`]);
    expect(
      portTable([bad, unshared, port({})])
        .split('\n')
        .slice(4),
    ).toEqual([
      '',
      `vale0:vm1: ${lost.text}; ${lost.remedy}`,
      `vale0:vm1: ${memoryNotSharedNotice}`,
      '',
    ]);
  });

  it('stands nothing when all is well', () => {
    expect(
      portTable([port({}, true)])
        .trim()
        .split('\n'),
    ).toHaveLength(2);
  });
});

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
