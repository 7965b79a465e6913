/** What is written of a dgram port, and what is shown of one. */

import { describe, expect, it } from 'vitest';
import { parsePort, portText } from '../../../../backend/config/port.ts';
import { checkedPort } from '../../../../backend/config/spec.ts';
import { dgramFacts, dgramWord } from '../../../../backend/ports/dgram/text.ts';
import type { Device, PortInput } from '../../../../backend/ports/spec.ts';
import type { PortStats } from '../../../../backend/stats/stats.ts';

describe('a dgram port in words', () => {
  it.each([
    ['dgram=d,peer=p,mode=0600', { kind: 'dgram', address: '/run/d', peer: '/run/p', mode: 0o600 }],
    [
      'dgram=udp:127.0.0.1:1,peer=udp:h.example:2',
      { kind: 'dgram', address: 'udp:127.0.0.1:1', peer: 'udp:h.example:2' },
    ],
  ])('is %s', (text, device) => {
    const spec = parsePort(`v:p,${text}`, '/run');
    expect(spec.device).toEqual(device);
    expect(parsePort(portText(spec))).toEqual(spec);
  });

  it.each([
    ['dgram=/d', 'dgram needs its other end: peer=PATH, or peer=udp:HOST:PORT'],
    ['dgram=/d,peer=udp:h:1', 'dgram and peer are both paths, or both udp:HOST:PORT'],
    ['dgram=udp:h:1,peer=udp:h:2,group=kvm', 'group is for a socket file, and an address has none'],
    ['dgram=/d,peer=', 'peer has no value: give a path or udp:HOST:PORT'],
  ])('is not %s', (text, sentence) => {
    expect(() => parsePort(`v:p,${text}`)).toThrow(sentence);
  });

  it('needs its other end, also from a program', () => {
    const device = { kind: 'dgram', address: '/tmp/a' } as Device;
    const input: PortInput = { name: { switch: 'v', port: 'p' }, device };
    expect(() => checkedPort(input)).toThrow(/peer is missing/);
  });

  it.each([
    [0, 0, 'nothing yet from it'],
    [7, 2, '7 frames from it; 2 found nobody there'],
  ])('says what is known of its other end: %i heard, %i refused', (heard, refused, text) => {
    const endpoint = { address: '/a', peerAddress: '/b', connected: true } as const;
    const stats = { counters: { tx_frames: heard }, drops: { rx_not_connected: refused } };
    const port = {
      endpoint: { ...endpoint, fault: null, notice: null },
      stats: stats as unknown as PortStats,
    };
    expect(dgramWord(port)).toBe('open');
    expect(dgramFacts(port)).toContainEqual({ name: 'heard', text });
    expect(dgramFacts(port)).toContainEqual({ name: 'peer', text: '/b' });
  });
});
