import { describe, expect, it } from 'vitest';
import {
  commentLines,
  snakeCase,
  stringTable,
  structText,
  withComments,
} from '../../frontend-spec/generate/cpp-text.ts';

describe('withComments', () => {
  it('aligns comments behind the lines', () => {
    expect(
      withComments([
        ['int a;', 'one'],
        ['long bc;', 'two'],
      ]),
    ).toEqual(['int a;    // one', 'long bc;  // two']);
  });

  it('puts all of them above their lines when one does not fit behind', () => {
    const lines = withComments([
      ['    int a;', 'one'],
      ['    int b;', 'x '.repeat(60).trim()],
    ]);

    expect(lines.slice(0, 2)).toEqual(['    // one', '    int a;']);
    expect(lines.every((line) => line.length <= 100)).toBe(true);
    expect(lines.at(-1)).toBe('    int b;');
  });
});

describe('commentLines', () => {
  it('breaks at words, loses none, and keeps to 100 columns', () => {
    const text = Array.from({ length: 60 }, (_, i) => `word${i}`).join(' ');

    const lines = commentLines(text, '  ', '///');

    expect(lines.map((line) => line.slice('  /// '.length)).join(' ')).toBe(text);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});

describe('stringTable', () => {
  it('breaks a long text into pieces that C++ joins again', () => {
    const text = `${'a "quoted" word, '.repeat(12)}end`;

    const lines = stringTable('Fault', 'text_of', 'Words.', ['short', text]);

    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    const literals = lines.filter((line) => line.startsWith('    "'));
    expect(literals[0]).toBe('    "short",');
    const pieces = literals.slice(1).map((line) => JSON.parse(line.replace(/,$/, '')) as string);
    expect(pieces.join('')).toBe(text);
    expect(literals.filter((line) => line.endsWith('",'))).toHaveLength(2);
  });
});

describe('structText', () => {
  it('says that a structure is packed, and asserts its size and every offset', () => {
    const text = structText({
      cpp: 'Example',
      bytes: 3,
      packed: true,
      spec: 'nowhere',
      text: '',
      fields: [
        ['kind', 'u8', 0, ''],
        ['bytes', 'u8[2]', 1, ''],
      ],
    });

    expect(text).toEqual([
      '/// @spec nowhere',
      'struct __attribute__((packed)) Example {',
      '    uint8_t kind;',
      '    uint8_t bytes[2];',
      '};',
      'static_assert(sizeof(Example) == 3);',
      'static_assert(offsetof(Example, kind) == 0);',
      'static_assert(offsetof(Example, bytes) == 1);',
    ]);
  });
});

describe('snakeCase', () => {
  it.each([
    ['DropReason', 'drop_reason'],
    ['numRegions', 'num_regions'],
    ['uuid', 'uuid'],
  ])('%s is %s', (from, to) => {
    expect(snakeCase(from)).toBe(to);
  });
});
