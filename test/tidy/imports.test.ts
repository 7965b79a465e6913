import { describe, expect, it } from 'vitest';
import { importFault, importsOf, type Packages } from './imports.ts';
import { files, textOf } from './repository.ts';

const manifest = JSON.parse(textOf('package.json')) as {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};
const dependencies = Object.keys(manifest.dependencies);
const packages: Packages = {
  dependencies,
  all: [...dependencies, ...Object.keys(manifest.devDependencies)],
};
const scripts = files.filter((path) => /\.(ts|mjs|js)$/.test(path));

describe('importsOf', () => {
  it('finds every way to name a module, and nothing in comments or strings', () => {
    const text = `
      import a from 'one'; import type { B } from 'two'; export * from 'three';
      export type { C } from 'four'; const d = await import('five'); type E = import('six').E;
      // import x from 'comment';
      const s = "import y from 'string'";`;

    expect(importsOf('a.ts', text)).toEqual(['one', 'two', 'three', 'four', 'five', 'six']);
  });
});

describe('importFault', () => {
  it.each([
    ['frontend-spec/table.ts', 'node:fs'],
    ['frontend-spec/table.ts', '../native/boundary/index.ts'],
    ['native/boundary/index.ts', '../../frontend-spec/index.ts'],
    ['native/boundary/generate/all.ts', '../../../frontend-spec/index.ts'],
    ['backend/port.ts', '../qemu/index.ts'],
    ['backend/vhost-user/x.ts', '../../native/boundary/generate/all.ts'],
    ['backend/port.ts', 'vitest'],
    ['backend/port.ts', '../test/spec/run.ts'],
    ['qemu/run.ts', '../backend/index.ts'],
    ['qemu/run.ts', '../native/boundary/index.ts'],
    ['setup/build.mjs', 'yaml'],
    ['stray.ts', 'node:fs'],
  ])('%s may not import %s', (path, module) => {
    expect(importFault(path, module, packages)).not.toBeNull();
  });

  it.each([
    ['backend/bench/rig.ts', '../../qemu/index.ts'],
    ['backend/cli/main.ts', '../../qemu/index.ts'],
    ['backend/port.ts', '../native/boundary/index.ts'],
    ['native/boundary/generate/all.ts', '../../../frontend-spec/generate/cpp-text.ts'],
    ['test/spec/fresh.test.ts', '../../native/boundary/generate/all.ts'],
  ])('%s may import %s', (path, module) => {
    expect(importFault(path, module, packages)).toBeNull();
  });
});

describe('the rooms', () => {
  it('every file imports only what its room may', () => {
    expect(scripts.length).toBeGreaterThan(50);
    const faults = scripts.flatMap((path) =>
      importsOf(path, textOf(path)).map((module) => importFault(path, module, packages)),
    );

    expect(faults.filter((fault) => fault !== null)).toEqual([]);
  });
});
