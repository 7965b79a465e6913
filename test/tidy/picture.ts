/** The picture of imports: which file leads to which, in which order rooms stand, and circles. */

import { dirname, join } from 'node:path/posix';
import { importsOf } from './imports.ts';
import { includesOf } from './includes.ts';
import { exists, textOf } from './repository.ts';

/** By file: the files of the repository that it imports or includes, types too. */
export type Picture = ReadonlyMap<string, readonly string[]>;

/** The picture of TypeScript and C++ files; a header and its source are two. */
export function pictureOf(paths: readonly string[]): Picture {
  return new Map(paths.map((path) => [path, [...new Set(targetsOf(path))]]));
}

function targetsOf(path: string): readonly string[] {
  if (/\.[ch]pp$/.test(path)) {
    return includesOf(textOf(path))
      .map((include) => `native/src/${include}`)
      .filter(exists);
  }
  return importsOf(path, textOf(path))
    .filter((module) => module.startsWith('.'))
    .map((module) => join(dirname(path), module))
    .filter(exists);
}

/** Sets of files, or of rooms, that lead to each other in a loop; each sorted. Tarjan's. */
export function circlesOf(picture: Picture): readonly (readonly string[])[] {
  const found: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const visit = (node: string): void => {
    const at = index.size;
    index.set(node, at);
    low.set(node, at);
    stack.push(node);
    for (const next of picture.get(node) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(low.get(node) ?? 0, low.get(next) ?? 0));
    }
    if (low.get(node) !== at) return;
    const circle = stack.splice(stack.indexOf(node));
    if (circle.length > 1) found.push(circle.sort());
  };
  for (const node of picture.keys()) if (!index.has(node)) visit(node);
  return found;
}

/** The same picture with a room for each file. */
export function roomsOf(picture: Picture, roomOf: (path: string) => string): Picture {
  const rooms = new Map<string, Set<string>>();
  for (const [path, targets] of picture) {
    const room = roomOf(path);
    const leads = rooms.get(room) ?? new Set();
    rooms.set(room, leads);
    for (const target of targets) if (roomOf(target) !== room) leads.add(roomOf(target));
  }
  return new Map([...rooms].map(([room, leads]) => [room, [...leads]]));
}

/**
 * The rooms of backend/, from the ground up: each may import only what stands before it. A file
 * that stands in no folder is a room of its own, or one with its neighbours in a line.
 */
export const backendOrder: readonly (readonly string[])[] = [
  ['errors.ts', 'help.ts', 'xdg.ts', 'log.ts', 'system-error.ts', 'fault-report.ts', 'text.ts'],
  ['named-file.ts'],
  ['values/'],
  ['datapath/'],
  ['stats/'],
  ['socket/'],
  ['vhost-user/'],
  ['ports/'],
  ['config/'],
  ['addresses.ts', 'port.ts', 'switch.ts', 'backend.ts', 'create-switch.ts'],
  ['daemon/'],
  ['index.ts'],
  ['bench/'],
  ['cli/'],
];

/** Where a file of backend/ stands in the order; -1: nowhere. */
export function backendFloor(path: string): number {
  const name = path.replace(/^backend\//, '');
  return backendOrder.findIndex((rooms) =>
    rooms.some((room) => (room.endsWith('/') ? name.startsWith(room) : name === room)),
  );
}

/** Arrows that run from a room of backend/ to one that stands above it, `a -> b`. */
export function upwardArrows(picture: Picture): readonly string[] {
  return [...picture].flatMap(([path, targets]) =>
    targets
      .filter((target) => target.startsWith('backend/'))
      .filter((target) => backendFloor(target) > backendFloor(path))
      .map((target) => `${path} -> ${target}`),
  );
}
