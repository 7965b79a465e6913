import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Daemons of tests keep their state here, not in the home of whoever runs them. */
const env = { XDG_STATE_HOME: join(import.meta.dirname, 'build/test/state') };

/**
 * Projects by what they need: `unit` nothing, `native` the built addon, `package` what is built and
 * npm with its registry, `e2e` QEMU and a guest image, `hostile` the program and its attackers
 * (setup/hostile.mjs).
 */
export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      {
        test: {
          name: 'unit',
          env,
          include: ['test/**/*.test.ts'],
          exclude: [
            ...['test/**/*.native.test.ts', 'test/e2e/**', 'test/package/**'],
            'test/hostile/**',
            'node_modules/**',
          ],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'native',
          env,
          include: ['test/**/*.native.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          // npm may have to fetch what is installed, on a busy machine.
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'e2e',
          env,
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'hostile',
          env,
          include: ['test/hostile/*.test.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
