import { describe, expect, it } from 'vitest';

type Judge = (
  now: number | null | undefined,
  then: number | undefined,
  percent: number,
) => { verdict: string; failed?: boolean };

/** A plain script, which has no types. */
const script = new URL('../../setup/guard.mjs', import.meta.url).href;
const { judge } = (await import(script)) as { judge: Judge };

describe('the verdict on a count of instructions', () => {
  it('passes what moved within the tolerance', () => {
    expect(judge(101, 100, 2)).toEqual({ verdict: '+1.0 %' });
    expect(judge(99, 100, 2)).toEqual({ verdict: '-1.0 %' });
  });

  it('fails what became worse', () => {
    expect(judge(103, 100, 2)).toMatchObject({ failed: true });
  });

  it('passes what became better, and asks for the new figure', () => {
    const { verdict, failed } = judge(90, 100, 2);
    expect(failed).toBeUndefined();
    expect(verdict).toContain('--update');
  });

  it('fails a scenario that did not run or has no figure', () => {
    expect(judge(undefined, 100, 2)).toMatchObject({ failed: true });
    expect(judge(100, undefined, 2)).toMatchObject({ failed: true });
  });

  it('neither passes nor fails what this CPU lacks', () => {
    expect(judge(null, 100, 2)).toEqual({ verdict: 'not run: this CPU lacks it' });
  });
});
