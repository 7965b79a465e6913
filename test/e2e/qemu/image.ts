/** The guest image of the tests: the agent of this checkout, built if need be. */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { guestCache } from '../../../backend/xdg.ts';
import { buildGuestImage, type GuestImage, type GuestImageOptions } from '../../../qemu/index.ts';
import { run } from '../../../qemu/run.ts';

const root = resolve(import.meta.dirname, '../../..');

/**
 * Path of a fresh agent: `VALENIC_AGENT`, or that of `npm run build`, or built into build/agent.
 */
export async function builtAgent(): Promise<string> {
  const given = process.env.VALENIC_AGENT;
  if (given !== undefined) return resolve(given);
  const released = join(root, 'build/release/native/agent/valenic-agent');
  if (existsSync(released) && statSync(released).mtimeMs > newestSource()) return released;
  const build = join(root, 'build/agent');
  if (!existsSync(join(build, 'build.ninja'))) {
    const source = ['-S', join(root, 'native'), '-B', build, '-G', 'Ninja'];
    await must('cmake', [...source, '-DVALENIC_ADDON=OFF']);
  }
  await must('cmake', ['--build', build, '--target', 'valenic-agent', '-j2']);
  return join(build, 'agent/valenic-agent');
}

function newestSource(): number {
  const folders = ['native/agent', 'native/src'].map((folder) => join(root, folder));
  const times = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
  return Math.max(...times);
}

async function must(program: string, args: readonly string[]): Promise<void> {
  const result = await run(program, args, { timeoutMs: 280_000 });
  if (result.code !== 0) throw new Error(`${program} failed: ${result.stdout}${result.stderr}`);
}

/** Kept between runs, where a user's guests find it too: the kernel package is fetched once. */
export const imageCache = guestCache();

/** @param more  Another kernel, further modules and programs. */
export async function testImage(
  more: Pick<GuestImageOptions, 'kernel' | 'modules' | 'programs'> = {},
): Promise<GuestImage> {
  return buildGuestImage({ cacheDir: imageCache, agent: await builtAgent(), ...more });
}
