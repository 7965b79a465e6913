/** Where a socket is in a network, as an operator writes it. */

import { lookup } from 'node:dns/promises';
import { ValenicError } from '../errors.ts';
import { codeOf, systemText } from '../system-error.ts';

export interface InetAddress {
  readonly host: string;
  readonly port: number;
}

/** `tcp:HOST:PORT` or `udp:HOST:PORT`; an IPv6 address is in brackets. Null: neither. */
export function parseInet(text: string, scheme: 'tcp' | 'udp'): InetAddress | null {
  const match = /^(tcp|udp):(\[([0-9A-Fa-f:.]+)\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(text);
  if (match?.[1] !== scheme) return null;
  const port = Number(match[4]);
  const host = match[3] ?? match[2] ?? '';
  return port <= 65_535 ? { host, port } : null;
}

/** A network address in its parts, of either scheme, or the path that it is. */
export function partsOf(text: string): string | InetAddress {
  return parseInet(text, 'tcp') ?? parseInet(text, 'udp') ?? text;
}

/** Whether it is meant as a network address, right or wrong. */
export function isInet(text: string): boolean {
  return /^(tcp|udp):/.test(text);
}

/** With the name looked up. Throws with `code`, as Node's own resolver does. */
export async function resolveInet({ host, port }: InetAddress): Promise<InetAddress> {
  const { address } = await lookup(host);
  return { host: address, port };
}

/** Why a network address cannot be had, and what to do. */
export function listenError(address: string, error: unknown): ValenicError {
  const sentences: Record<string, string> = {
    EADDRINUSE: 'another program uses that port: choose another',
    EADDRNOTAVAIL: 'no interface of this machine has that address',
    EACCES: 'ports below 1024 need CAP_NET_BIND_SERVICE: choose a higher one',
    ENOTFOUND: 'the host is unknown: check the spelling of its name',
    EINVAL: 'both addresses must be IPv4, or both IPv6',
    EAFNOSUPPORT: 'both addresses must be IPv4, or both IPv6',
  };
  const code = codeOf(error) ?? '';
  const why = sentences[code] ?? systemText(error);
  const inUse = code === 'EADDRINUSE';
  return new ValenicError(inUse ? 'socket_in_use' : 'socket_failed', `${address}: ${why}`, {
    cause: error,
  });
}
