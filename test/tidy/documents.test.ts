import { describe, expect, it } from 'vitest';
import { dropReasons } from '../../native/boundary/index.ts';
import {
  brokenLinks,
  codeIn,
  functionFault,
  headingsOf,
  isFolder,
  rowsWith,
  rulesOf,
  tablesOf,
  testFault,
} from './documents.ts';
import { exists, files, textOf } from './repository.ts';

const architecture = textOf('docs/ARCHITECTURE.md');
const threats = rulesOf(textOf('docs/THREAT_MODEL.md'));
/** Characters of a rule: what is longer is two rules, or says too much. */
const longestRule = 400;
const documents = files.filter((path) => path.endsWith('.md'));

/** DESIGN, "How a packet goes": each step, in the room that it names. */
const stepRooms = {
  serve: 'io',
  receive: 'port',
  fetch: 'ring',
  translate: 'memory',
  walk: 'ring',
  stage: 'ring',
  resolve: 'lookup',
  forward: 'switch',
  list: 'switch',
  transmit: 'port',
  reserve: 'ring',
  copy: 'ring',
  write: 'memory',
  complete: 'ring',
  notify: 'port',
  release: 'port',
} as const;

describe('the readers of documents', () => {
  it('read tables by their columns', () => {
    const text = '| a | b |\n| - | :-: |\n| `x` | 1 \\| 2 |\n\n| c |\n| - |\n';
    expect(tablesOf(text)).toEqual([[{ a: '`x`', b: '1 \\| 2' }], []]);
    expect(codeIn('`x` and `y z`')).toEqual(['x', 'y z']);
  });

  it('read rules, a paragraph each', () => {
    const rule =
      '**7. A title.** A threat,\na defence.\nEnforced in `a`: `b`.\nTested by `c`:\n`d`.\n';
    expect(rulesOf(`# Rules\n\n${rule}\nOther text.\n`)).toEqual([
      { number: 7, text: 'A title. A threat, a defence.', places: ['a', 'b'], tests: ['c', 'd'] },
    ]);
    expect(rulesOf('**8. A title.** Nothing else.\n')).toEqual([
      { number: 8, text: 'A title. Nothing else.', places: [], tests: [] },
    ]);
  });

  it('know a function from a word', () => {
    const file = 'native/src/ring/split_tx.cpp';
    expect(functionFault(file, 'SplitTxRing::release')).toBeNull();
    expect(functionFault('native/src/memory/memory_map.hpp', 'MemoryMap::translate')).toBeNull();
    expect(functionFault(file, 'SplitTxRing::releases')).not.toBeNull();
    expect(functionFault(file, 'OtherRing::fetch')).not.toBeNull();
    expect(functionFault('native/src/ring/none.cpp', 'fetch')).not.toBeNull();
  });

  it('know a test by its name', () => {
    const file = 'test/tidy/documents.test.ts';
    expect(testFault(file, 'know a test by its name')).toBeNull();
    expect(testFault(file, ['no test', 'is called this'].join(' '))).not.toBeNull();
  });

  it('make anchors as GitHub does', () => {
    expect(headingsOf('# A b\n## What `x` is, and why?\n')).toEqual(['a-b', 'what-x-is-and-why']);
  });
});

describe('docs/ARCHITECTURE.md', () => {
  const steps = rowsWith(architecture, 'step', 'file', 'function');

  it.each(Object.entries(stepRooms))('has the step %s, in the room %s', (step, room) => {
    const row = steps.find((each) => each.step === step);
    expect(row?.file).toMatch(new RegExp(`^\`native/src/${room}/`));
  });

  it('names files and functions that are there', () => {
    const faults = steps.map(({ file = '', function: name = '' }) =>
      functionFault(codeIn(file)[0] ?? file, codeIn(name)[0] ?? name),
    );
    expect(faults.filter((fault) => fault !== null)).toEqual([]);
  });

  it('has every drop reason, with the words of native/boundary/index.ts', () => {
    const rows = rowsWith(architecture, 'reason', 'counted at', 'why').map((row) => [
      codeIn(row.reason ?? '')[0],
      row['counted at'],
      row.why,
    ]);
    const reasons = Object.entries(dropReasons).map(([name, { at, text }]) => [name, at, text]);
    expect(rows).toEqual(reasons);
  });
});

describe('docs/THREAT_MODEL.md', () => {
  it('numbers its rules without a hole', () => {
    expect(threats.map(({ number }) => number)).toEqual(threats.map((_, index) => index + 1));
    expect(threats.length).toBeGreaterThan(90);
  });

  it('says each rule in a few sentences', () => {
    expect(threats.filter(({ text }) => text.length > longestRule)).toEqual([]);
  });

  it('names a place for every rule, and every place is there', () => {
    const faults = threats.flatMap(({ number, places }) => {
      const pairs = pairsOf(places);
      if (pairs.length === 0) return [`rule ${number} is enforced nowhere`];
      return pairs.map(([file, name]) => functionFault(file, name));
    });
    expect(faults.filter((fault) => fault !== null)).toEqual([]);
  });

  it('names a test for every rule, and every test is there', () => {
    const faults = threats.flatMap(({ number, tests }) => {
      const pairs = pairsOf(tests);
      if (pairs.length === 0) return [`rule ${number} has no test`];
      return pairs.map(([file, name]) => testFault(file, name));
    });
    expect(faults.filter((fault) => fault !== null)).toEqual([]);
  });
});

/** `file` `name` `name` `file` `name` …: each name with the file before it. */
function pairsOf(words: readonly string[]): readonly (readonly [string, string])[] {
  let file = '';
  return words.flatMap((word) => {
    if (!/^[\w.-]+\/[\w./-]+\.\w+$/.test(word)) return [[file, word] as const];
    file = word;
    return [];
  });
}

describe('every document', () => {
  it('has links that lead somewhere', () => {
    expect(documents.flatMap(brokenLinks)).toEqual([]);
  });

  it('names files of this repository that are there', () => {
    const faults = documents.flatMap((path) =>
      codeIn(textOf(path).replace(/```[\s\S]*?```/g, ''))
        .filter((word) =>
          /^(backend|docs|native|qemu|setup|frontend-spec|test)\/[\w./-]*\w$/.test(word),
        )
        .filter((word) => !exists(word) && !isFolder(word))
        .map((word) => `${path}: ${word}`),
    );
    expect(faults).toEqual([]);
  });
});

describe('every file', () => {
  it('names only files that are there', () => {
    const room = '(?:backend|docs|frontend-spec|native|qemu|setup|test)';
    const named = new RegExp(`(?<![\\w./-])${room}/[\\w./-]+\\.(?:ts|mjs|cpp|hpp|c|md)\\b`, 'g');
    const faults = files
      .filter((path) => /\.(ts|mjs|cpp|hpp|txt|md)$/.test(path))
      // Tests name files that are not there on purpose.
      .filter((path) => !path.startsWith('test/'))
      .flatMap((path) =>
        [...textOf(path).matchAll(named)]
          .filter(([name]) => !exists(name))
          .map(([name]) => `${path}: ${name}`),
      );
    expect(faults).toEqual([]);
  });

  it('knows nothing of the machine it was written on', () => {
    // Put together here, so that this file passes.
    const traces = [
      ['', 'work', ''].join('/'),
      ['', 'tmp', 'bash'].join('/'),
      `${'regis'}${'try'}\\.[a-z]`,
    ];
    const trace = new RegExp(`(^|[^\\w.])(${traces.join('|')})`, 'm');
    const faults = files.filter((path) => trace.test(textOf(path)));
    expect(faults).toEqual([]);
  });
});
