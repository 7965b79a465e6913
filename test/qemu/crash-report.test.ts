import { describe, expect, it } from 'vitest';
import { cleanConsole, endReport, endSentence } from '../../qemu/crash-report.ts';

const end = { name: 'vm1', expected: false, code: 0, signal: null, shutdownReason: null } as const;

describe('endSentence', () => {
  it.each([
    [{ signal: 'SIGSEGV', code: null } as const, 'QEMU was ended by SIGSEGV'],
    [{ code: 1 }, 'QEMU exited with status 1'],
    [{ shutdownReason: 'guest-reset' }, 'the guest reset itself (a kernel panic does that)'],
    [{ shutdownReason: 'guest-shutdown' }, 'the guest powered off'],
    [{ shutdownReason: 'host-signal' }, 'QEMU says host-signal'],
    [{}, 'QEMU exited with status 0'],
  ])('%o', (facts, cause) => {
    expect(endSentence({ ...end, ...facts })).toBe(`guest vm1 ended unexpectedly: ${cause}`);
  });

  it('says when it was asked for', () => {
    expect(endSentence({ ...end, expected: true })).toMatch(/^guest vm1 ended as asked: /);
  });
});

describe('endReport', () => {
  it('quotes the last forty lines, without what moves the cursor', () => {
    const lines = Array.from({ length: 50 }, (_, n) => `line ${n}`);
    const serial = `\x1bc\x1b[?7l\x1b[2J${lines.join('\r\n')}`;
    const report = endReport('It ended.', 'qemu: no\n', serial).split('\n');
    expect(report.slice(0, 4)).toEqual([
      'It ended.',
      'QEMU said:',
      '  qemu: no',
      'the guest’s console said last:',
    ]);
    expect(report[4]).toBe('  line 10');
    expect(report.at(-1)).toBe('  line 49');
  });

  it('leaves out what said nothing', () => {
    expect(endReport('It ended.', '', '')).toBe('It ended.');
    expect(cleanConsole('\r\n\r\n')).toBe('');
  });
});
