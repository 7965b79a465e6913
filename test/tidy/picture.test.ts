import { dirname } from 'node:path/posix';
import { describe, expect, it } from 'vitest';
import {
  backendFloor,
  backendOrder,
  circlesOf,
  type Picture,
  pictureOf,
  roomsOf,
  upwardArrows,
} from './picture.ts';
import { files, filesIn, textOf } from './repository.ts';

const written = files.filter((path) => /\.(ts|[ch]pp)$/.test(path));
const picture = pictureOf(written);
const backend = pictureOf(filesIn('backend', '.ts'));

const drawn = (arrows: Readonly<Record<string, readonly string[]>>): Picture =>
  new Map(Object.entries(arrows));

describe('circlesOf', () => {
  it('finds files that import each other, also over others', () => {
    const arrows = { a: ['b'], b: ['c', 'd'], c: ['a'], d: ['e'], e: ['d'], f: ['a', 'd'] };

    expect(circlesOf(drawn(arrows))).toEqual([
      ['d', 'e'],
      ['a', 'b', 'c'],
    ]);
  });

  it('finds none where arrows run one way', () => {
    expect(circlesOf(drawn({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }))).toEqual([]);
  });

  it('sees rooms that lead to each other through different files', () => {
    const arrows = drawn({ 'x/a': ['y/a'], 'y/a': [], 'y/b': ['x/b'], 'x/b': [] });

    expect(circlesOf(arrows)).toEqual([]);
    expect(circlesOf(roomsOf(arrows, dirname))).toEqual([['x', 'y']]);
  });
});

describe('upwardArrows', () => {
  it('names an import of what stands above', () => {
    const arrows = drawn({
      'backend/socket/file.ts': ['backend/vhost-user/faults.ts', 'backend/errors.ts'],
      'backend/vhost-user/faults.ts': ['backend/socket/file.ts'],
    });

    expect(upwardArrows(arrows)).toEqual([
      'backend/socket/file.ts -> backend/vhost-user/faults.ts',
    ]);
  });
});

describe('the picture of imports', () => {
  it('is that of the whole repository', () => {
    expect(picture.size).toBeGreaterThan(500);
    const arrows = [...picture.values()].reduce((sum, targets) => sum + targets.length, 0);
    expect(arrows).toBeGreaterThan(2 * picture.size);
  });

  it('has no circle of files', () => {
    expect(circlesOf(picture)).toEqual([]);
  });

  it('has no circle of rooms in backend, native/src, qemu and frontend-spec', () => {
    const room = (path: string) => /^(backend|native\/src|qemu|frontend-spec)\/[^/]+/.exec(path);
    const inside = new Map([...picture].filter(([path]) => room(path) !== null));
    const roomOf = (path: string) => room(path)?.[0] ?? path;

    expect(circlesOf(roomsOf(inside, roomOf))).toEqual([]);
  });

  it('every file of backend stands in a room of the order, and every room is there', () => {
    expect([...backend.keys()].filter((path) => backendFloor(path) < 0)).toEqual([]);
    const empty = backendOrder
      .flat()
      .filter((room) => ![...backend.keys()].some((path) => path.startsWith(`backend/${room}`)));
    expect(empty).toEqual([]);
  });

  it('has no arrow upwards in backend', () => {
    expect(upwardArrows(backend)).toEqual([]);
  });

  it('every room of backend and of native/src has a page that says what it is', () => {
    const rooms = ['backend', 'native/src'].flatMap((house) => [
      ...new Set(filesIn(house, '').flatMap((path) => roomFolder(house, path))),
    ]);
    expect(rooms.length).toBeGreaterThan(20);
    const parts = ['| noun |', '**Who calls it:**', '**How a thing is added:**'];
    const without = rooms.filter((room) => {
      const page = `${room}/README.md`;
      return !files.includes(page) || !parts.every((part) => textOf(page).includes(part));
    });

    expect(without).toEqual([]);
  });
});

function roomFolder(house: string, path: string): readonly string[] {
  const [name = '', ...rest] = path.slice(house.length + 1).split('/');
  return rest.length === 0 ? [] : [`${house}/${name}`];
}
