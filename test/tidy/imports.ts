/** What a TypeScript or JavaScript file imports, and which imports its room allows. */

import { dirname, join } from 'node:path/posix';
import ts from 'typescript';

/** Every module a text names: static, type-only, re-exported and dynamic imports. */
export function importsOf(path: string, text: string): readonly string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const name = moduleName(node);
    if (name !== undefined && ts.isStringLiteralLike(name)) found.push(name.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return found;
}

function moduleName(node: ts.Node): ts.Expression | undefined {
  if (ts.isImportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return node.argument.literal as ts.Expression;
  }
  const dynamic = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  return dynamic ? node.arguments[0] : undefined;
}

/** What the files of a room may import beside files of the room itself. */
interface Room {
  /** Paths from the root; one that ends in "/" is a folder. */
  readonly files: readonly string[];
  /** Modules of Node. */
  readonly node: boolean;
  /** Packages of package.json. */
  readonly packages: 'none' | 'dependencies' | 'all';
}

/** DESIGN's rooms. The first that a path begins with holds. */
export const rooms: Readonly<Record<string, Room>> = {
  'frontend-spec/': { files: [], node: false, packages: 'none' },
  // docs/decisions/0006: the boundary's generator writes C++ with the functions of the tables'.
  'native/boundary/generate/': {
    files: ['native/boundary/', 'frontend-spec/generate/cpp-text.ts'],
    node: false,
    packages: 'none',
  },
  'native/boundary/': { files: [], node: false, packages: 'none' },
  // docs/decisions/0001: what starts guests for the user.
  'backend/cli/': {
    files: ['backend/', 'frontend-spec/', 'native/boundary/index.ts', 'qemu/'],
    node: true,
    packages: 'dependencies',
  },
  'backend/bench/': {
    files: ['backend/', 'frontend-spec/', 'native/boundary/index.ts', 'qemu/'],
    node: true,
    packages: 'dependencies',
  },
  'backend/': {
    files: ['frontend-spec/', 'native/boundary/index.ts'],
    node: true,
    packages: 'dependencies',
  },
  'qemu/': { files: [], node: true, packages: 'dependencies' },
  // Runs before anything is installed; what was built it may load.
  'setup/': { files: ['dist/'], node: true, packages: 'none' },
  'bin/': { files: ['dist/'], node: true, packages: 'none' },
  'test/': {
    files: ['frontend-spec/', 'native/', 'backend/', 'qemu/', 'setup/'],
    node: true,
    packages: 'all',
  },
  'vitest.config.ts': { files: [], node: true, packages: 'all' },
};

export interface Packages {
  readonly dependencies: readonly string[];
  readonly all: readonly string[];
}

/** Why a file may not import a module, or null. */
export function importFault(path: string, module: string, packages: Packages): string | null {
  const place = Object.keys(rooms).find((name) => path.startsWith(name));
  const room = place === undefined ? undefined : rooms[place];
  if (place === undefined || room === undefined) return `${path} is in no room`;
  const refusal = `${path} may not import ${module}`;
  if (module.startsWith('.')) {
    const target = join(dirname(path), module);
    return [place, ...room.files].some((allowed) => target.startsWith(allowed)) ? null : refusal;
  }
  if (module.startsWith('node:')) return room.node ? null : refusal;
  if (room.packages === 'none') return refusal;
  const name = module.split('/', module.startsWith('@') ? 2 : 1).join('/');
  return packages[room.packages].includes(name) ? null : `${refusal}: not in package.json for it`;
}
