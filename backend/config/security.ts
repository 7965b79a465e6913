/**
 * The keys of port security: `allow=MAC[+IP[+IP...]]`, `sticky-macs`, `isolate`, `ra-guard`,
 * `unknown-unicast` and the limits of storms.
 */

import { isIPv4, isIPv6 } from 'node:net';
import type { AllowedStation, PortSettings } from '../../native/boundary/index.ts';
import { type Row, row } from '../values/row.ts';
import { choice, integer, onOff, type ValueKind } from '../values/values.ts';

type Settings = Partial<PortSettings>;

/** As native/src/switch/security.hpp has them. */
export const allowedMost = { stations: 64, addresses: 64 } as const;

const stationText = ({ mac, ips }: AllowedStation): string => [mac, ...ips].join('+');

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

const stormRate = integer(0, 100_000_000);
const stormLimit: ValueKind<number | 'auto'> = {
  allowed: `frames a second, ${stormRate.allowed}, or auto`,
  read: (text) => (text === 'auto' ? text : stormRate.read(text)),
};

function stormRow(key: 'stormBroadcast' | 'stormMulticast' | 'stormUnknownUnicast') {
  return row(
    stormLimit,
    (limit): Settings => ({ [key]: limit }),
    (settings: Settings) => settings[key]?.toString(),
  );
}

function onOffRow(key: 'stickyMacs' | 'isolate' | 'raGuard') {
  return row(
    onOff,
    (value): Settings => ({ [key]: value }),
    (settings: Settings) => {
      const value = settings[key];
      return value === undefined ? undefined : value ? 'on' : 'off';
    },
  );
}

export const securityKeys: Readonly<Record<string, Row<Settings>>> = {
  allow: {
    ...row(
      station,
      (one): Settings => ({ allow: one === 'off' ? [] : [one] }),
      ({ allow }) =>
        allow === undefined ? undefined : allow.length === 0 ? 'off' : allow.map(stationText),
    ),
    repeats: true,
  },
  'sticky-macs': onOffRow('stickyMacs'),
  'ra-guard': onOffRow('raGuard'),
  isolate: onOffRow('isolate'),
  'unknown-unicast': row(
    choice(['flood', 'drop'] as const),
    (text): Settings => ({ unknownUnicast: text === 'flood' }),
    ({ unknownUnicast }) =>
      unknownUnicast === undefined ? undefined : unknownUnicast ? 'flood' : 'drop',
  ),
  'storm-broadcast': stormRow('stormBroadcast'),
  'storm-multicast': stormRow('stormMulticast'),
  'storm-unknown-unicast': stormRow('stormUnknownUnicast'),
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
