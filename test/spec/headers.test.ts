import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, run } from './run.ts';

const compiler = process.env.CXX ?? 'c++';
const source = join(root, 'native/src');
const headers = ['spec', 'boundary'].flatMap((folder) =>
  readdirSync(join(source, folder))
    .filter((name) => name.endsWith('.hpp'))
    .map((name) => `${folder}/${name}`),
);
const options = ['-std=c++20', '-Wall', '-Wextra', '-Wpedantic', '-Werror', '-fno-exceptions'];

function compile(text: string) {
  return run(compiler, [...options, '-fsyntax-only', `-I${source}`, '-x', 'c++', '-'], text);
}

describe('native/src/spec and native/src/boundary', () => {
  it.each(headers)('%s compiles alone, and its layout assertions hold', (name) => {
    expect(compile(`#include "${name}"\n#include "${name}"\n`)).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
  });

  it('has headers that can be included together', () => {
    const source = headers.map((name) => `#include "${name}"\n`).join('');

    expect(compile(source).stderr).toBe('');
  });
});

describe('boundary/names.hpp', () => {
  const using =
    '#include "boundary/names.hpp"\n#include <string_view>\nusing namespace valenic::spec;\n';

  it('names its enumerators and puts them into words', () => {
    const source = `${using}
      using namespace std::string_view_literals;
      static_assert(name_of(DropReason::rx_no_buffer) == "rx_no_buffer"sv);
      static_assert(text_of(DropReason::rx_link_down) == "the interface of the port is down"sv);
      static_assert(name_of(PortCounter::queue_faults) == "queue_faults"sv);
      static_assert(name_of(WorkerCounter::busy_ns) == "busy_ns"sv);
      static_assert(name_of(Fault::none) == "none"sv && static_cast<int>(Fault::none) == 0);
      static_assert(name_of(FaultLevel::connection) == "connection"sv);
      static_assert(name_of(PollingMode::adaptive) == "adaptive"sv);
      static_assert(text_of(CommandError::closed) == "the datapath is closed"sv);
      static_assert(name_of(DropReason::count) == "?"sv);
      static_assert(name_of(static_cast<Fault>(255)) == "?"sv);`;

    expect(compile(source).stderr).toBe('');
  });

  it('says how far each fault reaches', () => {
    const source = `${using}
      static_assert(closes(Fault::chain_loops) == FaultLevel::queue);
      static_assert(closes(Fault::memory_truncated) == FaultLevel::device);`;

    expect(compile(source).stderr).toBe('');
  });

  it('puts the drop reasons behind the counters of a port, in the same block', () => {
    const source = `${using}
      static_assert(first_drop_word == static_cast<unsigned>(PortCounter::count));
      static_assert(stats_words_per_block == 128 && stats_page_version == 5);
      static_assert(stats_page_magic == 0x56414c4553544154);`;

    expect(compile(source).stderr).toBe('');
  });

  it('lets a switch over FaultLevel be complete without a default', () => {
    const source = `${using}
      int rank(FaultLevel level) {
          switch (level) {
              case FaultLevel::queue: return 1;
              case FaultLevel::device: return 2;
              case FaultLevel::connection: return 3;
          }
          return 0;
      }`;

    expect(compile(source).stderr).toBe('');
  });
});
