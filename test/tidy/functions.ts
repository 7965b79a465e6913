/** How long functions are: TypeScript by its compiler, C++ by counting braces. */

import ts from 'typescript';

export interface FunctionSize {
  readonly name: string;
  /** The line it begins on, from 1. */
  readonly line: number;
  readonly lines: number;
}

/** Every function with a body, but for those that only group tests. */
export function typeScriptFunctions(path: string, text: string): readonly FunctionSize[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: FunctionSize[] = [];
  const lineOf = (at: number) => source.getLineAndCharacterOfPosition(at).line + 1;
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body && !groupsTests(node)) {
      const line = lineOf(node.getStart(source));
      const name = node.name?.getText(source) ?? nameOfParent(node, source);
      found.push({ name, line, lines: lineOf(node.end) - line + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The callback of `describe(…)` is a section of a page, not a function. */
function groupsTests(node: ts.Node): boolean {
  const call = node.parent;
  return ts.isCallExpression(call) && /^describe\b/.test(call.expression.getText());
}

function nameOfParent(node: ts.Node, source: ts.SourceFile): string {
  const { parent } = node;
  const named = ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent);
  return named ? parent.name.getText(source) : 'a nameless function';
}

/** A comment of a line, of more; a raw string, a string, a character; a preprocessor line. */
const cppTokens = [
  String.raw`//[^\n]*`,
  String.raw`/\*[\s\S]*?\*/`,
  String.raw`R"\([\s\S]*?\)"`,
  String.raw`"(?:\\.|[^"\\\n])*"`,
  String.raw`'(?:\\.|[^'\\\n])+'`,
  String.raw`^[ \t]*#(?:\\\n|[^\n])*`,
];

/** Comments, literals and preprocessor lines become spaces; line ends stay. */
export function blankCpp(text: string): string {
  const tokens = new RegExp(cppTokens.join('|'), 'gm');
  return text.replace(tokens, (token, at: number) => {
    // An apostrophe between digits separates them: 1'000'000.
    const separator = token.startsWith("'") && /[0-9a-fA-F]/.test(text[at - 1] ?? '');
    return separator ? token : token.replace(/[^\n]/g, ' ');
  });
}

/** What an opening brace opens, told by the text since the last statement. */
function opens(before: string): 'function' | 'scope' | 'other' {
  const head = before.trim();
  if (/^(TEST_SUITE|extern)\b/.test(head)) return 'scope';
  if (/(^|\s)(namespace|class|struct|union|enum)\b(?![^{]*\))/.test(head)) return 'scope';
  if (/=\s*$/.test(head) || head === '') return 'other';
  return head.includes(')') ? 'function' : 'other';
}

/**
 * Every function of a C++ text. Modest: it knows neither macros nor templates, but every function
 * of this repository's style begins on the line after `;`, `{`, `}` or an access label.
 */
export function cppFunctions(text: string): readonly FunctionSize[] {
  const code = blankCpp(text);
  const found: FunctionSize[] = [];
  const open: { kind: 'function' | 'scope' | 'other'; name: string; line: number }[] = [];
  let before = '';
  let line = 1;
  let begun = 1;
  for (const sign of code) {
    if (sign === '\n') line += 1;
    if (before.trim() === '') begun = line;
    if (sign === '{') {
      const inside = open.some(({ kind }) => kind === 'function');
      open.push({ kind: inside ? 'other' : opens(before), name: headName(before), line: begun });
      before = '';
    } else if (sign === '}') {
      const closed = open.pop();
      if (closed?.kind === 'function') {
        found.push({ name: closed.name, line: closed.line, lines: line - closed.line + 1 });
      }
      before = '';
    } else if (sign === ';') before = '';
    else before += sign;
  }
  return found;
}

function headName(before: string): string {
  return /([\w:~]+)\s*\(/.exec(before)?.[1] ?? 'a nameless function';
}
