/** Values of a user port's keys: its network, and the ports that lead into it. */

import { isIPv4 } from 'node:net';
import type { ValueKind } from '../../values/values.ts';
import type { Forward } from './spec.ts';

/** Room for the gateway, the name server and sixteen guests from .15 on. */
const [shortest, longest] = [8, 26];

export const network: ValueKind<string> = {
  allowed: `an IPv4 network of length ${shortest} to ${longest}, like 10.0.2.0/24`,
  read: (text) => {
    const match = /^([\d.]+)\/(\d{1,2})$/.exec(text);
    const [, address = '', digits = ''] = match ?? [];
    const length = Number(digits);
    if (!isIPv4(address) || length < shortest || length > longest) return undefined;
    const host = numberOf(address) % 2 ** (32 - length);
    return host === 0 ? text : undefined;
  },
};

/** `tcp:8080:80`; addresses of host and guest may precede their ports. */
export const forward: ValueKind<Forward> = {
  allowed: 'tcp or udp:[HOST-ADDRESS:]PORT:[GUEST-ADDRESS:]PORT, like tcp:8080:80',
  read: (text) => {
    const address = '(?:([0-9.]+\\.[0-9.]+):)?';
    const match = new RegExp(`^(tcp|udp):${address}(\\d{1,5}):${address}(\\d{1,5})$`).exec(text);
    if (match === null) return undefined;
    const [, protocol, host = '127.0.0.1', from, guest, to] = match;
    const [hostPort, guestPort] = [Number(from), Number(to)];
    if (!isIPv4(host) || (guest !== undefined && !isIPv4(guest))) return undefined;
    if ([hostPort, guestPort].some((port) => port < 1 || port > 65_535)) return undefined;
    return {
      protocol: protocol === 'udp' ? 'udp' : 'tcp',
      ...{ hostAddress: host, hostPort, guestPort },
      ...(guest === undefined ? {} : { guestAddress: guest }),
    };
  },
};

/** What `forward` reads back. */
export function forwardText(one: Forward): string {
  const { protocol, hostAddress, hostPort, guestAddress, guestPort } = one;
  const guest = guestAddress === undefined ? '' : `${guestAddress}:`;
  return `${protocol}:${hostAddress}:${hostPort}:${guest}${guestPort}`;
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
}
