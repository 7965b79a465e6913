/**
 * The keys of a port, one row each: what `port add`, `port set` and the configuration file share.
 *
 * A row reads a key's text into a part of the port and writes that part back as text.
 */

import { type PortSettings, pollingModes } from '../../native/boundary/index.ts';
import { onOffText } from '../ports/keys.ts';
import { kindOf, portKinds } from '../ports/kinds.ts';
import { type Row, row } from '../values/row.ts';
import { choice, integer, moderation, mtuValue, onOff, spinBudget } from '../values/values.ts';
import { securityKeys } from './security.ts';
import { vlanKeys } from './vlan.ts';

type Settings = Partial<PortSettings>;

/** Can change under traffic. Ranges as in the boundary's PortSettings. */
export const settingKeys: Readonly<Record<string, Row<Settings>>> = {
  polling: row(
    choice(pollingModes),
    (polling): Settings => ({ polling }),
    ({ polling }) => polling,
  ),
  'spin-us': row(
    spinBudget,
    (spinUs): Settings => ({ spinUs }),
    ({ spinUs }) => spinUs?.toString(),
  ),
  more: row(
    onOff,
    (more): Settings => ({ more }),
    ({ more }) => onOffText(more),
  ),
  moderation: row(
    moderation,
    ({ frames, us }): Settings => ({ moderationFrames: frames, moderationUs: us }),
    ({ moderationFrames, moderationUs }) =>
      moderationFrames === undefined ? undefined : `${moderationFrames}/${moderationUs ?? 0}`,
  ),
  budget: row(
    integer(1, 256),
    (budget): Settings => ({ budget }),
    ({ budget }) => budget?.toString(),
  ),
  'mac-limit': row(
    integer(0, 65_536),
    (macLimit): Settings => ({ macLimit }),
    ({ macLimit }) => macLimit?.toString(),
  ),
  'max-frame': row(
    integer(60, 65_550),
    (maxFrameBytes): Settings => ({ maxFrameBytes }),
    ({ maxFrameBytes }) => maxFrameBytes?.toString(),
  ),
  mtu: row(
    mtuValue,
    (mtu): Settings => ({ mtu }),
    ({ mtu }) => (mtu === 0 ? 'none' : mtu?.toString()),
  ),
  up: row(
    onOff,
    (up): Settings => ({ up }),
    ({ up }) => onOffText(up),
  ),
  ...vlanKeys,
  'link-local': row(
    choice(['forward', 'drop'] as const),
    (text): Settings => ({ linkLocal: text === 'forward' }),
    ({ linkLocal }) => (linkLocal === undefined ? undefined : linkLocal ? 'forward' : 'drop'),
  ),
  ...securityKeys,
};

/** Whether a setting, or some kind's key, may be given more than once. */
export function repeats(key: string): boolean {
  type Table = Readonly<Record<string, { readonly repeats?: boolean }>>;
  const tables: readonly Table[] = [settingKeys, ...portKinds.map((name) => kindOf(name).keys)];
  return tables.some((table) => Object.hasOwn(table, key) && table[key]?.repeats === true);
}
