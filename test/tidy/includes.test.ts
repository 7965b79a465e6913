import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { includeFault, includesOf, roomOrder } from './includes.ts';
import { exists, filesIn, root, textOf } from './repository.ts';

const sources = filesIn('native/src', '.hpp', '.cpp');

describe('includeFault', () => {
  it.each([
    ['native/src/ring/chain.hpp', 'switch/queue.hpp'],
    ['native/src/switch/vale.hpp', 'lookup/learning.hpp'],
    ['native/src/base/fd.hpp', 'io/engine.hpp'],
    ['native/src/io/engine.hpp', '<napi.h>'],
    ['native/src/port/host/host.hpp', 'io/worker.hpp'],
    ['native/src/driver/split_queue.hpp', 'ring/split_layout.hpp'],
    ['native/src/memory/memory_map.hpp', 'memory_map.hpp'],
    ['native/src/other/a.hpp', 'base/fd.hpp'],
  ])('%s may not include %s', (path, include) => {
    expect(includeFault(path, include)).not.toBeNull();
  });

  it.each([
    ['native/src/switch/vale.hpp', 'switch/lookup.hpp'],
    ['native/src/lookup/learning.hpp', 'switch/lookup.hpp'],
    ['native/src/addon/addon.cpp', '<napi.h>'],
    ['native/src/ring/chain.hpp', '<cstdint>'],
  ])('%s may include %s', (path, include) => {
    expect(includeFault(path, include)).toBeNull();
  });
});

describe('native/src', () => {
  it('has the rooms of the order and no other', () => {
    expect([...readdirSync(join(root, 'native/src'))].sort()).toEqual([...roomOrder].sort());
  });

  it('every file includes only what stands before its room', () => {
    expect(sources.length).toBeGreaterThan(50);
    const faults = sources.flatMap((path) =>
      includesOf(textOf(path)).map((include) => includeFault(path, include)),
    );

    expect(faults.filter((fault) => fault !== null)).toEqual([]);
  });

  it('every include is a path from native/src that exists', () => {
    const missing = sources.flatMap((path) =>
      includesOf(textOf(path))
        .filter((include) => !include.startsWith('<') && !exists(`native/src/${include}`))
        .map((include) => `${path}: ${include}`),
    );

    expect(missing).toEqual([]);
  });

  it('every header guards itself', () => {
    const headers = sources.filter((path) => path.endsWith('.hpp'));

    expect(headers.filter((path) => !/^#pragma once$/m.test(textOf(path)))).toEqual([]);
  });
});
