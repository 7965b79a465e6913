/**
 * The keys of a port: what `port add`, `port set` and the configuration file share.
 *
 * A key that stands for one setting comes from its row in the boundary's table. Those that write
 * several settings, or a part of one, have a row of their own here.
 */

import {
  type ComposedKeyName,
  composedKeys,
  type PortSettings,
  portSettingFields,
  portSettings,
  type Setting,
} from '../../native/boundary/index.ts';
import { kindOf, portKinds } from '../ports/kinds.ts';
import { type Row, row } from '../values/row.ts';
import { givenOf, kindOfType, numberOf, textOf } from '../values/table.ts';
import type { ValueKind } from '../values/values.ts';
import { allowKey } from './security.ts';
import { vlanKeys } from './vlan.ts';

type Settings = Partial<PortSettings>;

/** A key of a setting, and its words for help, manual and reference. */
export interface SettingKey extends Row<Settings> {
  readonly meaning: string;
  /** What counts where it is not given. */
  readonly given?: string;
}

const framesKind = numberOf(portSettingFields.moderationFrames.type);
const usKind = numberOf(portSettingFields.moderationUs.type);
/** When the guest is interrupted: after so many frames, or so many microseconds. */
const moderation: ValueKind<{ readonly frames: number; readonly us: number }> = {
  allowed: `FRAMES/MICROSECONDS, ${framesKind.allowed} and ${usKind.allowed}, or off`,
  read: (text) => {
    const { moderationFrames, moderationUs } = portSettingFields;
    if (text === 'off') return { frames: moderationFrames.default, us: moderationUs.default };
    const [first, second, ...more] = text.split('/');
    const frames = framesKind.read(first ?? '');
    const us = usKind.read(second ?? '');
    return frames === undefined || us === undefined || more.length > 0 ? undefined : { frames, us };
  },
};

/** Each of composedKeys, or this does not compile. */
const composed: Readonly<Record<ComposedKeyName, Row<Settings>>> = {
  moderation: row(
    moderation,
    ({ frames, us }): Settings => ({ moderationFrames: frames, moderationUs: us }),
    ({ moderationFrames, moderationUs }) =>
      moderationFrames === undefined ? undefined : `${moderationFrames}/${moderationUs ?? 0}`,
  ),
  ...vlanKeys,
  allow: allowKey,
};

/** The key of one setting. */
function keyOf(name: string, setting: Setting): SettingKey {
  const { type, help = '' } = setting;
  return {
    meaning: help,
    given: givenOf(setting),
    ...row(
      kindOfType(type, setting),
      (value): Settings => ({ [name]: value }),
      (settings: Settings) => {
        const value = settings[name as keyof Settings];
        return value === undefined ? undefined : textOf(value as string | number, type, setting);
      },
    ),
  };
}

function keysOf([name, setting]: readonly [string, Setting]): readonly (readonly [
  string,
  SettingKey,
])[] {
  if (setting.key !== undefined) return [[setting.key, keyOf(name, setting)]];
  return Object.entries(composedKeys).flatMap(([key, { of, help, ...rest }]) =>
    of === name ? [[key, { meaning: help, ...rest, ...composed[key as ComposedKeyName] }]] : [],
  );
}

/** Can change under traffic. In the order of the table. */
export const settingKeys: Readonly<Record<string, SettingKey>> = Object.fromEntries(
  Object.entries(portSettings.fields).flatMap(keysOf),
);

/** Whether a setting, or some kind's key, may be given more than once. */
export function repeats(key: string): boolean {
  type Table = Readonly<Record<string, { readonly repeats?: boolean }>>;
  const tables: readonly Table[] = [settingKeys, ...portKinds.map((name) => kindOf(name).keys)];
  return tables.some((table) => Object.hasOwn(table, key) && table[key]?.repeats === true);
}
