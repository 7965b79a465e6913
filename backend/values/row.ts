/** A key of a port or setting: how its text is read into a part of a whole, and written back. */

import { readValue, type ValueKind } from './values.ts';

export interface Row<Part> {
  readonly allowed: string;
  /** @throws {ValenicError} `value_invalid`. */
  read(key: string, text: string): Part;
  /** Undefined when the part does not say; several: the key is given so often. */
  write(part: Part): string | readonly string[] | undefined;
  /** May be given more than once: the parts' lists add up. */
  readonly repeats?: boolean;
}

/** A row of one value. */
export function row<Part, T>(
  kind: ValueKind<T>,
  part: (value: T) => Part,
  write: Row<Part>['write'],
): Row<Part> {
  return {
    allowed: kind.allowed,
    read: (key, text) => part(readValue(kind, key, text)),
    write,
  };
}

/** `key=value` for everything that `part` says. */
export function writeItems<Part>(
  table: Readonly<Record<string, Row<Part>>>,
  part: Part,
): readonly string[] {
  return Object.entries(table).flatMap(([key, { write }]) => {
    const text = write(part);
    if (text === undefined) return [];
    return [text].flat().map((one) => `${key}=${one}`);
  });
}
