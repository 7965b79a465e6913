import { describe, expect, it } from 'vitest';
import { parseBenchOptions } from '../../../backend/bench/options.ts';

const parse = (...words: string[]) => parseBenchOptions(words, () => {});

describe('valenic bench: its options', () => {
  it('measures one point unless told otherwise', () => {
    const options = parse('g2g');
    expect(options).toMatchObject({
      command: 'g2g',
      driver: 'synthetic',
      scenarios: ['g2g'],
      frames: [60],
      polling: ['busy'],
      more: [true],
      output: null,
    });
  });

  it('sweeps polling modes, more and frame sizes', () => {
    const options = parse('sweep', '--driver', 'guest');
    expect(options).toMatchObject({
      scenarios: ['g2g', 'g2h', 'h2g'],
      polling: ['busy', 'adaptive', 'event'],
      more: [true, false],
      output: 'valenic-sweep.html',
    });
  });

  it('has curves by batch and by frame size', () => {
    expect(parse('batch')).toMatchObject({ polling: ['busy'], output: 'valenic-batch.html' });
    expect(parse('batch')?.batch).toContain(256);
    expect(parse('batch', '--batch', '8,64')?.batch).toEqual([8, 64]);
    expect(parse('frames')).toMatchObject({ touch: true, batch: [64] });
    expect(parse('frames')?.frames.at(-1)).toBe(9000);
  });

  it('takes lists', () => {
    const options = parse(
      'g2h',
      '--polling',
      'busy,event',
      '--more',
      'off,on',
      '--frame',
      '60,9014',
    );
    expect(options).toMatchObject({
      polling: ['busy', 'event'],
      more: [false, true],
      frames: [60, 9014],
    });
  });

  it('prints its help and measures nothing', () => {
    let text = '';
    expect(parseBenchOptions(['--help'], (words) => (text += words))).toBeNull();
    expect(text).toContain('sweep');
  });

  it.each([
    ['an unknown scenario', ['g2x'], /unknown command 'g2x'/],
    ['an unknown mode', ['g2g', '--polling', 'lazy'], /choose from busy, adaptive, event/],
    ['a frame that is too short', ['g2g', '--frame', '59'], /from 60 to 9014/],
    ['an unknown driver', ['g2g', '--driver', 'real'], /Allowed choices are synthetic, guest/],
    ['a word for a number', ['g2g', '--seconds', 'ten'], /from 0.05 to 3600/],
    ['an unknown option', ['g2g', '--fast'], /unknown option '--fast'/],
  ])('refuses %s with one sentence', (_, words, sentence) => {
    expect(() => parse(...words)).toThrow(sentence);
    expect(() => parse(...words)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});
