/** Kinds of values that an operator writes: what is allowed, and how its text is read. */

import { ValenicError } from '../errors.ts';
import { nearest } from './suggest.ts';

export interface ValueKind<T> {
  /** What is allowed, in words that follow "give". */
  readonly allowed: string;
  /** The words that are possible, where there are only these: for suggestions. */
  readonly words?: readonly string[];
  /** Undefined when the text is something else. */
  readonly read: (text: string) => T | undefined;
}

/** A whole number in decimal digits. */
export function integer(least: number, most: number): ValueKind<number> {
  return {
    allowed: `a whole number, ${least} to ${most}`,
    read: (text) => {
      if (!/^\d{1,15}$/.test(text)) return undefined;
      const value = Number(text);
      return value >= least && value <= most ? value : undefined;
    },
  };
}

export function choice<Word extends string>(words: readonly Word[]): ValueKind<Word> {
  return {
    allowed: `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`,
    words,
    read: (text) => words.find((word) => word === text),
  };
}

export const onOff: ValueKind<boolean> = {
  allowed: 'on or off',
  words: ['on', 'off'],
  read: (text) => (text === 'on' ? true : text === 'off' ? false : undefined),
};

/** Permissions, as chmod(1) takes them. */
export const fileMode: ValueKind<number> = {
  allowed: 'octal permissions, 0 to 0777',
  read: (text) =>
    /^(0o|0)?[0-7]{1,3}$/.test(text) ? parseInt(text.replace('0o', ''), 8) : undefined,
};

/** As useradd(8) allows it; whether it exists is seen when it is used. */
export const groupName: ValueKind<string> = {
  allowed: 'the name of a group',
  read: (text) => (/^[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?$/.test(text) ? text : undefined),
};

/** Most CPUs that one list may name; Linux itself stops at 8192. */
const maxCpu = 8191;

/** Numbers and ranges of them, in this order: `0,2-3`. */
export const numberList: ValueKind<readonly number[]> = {
  allowed: 'numbers like 0,2-3',
  read: (text) => {
    const numbers: number[] = [];
    for (const part of text.split(',')) {
      const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part);
      if (match === null) return undefined;
      const first = Number(match[1]);
      const last = Number(match[2] ?? first);
      if (last < first || last > maxCpu) return undefined;
      for (let number = first; number <= last; number++) numbers.push(number);
    }
    return numbers;
  },
};

/** CPU numbers as taskset(1) takes them: `2,4-7`. */
export const cpuList: ValueKind<readonly number[]> = {
  allowed: 'CPU numbers like 2,4-7',
  read: (text) => {
    const cpus = numberList.read(text);
    return cpus === undefined ? undefined : [...new Set(cpus)];
  },
};

/** As it was written: an option and its value are two words. */
const said = (name: string, text: string): string =>
  name.startsWith('--') ? `${name} ${text}` : `${name}=${text}`;

function meant(text: string, { words = [] }: ValueKind<unknown>): string {
  const near = nearest(text, words);
  return near === null ? '' : `; did you mean "${near}"?`;
}

/** @throws {ValenicError} `value_invalid`, with what is allowed and what was probably meant. */
export function readValue<T>(kind: ValueKind<T>, name: string, text: string): T {
  const value = kind.read(text);
  if (value !== undefined) return value;
  throw new ValenicError(
    'value_invalid',
    text === ''
      ? `${name} has no value: give ${kind.allowed}`
      : `${said(name, text)} is not valid: give ${kind.allowed}${meant(text, kind)}`,
  );
}
