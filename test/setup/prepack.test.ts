/** What npm packs: all that package.json promises, or nothing. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

interface Script {
  promisedFiles(description: object): readonly string[];
  missingFiles(folder: string): readonly string[];
}

const script = new URL('../../setup/prepack.mjs', import.meta.url).href;
const { promisedFiles, missingFiles } = (await import(script)) as Script;
const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'valenic-prepack-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Locked {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly dev?: boolean;
  readonly engines?: { readonly node?: string };
}

describe('what package.json promises', () => {
  it('are its files, its program, its page and every leaf of its exports', () => {
    const promised = promisedFiles({
      files: ['dist'],
      bin: { x: './bin/x.mjs' },
      man: './x.1',
      exports: { '.': { types: './dist/i.d.ts', default: './dist/i.js' }, './p': './dist' },
    });
    expect(promised).toEqual(['dist', 'bin/x.mjs', 'x.1', 'dist/i.d.ts', 'dist/i.js']);
  });

  it('is missing from a clone that was not built, by name', () => {
    mkdirSync(join(folder, 'bin'), { recursive: true });
    const text = JSON.stringify({ files: ['bin', 'dist'], exports: { '.': './dist/i.js' } });
    writeFileSync(join(folder, 'package.json'), text);
    expect(missingFiles(folder)).toEqual(['dist', 'dist/i.js']);
  });
});

describe('package.json', () => {
  it('has npm look before it packs', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(scripts.prepack).toMatch(/node setup\/prepack\.mjs$/);
  });
});

describe('package-lock.json', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const packages = Object.entries(lock.packages as Record<string, Locked>);

  it('has a row for every package of other platforms, which `npm ci` asks for', () => {
    const wanted = packages.flatMap(([, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies),
    );
    const there = new Set(packages.map(([path]) => path.replace(/^.*node_modules\//, '')));
    expect(wanted.length).toBeGreaterThan(10);
    expect(wanted.filter((name) => !there.has(name))).toEqual([]);
  });

  it('has no package for users that asks for a Node newer than ours', () => {
    const newer = packages.filter(
      ([path, { dev, engines }]) =>
        path !== '' && dev !== true && /^>=\s*2[1-9]/.test(engines?.node ?? ''),
    );
    expect(newer.map(([path]) => path)).toEqual([]);
  });
});
