/** Every setting of the boundary's table has a key, with the table's range, words and default. */

import { describe, expect, it } from 'vitest';
import { checkedSettings, parseSettingWords, settingKeys } from '../../../backend/config/index.ts';
import {
  allowed,
  composedKeys,
  defaultSettings,
  type NumberType,
  portSettings,
  type Setting,
  structFault,
} from '../../../native/boundary/index.ts';

const rows: readonly (readonly [string, Setting])[] = Object.entries(portSettings.fields);
const ofNumbers = rows.flatMap(([name, row]) =>
  'unit' in row.type ? [{ name, row, type: row.type satisfies NumberType }] : [],
);

describe('the keys of settings', () => {
  it('are those of the rows, in their order, and those that write several or a part', () => {
    const wanted = rows.flatMap(([name, { key }]) =>
      key === undefined
        ? Object.entries(composedKeys).flatMap(([word, { of }]) => (of === name ? [word] : []))
        : [key],
    );
    expect(Object.keys(settingKeys)).toEqual(wanted);
    // Those without a key are written by composedKeys.
    const silent = rows.filter(
      ([name, { key }]) => key === undefined && !/^(moderation|vlan|allow)/.test(name),
    );
    expect(silent).toEqual([]);
  });

  it.each(rows.flatMap(([name, row]) => (row.key === undefined ? [] : [{ name, row }])))(
    'read the default of $name as the table has it',
    ({ name, row: { key = '' } }) => {
      const given = settingKeys[key]?.given ?? '';
      const value = defaultSettings[name as keyof typeof defaultSettings];
      expect(parseSettingWords([`${key}=${given}`])).toEqual({ [name]: value });
    },
  );

  it.each(ofNumbers.filter(({ row }) => row.key !== undefined))(
    'take the range of $name, and refuse what is outside it',
    ({ name, row, type }) => {
      for (const value of [type.min, type.max]) {
        const read = parseSettingWords([`${row.key}=${value}`]);
        expect(read).toEqual({ [name]: Number(value) });
      }
      for (const value of [type.min - 1n, type.max + 1n]) {
        expect(() => parseSettingWords([`${row.key}=${value}`])).toThrow(
          `give ${allowed(type, row.besidesWord)}`,
        );
      }
    },
  );
});

describe('what a program gives', () => {
  it.each(ofNumbers)('is refused with the words of the datapath: $name', ({ name, type }) => {
    const change = { [name]: Number(type.max) + 1 };
    const words = structFault(portSettings, change, 'settings', true);
    expect(words).toContain(`settings.${name}: `);
    expect(() => checkedSettings(change)).toThrow(`${words}`);
  });

  it('has only fields that the table has, in structures too', () => {
    expect(() => checkedSettings({ poling: 'busy' })).toThrow('did you mean "polling"?');
    expect(() => checkedSettings({ vlan: { mode: 'none', vlan: 1 } })).toThrow(
      'unknown key "vlan" in vlan',
    );
    expect(() => checkedSettings({ allow: [{ mac: '02:00:00:00:00:01', ip: [] }] })).toThrow(
      'unknown key "ip" in allow[0]',
    );
  });

  it('is text of a name where it stands for one, with what was probably meant', () => {
    expect(() => checkedSettings({ polling: 'bsy' })).toThrow(
      'settings.polling: bsy is out of range: give busy, adaptive or event; did you mean "busy"?',
    );
    expect(() => checkedSettings([])).toThrow('settings must be an object with fields');
  });
});
