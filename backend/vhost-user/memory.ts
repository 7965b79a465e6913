/**
 * The guest memory a front-end shares, as it described it.
 *
 * `vhost.memory` takes a whole table and its descriptors, while regions can come and go one by one.
 * So the descriptors that came are kept here, and each command gets duplicates.
 *
 * @spec vhost-user, "Memory region description", SET_MEM_TABLE, ADD_MEM_REG, REM_MEM_REG.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { MemoryRegion } from '../../native/boundary/index.ts';
import { fault } from './faults.ts';
import type { FdFunctions } from './fds.ts';
import type { Payload } from './payload.ts';

/**
 * What GET_MAX_MEM_SLOTS answers. Each slot is a descriptor we keep: 64 of them for each of a
 * switch's 254 ports stay below the usual limit of a process, and QEMU uses one to five, and one
 * more for each memory device that is plugged in.
 */
export const maxMemorySlots = 64;

type RegionRow = Payload<'memoryRegion'>;
/** Immutable; the holder of its table owns `fd`. */
export type Region = RegionRow & { readonly fd: number };

/** One row as the front-end sent it, with the descriptor that came with it. */
export function regionOf(row: RegionRow, fd: number): Region {
  const { guestAddress, size, userAddress, mmapOffset } = row;
  return { guestAddress, size, userAddress, mmapOffset, fd };
}

/**
 * File systems of which this host itself brings the pages. Others may leave whoever touches a page
 * waiting: FUSE for a program of anybody's, NFS for another host.
 */
const memoryFileSystems = ['tmpfs', 'hugetlbfs', 'ramfs', 'ext4', 'xfs', 'btrfs', 'f2fs'];
/** How long a file system may take to say what it is. */
const answerMs = 1000;
const memoryRemedy =
  'use memory-backend-memfd, or memory-backend-file with a path in /dev/shm or on hugetlbfs';

/** Memory comes as a file that can be mapped: memfd, or a file of tmpfs, hugetlbfs or a disk. */
export async function checkMemoryFd(addon: FdFunctions, fd: number): Promise<void> {
  const kind = addon.fdKind(fd);
  if (kind !== 'memfd' && kind !== 'file') {
    throw fault('fd_kind_wrong', `memory: expected a file or memfd, got ${kind}`);
  }
  const asked = new AbortController();
  const name = await Promise.race([
    addon.fileSystemOf(fd),
    sleep(answerMs, null, { signal: asked.signal }),
  ]);
  asked.abort();
  if (name === null) throw fault('memory_file_system', `it does not answer; ${memoryRemedy}`);
  if (!memoryFileSystems.includes(name)) {
    throw fault('memory_file_system', `${name}; ${memoryRemedy}`);
  }
}

/** The regions as an argument of `vhost.memory`; the descriptors are new and go to the datapath. */
export function commandRegions(addon: FdFunctions, regions: readonly Region[]): MemoryRegion[] {
  const made: MemoryRegion[] = [];
  try {
    for (const region of regions) {
      made.push({
        guestAddr: region.guestAddress,
        userAddr: region.userAddress,
        sizeBytes: region.size,
        offsetBytes: region.mmapOffset,
        fd: addon.duplicateFd(region.fd),
      });
    }
    return made;
  } catch (error) {
    for (const { fd } of made) addon.closeFd(fd);
    throw error;
  }
}

export function closeRegions(addon: FdFunctions, regions: readonly Region[]): void {
  for (const { fd } of regions) addon.closeFd(fd);
}

/**
 * True when the three parts of a ring begin in regions; whether they fit is the datapath's to say.
 */
export function coversRing(
  regions: readonly Region[],
  ring: { readonly descriptor: bigint; readonly available: bigint; readonly used: bigint },
): boolean {
  return [ring.descriptor, ring.available, ring.used].every((address) =>
    regions.some(({ userAddress, size }) => address >= userAddress && address - userAddress < size),
  );
}

/** The region that REM_MEM_REG names: same guest address, user address and size. */
export function findRegion(regions: readonly Region[], row: RegionRow): Region | undefined {
  return regions.find(
    ({ guestAddress, userAddress, size }) =>
      guestAddress === row.guestAddress && userAddress === row.userAddress && size === row.size,
  );
}
