/** A packet port over packet sockets: packet(7). */

import { systemText } from '../../system-error.ts';
import type { EndpointContext } from '../endpoint.ts';
import type { Filled } from '../filled.ts';
import type { InterfaceOpened } from '../interface.ts';
import type { PacketState } from './io.ts';
import type { PacketSpec } from './spec.ts';

/** @throws with an errno's name. */
export function openPacket(
  { interface: name, queues }: Filled<PacketSpec>,
  { addon }: EndpointContext,
  why: string | null,
): InterfaceOpened<PacketState> {
  return { ...addon.openPacket(name, { queues }), own: { io: { mode: 'af-packet', why } } };
}

/** Why an interface cannot be had, and what to do. */
export function packetSentence(
  spec: Filled<PacketSpec>,
  code: string | undefined,
  error: unknown,
): string {
  const { interface: name } = spec;
  switch (code) {
    case 'EPERM':
    case 'EACCES':
      return (
        `${name}: packet ports need CAP_NET_RAW: ` +
        `run as root, or once "setcap cap_net_raw+ep ${process.execPath}" as root`
      );
    case 'ENODEV':
      return `there is no interface ${name}: "ip link" lists the interfaces`;
    case 'EPROTOTYPE':
      return `${name} carries no Ethernet frames: choose a wire, a veth, a bridge or a VLAN`;
    case 'ENOMEM':
    case 'ENOBUFS':
      return `${name}: the kernel has no memory for ${spec.queues} rings of 4 MiB: use fewer`;
    default:
      return `${name}: ${systemText(error)}`;
  }
}
