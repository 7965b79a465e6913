import { describe, expect, it } from 'vitest';
// @ts-expect-error: plain JavaScript, without types.
import { counted, optionsOf } from '../../setup/hostile.mjs';

const attack = (title: string, status: string) => ({ title, status });

describe('the options of npm run hostile', () => {
  it('are a name, seconds, the sanitizers and the form', () => {
    const words = ['--only', 'macs', '--seconds', '0.5', '--asan', '--short'];
    expect(optionsOf(words)).toEqual({
      ...{ only: 'macs', seconds: 0.5, sanitized: true, whole: false },
    });
    expect(optionsOf([])).toMatchObject({ only: undefined, seconds: 3, whole: true });
  });

  it.each([['--seconds', '0'], ['--seconds', 'long'], ['--seconds', '601'], ['--every'], ['macs']])(
    'are refused with the usage: %s %s',
    (...words) => {
      expect(() => optionsOf(words.filter((word) => word !== undefined))).toThrow(/Usage: npm run/);
    },
  );
});

describe('what the step counts', () => {
  const found = {
    testResults: [
      {
        status: 'failed',
        assertionResults: [attack('a', 'passed'), attack('b', 'failed'), attack('c', 'skipped')],
      },
    ],
  };

  it('is each attack, and names those that were not run', () => {
    expect(counted(found, undefined)).toEqual({
      ...{ passed: 1, failed: 1, failures: ['b'], skipped: ['hostile: c'] },
    });
  });

  it('is a failure where only the end of a daemon failed', () => {
    const ended = { status: 'failed', message: '', assertionResults: [attack('a', 'passed')] };
    expect(counted({ testResults: [ended] }, undefined)).toMatchObject({ passed: 1, failed: 1 });
  });

  it('does not name what nobody asked for', () => {
    expect(counted(found, 'a').skipped).toEqual([]);
  });
});
