/** Notices about the addresses behind a port, with a clock of the test's own. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AddressNotices } from '../../backend/addresses.ts';
import { PeerLog } from '../../backend/log.ts';

const moves = {
  event: 'mac_moves' as const,
  mac: '02:00:00:00:00:07',
  ...{ vlan: 0, moves: 887, seconds: 1 },
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Ports 1 and 2, and what they say. */
function twoPorts() {
  const lines: string[] = [];
  const changes: number[] = [];
  const write = (_: object, message: string) => void lines.push(message);
  const log = { debug() {}, info: write, warn: write, error: write };
  const ports = new Map<number, AddressNotices>();
  for (const port of [1, 2]) {
    const context = {
      name: `vale0:vm${port}`,
      log: new PeerLog(log, {}),
      notices: (id: number) => ports.get(id),
      onChange: () => void changes.push(port),
    };
    ports.set(port, new AddressNotices(context));
  }
  const [one, two] = [ports.get(1), ports.get(2)];
  if (one === undefined || two === undefined) throw new Error('never');
  return { one, two, ports, lines, changes };
}

describe('an address that moves between two ports', () => {
  it('is a sentence at both, and one line in the log', () => {
    const { one, two, lines, changes } = twoPorts();
    two.handle({ ...moves, port: 2, other: 1 });
    one.handle({ ...moves, port: 1, other: 2 });

    const [sentence = ''] = one.list();
    expect(sentence).toBe(
      'the address 02:00:00:00:00:07 moved between vale0:vm1 and vale0:vm2 887 times within 2 s: ' +
        'there is a loop behind these ports, or two hosts have this address; break the loop, ' +
        'or give one of the hosts another address',
    );
    expect(two.list()).toEqual([sentence]);
    expect(lines).toEqual([sentence]);
    expect(changes).toEqual([2, 1]);
  });

  it('names its VLAN', () => {
    const { one } = twoPorts();
    one.handle({ ...moves, port: 1, other: 2, vlan: 10 });
    expect(one.list()[0]).toContain('02:00:00:00:00:07 in VLAN 10 moved between');
  });

  it('is told no more when it rests', () => {
    const { one, changes } = twoPorts();
    one.handle({ ...moves, port: 1, other: 2 });
    one.handle({ event: 'mac_rests', port: 1 });
    expect(one.list()).toEqual([]);
    expect(changes).toEqual([1, 1]);
  });

  it('is not told of a port that was removed meanwhile', () => {
    const { one, ports, lines } = twoPorts();
    ports.delete(2);
    one.handle({ ...moves, port: 1, other: 2 });
    expect(one.list()).toEqual([]);
    expect(lines).toEqual([]);
  });

  it('does not fill the log, whichever addresses move and however often', () => {
    const { one, lines } = twoPorts();
    for (let i = 0; i < 100; i++) {
      one.handle({ ...moves, port: 1, other: 2, mac: `02:00:00:00:01:${i}` });
      one.handle({ event: 'mac_rests', port: 1 });
    }
    expect(lines).toHaveLength(1);
  });
});

describe('addresses that were pushed out of a full table', () => {
  it('are counted in a sentence that goes a minute after the last of them', () => {
    const { one, lines, changes } = twoPorts();
    one.handle({ event: 'macs_evicted', port: 1, evicted: 1 });
    expect(one.list()[0]).toContain('full, and 1 address of this port was pushed out');
    vi.advanceTimersByTime(50_000);
    one.handle({ event: 'macs_evicted', port: 1, evicted: 36 });
    expect(one.list()[0]).toContain('full, and 37 addresses of this port were pushed out');
    vi.advanceTimersByTime(59_000);
    expect(one.list()).toHaveLength(1);
    vi.advanceTimersByTime(1000);
    expect(one.list()).toEqual([]);
    expect(lines).toHaveLength(2);
    expect(changes).toHaveLength(3);
  });

  it('stand beside an address that moves', () => {
    const { one } = twoPorts();
    one.handle({ event: 'macs_evicted', port: 1, evicted: 1 });
    one.handle({ ...moves, port: 1, other: 2 });
    expect(one.list()).toHaveLength(2);
  });

  it('leave no timer behind a port that closes', () => {
    const { one } = twoPorts();
    one.handle({ event: 'macs_evicted', port: 1, evicted: 1 });
    one.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});
