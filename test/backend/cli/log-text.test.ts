import { describe, expect, it } from 'vitest';
import { logText } from '../../../backend/cli/log-text.ts';

const time = new Date(2026, 10, 24, 9, 5, 7).getTime();

describe('the log on a terminal', () => {
  it('is the time, the port and the sentence', () => {
    const line = { level: 30, time, port: 'vale0:a', pid: 12, msg: 'a front-end connected' };
    expect(logText(JSON.stringify(line))).toBe('09:05:07 vale0:a: a front-end connected\n');
  });

  it('says so where something is wrong', () => {
    const line = { level: 40, time, msg: 'guest memory is not shared' };
    expect(logText(JSON.stringify(line))).toBe('09:05:07 warning: guest memory is not shared\n');
  });
});
