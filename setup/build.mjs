#!/usr/bin/env node
// `npm run build`: installs what the build needs and makes the addon, the synthetic driver, the
// guest agent (build/release) and the JavaScript (dist).
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkNode, ensureNodeModules, ensurePackages, root, run, runMain } from './system.mjs';

/** Configures and builds one variant of the C++ project in `build/<name>`. */
export function buildNative(folder, options = [], targets = []) {
  const quiet = { stdio: ['ignore', 2, 2] };
  run(
    'cmake',
    ['-S', 'native', '-B', folder, '-G', 'Ninja', '--log-level=WARNING', ...options],
    quiet,
  );
  run('ninja', ['-C', folder, '--quiet', ...targets], quiet);
}

export function buildRelease() {
  buildNative('build/release/native', [
    '-DCMAKE_BUILD_TYPE=Release',
    '-DVALENIC_ADDON=ON',
    '-DVALENIC_AGENT=ON',
    '-DVALENIC_TESTS=OFF',
  ]);
}

export function buildTypeScript() {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  run('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: ['ignore', 2, 2] });
}

/** Everything that `valenic` needs to run. */
export function buildAll() {
  checkNode();
  ensurePackages('build');
  ensureNodeModules();
  console.error('Building the datapath');
  buildRelease();
  console.error('Building the control plane');
  buildTypeScript();
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await runMain(() => buildAll());
