import { describe, expect, it } from 'vitest';
import { blankCpp, cppFunctions, typeScriptFunctions } from './functions.ts';
import { files, isGenerated, textOf } from './repository.ts';

const limits = { columns: 100, functionLines: 60, fileLines: 400 } as const;

const code = files.filter((path) => /\.(ts|mjs|cpp|hpp|c|s|sh|cmake)$|CMakeLists/.test(path));
const typeScript = code.filter((path) => /\.(ts|mjs)$/.test(path));
const cpp = code.filter((path) => /\.(cpp|hpp)$/.test(path));

/** Tables are as long as what they describe: STYLE, rule 6. */
function isTable(path: string): boolean {
  if (path === 'native/boundary/commands.ts') return true;
  return path.startsWith('frontend-spec/') && !path.startsWith('frontend-spec/generate/');
}

describe('typeScriptFunctions', () => {
  it('measures functions, methods and arrows, and leaves groups of tests out', () => {
    const text = `describe('a', () => {
      it('b', () => {
        c();
      });
    });
    class D { e(): void {
      } }
    const f = (): number =>
      1;`;
    const sizes = typeScriptFunctions('a.ts', text).map(({ name, lines }) => [name, lines]);

    expect(sizes).toEqual([
      ['a nameless function', 3],
      ['e', 2],
      ['f', 2],
    ]);
  });
});

describe('cppFunctions', () => {
  it('measures functions and methods, not types, initializers or lambdas inside', () => {
    const text = `namespace n {
    struct S { int a = 1; void m() const {
      } };
    int table[] = {1, 2};
    // { a comment
    Result<int> A::f(int x)
        : a_(x) {
      auto g = [&] {
        return '{';
      };
      const char* s = "}"; int n = 1'000'000;
    }
    }`;
    const sizes = cppFunctions(text).map(({ name, line, lines }) => [name, line, lines]);

    expect(sizes).toEqual([
      ['m', 2, 2],
      ['A::f', 6, 7],
    ]);
  });

  it('keeps the line numbers when it blanks', () => {
    const text = '/* a\nb */ #x\n#define Y {\\\n{\nint z; // {\n';
    expect(blankCpp(text).split('\n').length).toBe(text.split('\n').length);
    expect(blankCpp(text)).not.toContain('{');
  });
});

describe('the limits of STYLE', () => {
  it(`lines are at most ${limits.columns} columns`, () => {
    const long = code.flatMap((path) =>
      textOf(path)
        .split('\n')
        .flatMap((line, index) =>
          [...line].length > limits.columns && !line.includes('https://')
            ? [`${path}:${index + 1}`]
            : [],
        ),
    );
    expect(long).toEqual([]);
  });

  it(`functions are at most ${limits.functionLines} lines`, () => {
    const of = (path: string) =>
      cpp.includes(path) ? cppFunctions(textOf(path)) : typeScriptFunctions(path, textOf(path));
    const checked = [...typeScript, ...cpp].filter((path) => !isGenerated(path));
    const long = checked.flatMap((path) =>
      of(path)
        .filter(({ lines }) => lines > limits.functionLines)
        .map(({ name, line, lines }) => `${path}:${line} ${name}: ${lines} lines`),
    );
    expect(long).toEqual([]);
  });

  it(`files are at most ${limits.fileLines} lines, but for tables and what is generated`, () => {
    const long = code
      .filter((path) => !isGenerated(path) && !isTable(path))
      .map((path) => ({ path, lines: textOf(path).split('\n').length - 1 }))
      .filter(({ lines }) => lines > limits.fileLines)
      .map(({ path, lines }) => `${path}: ${lines} lines`);
    expect(long).toEqual([]);
  });
});
