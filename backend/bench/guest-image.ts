/** What the guests of a benchmark boot from. */

import { join } from 'node:path';
import { buildGuestImage, type GuestImage } from '../../qemu/index.ts';
import { packageRoot } from '../datapath/load.ts';
import { guestCache } from '../xdg.ts';

/**
 * Made once and kept: its packages are fetched, so the first call must be where the network is.
 *
 * @param programs  Of this host, for the guests.
 * @throws {QemuError}
 */
export function guestImage(programs: readonly string[] = []): Promise<GuestImage> {
  return buildGuestImage({
    cacheDir: guestCache(),
    agent: join(packageRoot(), 'build/release/native/agent/valenic-agent'),
    programs,
  });
}
