/**
 * The keys of a port's VLANs: `vlan=10`, `trunk=10+20+30-40` with or without `native=10`,
 * `tunnel=100`. Together they are one setting: giving one of them replaces all of it.
 */

import {
  type PortSettings,
  type PortVlan,
  type VlanRange,
  vlanNumber,
} from '../../native/boundary/index.ts';
import { ValenicError } from '../errors.ts';
import type { Row } from '../values/row.ts';
import { numberOf } from '../values/table.ts';
import { readValue, type ValueKind } from '../values/values.ts';

const [firstVlan, lastVlan] = [Number(vlanNumber.min), Number(vlanNumber.max)];
const { allowed: vlanNumbers, read: readVlan } = numberOf(vlanNumber);

const oneVlan: ValueKind<number> = { allowed: `a VLAN, ${vlanNumbers}`, read: readVlan };
/** Of an access port; or the port is in none. */
const accessVlan: ValueKind<number | 'off'> = {
  allowed: `${oneVlan.allowed}, or off`,
  read: (text) => (text === 'off' ? text : oneVlan.read(text)),
};

/** A comma separates keys, so it would have to be written twice here. */
const vlanList: ValueKind<readonly VlanRange[]> = {
  allowed: `VLANs, ${vlanNumbers}, like 10+20+30-40, or all`,
  read: (text) => {
    if (text === 'all') return [[firstVlan, lastVlan]];
    const ranges = text.split(/[+,]/).map(rangeOf);
    return ranges.every((range) => range !== undefined) ? normal(ranges) : undefined;
  },
};

function rangeOf(text: string): VlanRange | undefined {
  const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? first);
  return first >= firstVlan && last >= first && last <= lastVlan ? [first, last] : undefined;
}

/** In order, and those that touch put together. */
function normal(ranges: readonly VlanRange[]): readonly VlanRange[] {
  const out: VlanRange[] = [];
  for (const [first, last] of [...ranges].sort(([a], [b]) => a - b)) {
    const before = out.at(-1);
    if (before === undefined || first > before[1] + 1) out.push([first, last]);
    else out[out.length - 1] = [before[0], Math.max(before[1], last)];
  }
  return out;
}

/** `10+20+30-40`, or `all`. */
export function vlanListText(ranges: readonly VlanRange[], separator = '+'): string {
  const [only] = ranges;
  if (ranges.length === 1 && only?.[0] === firstVlan && only[1] === lastVlan) return 'all';
  return ranges
    .map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`))
    .join(separator);
}

interface Word {
  readonly key: string;
  readonly text: string;
}

/**
 * What these words say together; undefined when there are none.
 *
 * @param words  Of vlanKeys; `trunk` as often as one likes.
 * @throws {ValenicError} `value_invalid`, `port_syntax`.
 */
export function readVlans(words: readonly Word[]): PortVlan | undefined {
  const all = <T>(wanted: string, kind: ValueKind<T>): readonly T[] =>
    words.filter(({ key }) => key === wanted).map(({ key, text }) => readValue(kind, key, text));
  const [vlan] = all('vlan', accessVlan);
  const [tunnel] = all('tunnel', oneVlan);
  const [native] = all('native', oneVlan);
  const vlans = normal(all('trunk', vlanList).flat());
  const modes = [...new Set(words.map(({ key }) => key))].filter((key) => key !== 'native');
  if (modes.length > 1) {
    throw syntax(`${modes.join(' and ')} exclude each other: a port is access, trunk or tunnel`);
  }
  if (native !== undefined && modes[0] !== 'trunk') {
    throw syntax('native is for trunk ports: give trunk=VLANS too, or vlan=N for an access port');
  }
  if (vlan === 'off') return { mode: 'none' };
  if (vlan !== undefined) return { mode: 'access', vlan };
  if (tunnel !== undefined) return { mode: 'tunnel', vlan: tunnel };
  if (vlans.length === 0) return undefined;
  return { mode: 'trunk', vlans, ...(native !== undefined && { native }) };
}

function syntax(sentence: string): ValenicError {
  return new ValenicError('port_syntax', sentence);
}

type Settings = Partial<PortSettings>;

function row(kind: ValueKind<unknown>, write: (vlan: PortVlan) => string | undefined) {
  return {
    allowed: kind.allowed,
    read: (key: string, text: string): Settings => {
      const vlan = readVlans([{ key, text }]);
      return vlan === undefined ? {} : { vlan };
    },
    write: ({ vlan }: Settings) => (vlan === undefined ? undefined : write(vlan)),
  } satisfies Row<Settings>;
}

/** readVlans() reads several of them together. */
export const vlanKeys = {
  vlan: row(accessVlan, (vlan) =>
    vlan.mode === 'none' ? 'off' : vlan.mode === 'access' ? `${vlan.vlan}` : undefined,
  ),
  trunk: {
    ...row(vlanList, (vlan) => (vlan.mode === 'trunk' ? vlanListText(vlan.vlans) : undefined)),
    repeats: true,
  },
  native: row(oneVlan, (vlan) => (vlan.mode === 'trunk' ? vlan.native?.toString() : undefined)),
  tunnel: row(oneVlan, (vlan) => (vlan.mode === 'tunnel' ? `${vlan.vlan}` : undefined)),
} as const satisfies Readonly<Record<string, Row<Settings>>>;

/** Whether frames of one port can reach the other: they share a VLAN, or neither is in any. */
export function vlansMeet(a: PortVlan, b: PortVlan): boolean {
  if (a.mode === 'none' || b.mode === 'none') return a.mode === b.mode;
  const others = rangesOf(b);
  return rangesOf(a).some(([first, last]) =>
    others.some(([from, to]) => first <= to && from <= last),
  );
}

function rangesOf(vlan: Exclude<PortVlan, { mode: 'none' }>): readonly VlanRange[] {
  if (vlan.mode !== 'trunk') return [[vlan.vlan, vlan.vlan]];
  const { vlans, native } = vlan;
  return native === undefined ? vlans : [...vlans, [native, native]];
}

/** A port's VLANs in words, for people. */
export function vlanText(vlan: PortVlan): string {
  switch (vlan.mode) {
    case 'none':
      return 'none';
    case 'access':
      return `access to ${vlan.vlan}`;
    case 'tunnel':
      return `tunnel in ${vlan.vlan}`;
    case 'trunk': {
      const untagged = vlan.native === undefined ? 'dropped' : `of ${vlan.native}`;
      return `trunk of ${vlanListText(vlan.vlans, ', ')}; untagged frames are ${untagged}`;
    }
  }
}
