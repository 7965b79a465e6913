/** A process that may open few files says so, before anything of ours could. */

import { spawnSync } from 'node:child_process';
import { beforeAll, expect, it } from 'vitest';
import { builtProgram, program } from './serve-process.ts';

beforeAll(builtProgram);

it.each([40, 64])('%i files: a sentence and no stack', (files) => {
  const words = `ulimit -n ${files}; exec "$0" "$1" serve --control /nowhere/c.sock`;
  const { status, stderr } = spawnSync('sh', ['-c', words, process.execPath, program], {
    encoding: 'utf8',
  });
  expect(stderr).toBe(
    'valenic: too few files may be open (EMFILE): raise the limit with ulimit -n 1024.\n',
  );
  expect(status).toBe(1);
});
