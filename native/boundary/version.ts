/** The version of these tables, which every message begins with. */

/**
 * Raised when a table changes for the first time after a release; the file of recorded messages of
 * the one before stays, and that of the one before it goes (test/native/boundary/recorded).
 *
 * A side of version N reads messages of N-1, N and N+1: fields that it does not know it passes
 * over, and for those that are not there it takes the default. So the two sides of a boundary can
 * be replaced one after the other.
 */
export const boundaryVersion = 2;

/** Whether this side reads messages of that version. */
export function readsVersion(version: number): boolean {
  return Math.abs(version - boundaryVersion) <= 1;
}

/** Bounds of one message: a list of 65536 addresses and a frame of 65550 bytes fit. */
export const messageLimits = {
  bytes: 1 << 20,
  /** Descriptors beside it: regions of guest memory (native/src/memory/memory_map.hpp). */
  descriptors: 512,
  /** Maps and lists within each other. */
  depth: 8,
} as const;
