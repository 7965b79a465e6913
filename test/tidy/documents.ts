/** Reads documents: tables, links, what they say of files and functions. */

import { dirname, join } from 'node:path/posix';
import { exists, files, textOf } from './repository.ts';

export type Row = Readonly<Record<string, string>>;

/** Every table of a Markdown text, as rows by the names of their columns. */
export function tablesOf(text: string): readonly (readonly Row[])[] {
  const tables: Row[][] = [];
  let columns: readonly string[] = [];
  for (const line of text.split('\n')) {
    if (!line.startsWith('|')) {
      columns = [];
      continue;
    }
    const cells = line
      .slice(1, line.lastIndexOf('|'))
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim());
    if (columns.length === 0) {
      columns = cells;
      tables.push([]);
    } else if (!cells.every((cell) => /^:?-+:?$/.test(cell))) {
      tables.at(-1)?.push(Object.fromEntries(columns.map((name, at) => [name, cells[at] ?? ''])));
    }
  }
  return tables;
}

/** The rows of all tables that have these columns. */
export function rowsWith(text: string, ...columns: string[]): readonly Row[] {
  return tablesOf(text)
    .filter((rows) => rows.some((row) => columns.every((name) => name in row)))
    .flat();
}

/** A rule of the threat model, with the code spans of its last two lines. */
export interface Rule {
  readonly number: number;
  readonly text: string;
  readonly places: readonly string[];
  readonly tests: readonly string[];
}

/** Every paragraph of a Markdown text that begins as `**7. A title.**`. */
export function rulesOf(text: string): readonly Rule[] {
  return text.split(/\n{2,}/).flatMap((paragraph) => {
    const [rest = '', tests = ''] = paragraph.split(/^Tested by /m);
    const [said = '', places = ''] = rest.split(/^Enforced in /m);
    const match = /^\*\*(\d+)\. (.*?)\*\*([\s\S]*)$/.exec(said.trim());
    if (match === null) return [];
    const [, number, title = '', sentences = ''] = match;
    return [
      {
        number: Number(number),
        text: `${title}${sentences}`.replace(/\s+/g, ' '),
        places: codeIn(places),
        tests: codeIn(tests),
      },
    ];
  });
}

/** What stands between backticks. */
export function codeIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text ?? '');
}

/** Why a file does not define this function, or null. */
export function functionFault(file: string, name: string): string | null {
  if (!exists(file)) return `${file} is not there`;
  const text = textOf(file);
  const parts = name.split('::');
  const last = parts.at(-1) ?? name;
  const called = (word: string) =>
    new RegExp(`(^|[^\\w:])${escaped(word)}\\s*[(<]`, 'm').test(text);
  if (parts.length > 1 && file.endsWith('.cpp') && called(name)) return null;
  const inside = parts.slice(0, -1).every((part) => new RegExp(`class ${part}\\b`).test(text));
  if (inside && called(last)) return null;
  return `${file} has no function ${name}`;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\#]/g, '\\$&');
}

/** Why a file has no test of this name, or null. */
export function testFault(file: string, name: string): string | null {
  if (!exists(file)) return `${file} is not there`;
  // A name may be broken over two literals in C++, and quotes are escaped there.
  const text = textOf(file)
    .replace(/"\s*\n\s*"/g, '')
    .replace(/\\(['"])/g, '$1');
  return text.includes(name) ? null : `${file} has no test "${name}"`;
}

/** Where links in a document lead that is not there. */
export function brokenLinks(path: string): readonly string[] {
  const text = textOf(path).replace(/```[\s\S]*?```/g, '');
  return [...text.matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target ?? '')
    .filter((target) => !/^[a-z]+:/.test(target) && !resolves(path, target))
    .map((target) => `${path}: ${target}`);
}

function resolves(path: string, target: string): boolean {
  const [file = '', heading] = target.split('#', 2);
  const found = file === '' ? path : join(dirname(path), file);
  if (heading === undefined) return exists(found) || isFolder(found);
  return exists(found) && headingsOf(textOf(found)).includes(heading);
}

/** Whether there are files below this path. */
export function isFolder(path: string): boolean {
  const inside = path.endsWith('/') ? path : `${path}/`;
  return files.some((file) => file.startsWith(inside));
}

/** The anchors of a Markdown text, as GitHub makes them. */
export function headingsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}
