/** Port security: the key `allow=MAC[+IP[+IP...]]`, and what `port show` says of all of it. */

import { isIPv4, isIPv6 } from 'node:net';
import {
  type AllowedStation,
  allowedMost,
  type PortSettings,
} from '../../native/boundary/index.ts';
import { type Row, row } from '../values/row.ts';
import type { ValueKind } from '../values/values.ts';

type Settings = Partial<PortSettings>;

/** Programs may leave `ips` out: the table has a default for it. */
const stationText = ({ mac, ips = [] }: AllowedStation): string => [mac, ...ips].join('+');

/** One station, or `off`: anybody. */
const station: ValueKind<AllowedStation | 'off'> = {
  allowed: 'MAC or MAC+IP+IP..., e.g. 02:00:00:00:00:01+10.0.0.1+fd00::1, or off',
  read: (text) => {
    if (text === 'off') return text;
    const [mac = '', ...ips] = text.toLowerCase().split('+');
    // The first byte's lowest bit says a group: nobody sends from one.
    const good = /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/.test(mac) && mac !== '00:00:00:00:00:00';
    const addresses = ips.length <= allowedMost.addresses && ips.every(isAddress);
    return good && addresses ? { mac, ips } : undefined;
  },
};

/** Without a zone: an address, not an interface. */
function isAddress(text: string): boolean {
  return isIPv4(text) || (isIPv6(text) && !text.includes('%'));
}

/** One station, or `off`; several are given one by one. */
export const allowKey: Row<Settings> = {
  ...row(
    station,
    (one): Settings => ({ allow: one === 'off' ? [] : [one] }),
    ({ allow }) =>
      allow === undefined ? undefined : allow.length === 0 ? 'off' : allow.map(stationText),
  ),
  repeats: true,
};

/** What is not as it is for every port, for `port show`. */
export function securityTexts(settings: PortSettings): readonly string[] {
  const { allow, stickyMacs, raGuard, isolate, unknownUnicast } = settings;
  const storms = (
    [
      ['broadcast', settings.stormBroadcast],
      ['multicast', settings.stormMulticast],
      ['unknown unicast', settings.stormUnknownUnicast],
    ] as const
  ).filter(([, limit]) => limit !== 'auto');
  return [
    ...allow.map((one) => `only ${stationText(one)}`),
    ...(stickyMacs ? ['addresses learned here stay here'] : []),
    ...(raGuard ? ['no router advertisements from here'] : []),
    ...(isolate ? ['isolated from other isolated ports'] : []),
    ...(unknownUnicast ? [] : ['gets no frames for unknown addresses']),
    ...storms.map(([what, limit]) => `at most ${limit} ${what} frames a second`),
  ];
}
