import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadAddon, packageRoot } from '../../../backend/datapath/load.ts';

afterEach(() => vi.unstubAllEnvs());

describe('the addon', () => {
  it('is looked for from the root of the package', () => {
    expect(existsSync(join(packageRoot(), 'package.json'))).toBe(true);
    expect(existsSync(join(packageRoot(), 'backend/datapath/load.ts'))).toBe(true);
  });

  it('that is not there is told with what to do', () => {
    vi.stubEnv('VALENIC_ADDON', '/nowhere/valenic.node');
    expect(loadAddon).toThrow(
      expect.objectContaining({
        code: 'addon_missing',
        exitStatus: 1,
        message: 'there is no /nowhere/valenic.node: run "npm run build" first',
      }),
    );
  });

  it('that is not an addon is reported with what the loader said', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'valenic-load-'));
    try {
      const path = join(folder, 'broken.node');
      await writeFile(path, 'not a shared object');
      vi.stubEnv('VALENIC_ADDON', path);
      expect(loadAddon).toThrow(expect.objectContaining({ code: 'addon_missing' }));
      expect(loadAddon).toThrow(/cannot be loaded: .+/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
