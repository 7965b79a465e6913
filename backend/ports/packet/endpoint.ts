/**
 * A packet port: the wire of an interface that is there, by sockets that hear what comes to it.
 *
 * What the host itself sends there is not heard: guests and host share the wire as two stations.
 */

import { systemText } from '../../vhost-user/faults.ts';
import type { LinkContext, LinkEndpoint, LinkIo } from '../endpoint.ts';
import { InterfaceLink, type InterfaceOpened } from '../interface.ts';
import type { Filled, PacketSpec } from '../spec.ts';
import { openXdp, whyNotXdp, xdpNotice, xdpSentence } from './xdp.ts';

export function packetLink(spec: Filled<PacketSpec>, context: LinkContext): LinkEndpoint {
  const { interface: name, io = 'auto' } = spec;
  const open = () => {
    if (io === 'af-xdp') return openXdp(spec, context, false);
    if (io === 'af-packet') return openPacket(spec, context, null);
    return openBest(spec, context);
  };
  const sentence = (code: string | undefined, error: unknown) =>
    io === 'af-xdp' ? xdpSentence(spec, error) : packetSentence(spec, code, error);
  const notice = (chosen: LinkIo) => xdpNotice(name, chosen);
  return new InterfaceLink({ name, open, sentence, notice }, context);
}

/** @throws with an errno's name. */
function openPacket(
  { interface: name, queues }: Filled<PacketSpec>,
  { addon }: LinkContext,
  why: string | null,
): InterfaceOpened {
  return { ...addon.openPacket(name, { queues }), io: { mode: 'af-packet', why } };
}

/**
 * AF_XDP where it copies nothing and takes nothing from anybody. Where it copies, a packet socket
 * is the better: frames uncut, checksums left to whoever needs them (docs/decisions/0014).
 */
function openBest(spec: Filled<PacketSpec>, context: LinkContext): InterfaceOpened {
  const why = whyNotXdp(spec.interface);
  if (why !== null) return openPacket(spec, context, why);
  try {
    return openXdp(spec, context, true);
  } catch (error) {
    return openPacket(spec, context, xdpSentence(spec, error));
  }
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
