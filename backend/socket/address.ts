/** Where the other end of a stream or dgram port is, as an operator writes it. */

import { lookup } from 'node:dns/promises';

export interface InetAddress {
  readonly host: string;
  readonly port: number;
}

/** `tcp:HOST:PORT` or `udp:HOST:PORT`; an IPv6 address stands in brackets. Null: something else. */
export function parseInet(text: string, scheme: 'tcp' | 'udp'): InetAddress | null {
  const match = /^(tcp|udp):(\[([0-9A-Fa-f:.]+)\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(text);
  if (match?.[1] !== scheme) return null;
  const port = Number(match[4]);
  const host = match[3] ?? match[2] ?? '';
  return port <= 65_535 ? { host, port } : null;
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
