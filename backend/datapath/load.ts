/** Finds and loads the addon: the built file, or the one that VALENIC_ADDON names. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NativeAddon } from '../../native/boundary/index.ts';
import { ValenicError } from '../errors.ts';

/** Where the build leaves it, from the package's root. */
const builtAddon = 'build/release/native/valenic.node';

/**
 * The package's root: this file runs from `backend/` in tests and from `dist/backend/` when built.
 */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new ValenicError('internal', 'the package has no package.json');
    folder = parent;
  }
  return folder;
}

/** @throws {ValenicError} `addon_missing`: it was not built, or this Node cannot load it. */
export function loadAddon(): NativeAddon {
  const path = process.env.VALENIC_ADDON ?? join(packageRoot(), builtAddon);
  if (!existsSync(path)) {
    throw new ValenicError('addon_missing', `there is no ${path}: run "npm run build" first`);
  }
  try {
    return createRequire(import.meta.url)(path) as NativeAddon;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ValenicError('addon_missing', `${path} cannot be loaded: ${why}`, { cause });
  }
}
