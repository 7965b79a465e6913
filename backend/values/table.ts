/** Values of the boundary's tables as an operator writes them: their words and ranges are there. */

import {
  allowed,
  type Default,
  type NumberType,
  type PortSettings,
  portSettingFields,
  type Setting,
  type Type,
} from '../../native/boundary/index.ts';
import { choice, type ValueKind } from './values.ts';

/** What an operator can write for a boolean, a name or a whole number. */
type Scalar = boolean | string | number;
type Written = Pick<Setting, 'words' | 'besidesWord'>;

const onAndOff = ['on', 'off'] as const;

/**
 * How a value of this type is written, and read back.
 *
 * @throws {Error} No key is made from a table for such a type: composedKeys.
 */
export function kindOfType(type: Type, written: Written = {}): ValueKind<Scalar> {
  if (type.type === 'boolean') return yesOrNo(written.words);
  if (type.type === 'enumeration') return choice(type.enumeration.names);
  if ('unit' in type) return numberKind(type, written.besidesWord);
  throw new Error(`a ${type.type} has no text of its own`);
}

/** How a setting of ports is written: for keys, options and arguments alike. */
export function settingKind<Name extends keyof PortSettings & keyof typeof portSettingFields>(
  name: Name,
): ValueKind<PortSettings[Name]> {
  const row: Setting = portSettingFields[name];
  return kindOfType(row.type, row) as ValueKind<unknown> as ValueKind<PortSettings[Name]>;
}

/** The number of a field that has no word for another. */
export function numberOf(type: NumberType): ValueKind<number> {
  return numberKind(type) as ValueKind<number>;
}

/** The text that kindOfType() reads back. */
export function textOf(value: Scalar, type: Type, { words, besidesWord }: Written = {}): string {
  if (typeof value === 'boolean') return (words ?? onAndOff)[value ? 0 : 1];
  const besides = 'unit' in type ? type.besides : undefined;
  return value === besides?.value && besidesWord !== undefined ? besidesWord : `${value}`;
}

/** What counts where a setting is not given, as an operator would write it. */
export function givenOf({ default: given, type, ...written }: Setting): string {
  return textOf(given as Exclude<Default, object | bigint>, type, written);
}

function yesOrNo(words: Written['words'] = onAndOff): ValueKind<boolean> {
  const { allowed: either, read } = choice(words);
  return {
    allowed: either,
    words,
    read: (text) => (read(text) === undefined ? undefined : text === words[0]),
  };
}

function numberKind(type: NumberType, besidesWord?: string): ValueKind<number | string> {
  const { besides, min, max } = type;
  const word = besidesWord ?? besides?.word;
  return {
    allowed: allowed(type, word),
    read: (text) => {
      if (word !== undefined && text === word) return besides?.word ?? besides?.value;
      if (!/^\d{1,15}$/.test(text)) return undefined;
      const value = BigInt(text);
      return value >= min && value <= max ? Number(value) : undefined;
    },
  };
}
