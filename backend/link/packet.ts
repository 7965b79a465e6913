/**
 * A packet port: the wire of an interface that is there, by sockets that hear what comes to it.
 *
 * What the host itself sends there is not heard: guests and host share the wire as two stations.
 */

import type { PacketSpec } from '../port-spec.ts';
import { InterfaceLink } from './interface.ts';
import type { LinkContext, LinkEndpoint } from './link.ts';

export function packetLink(spec: PacketSpec, context: LinkContext): LinkEndpoint {
  const { interface: name, queues } = spec;
  const open = () => context.addon.openPacket(name, { queues });
  const sentence = (code: string | undefined, error: unknown) => packetSentence(spec, code, error);
  return new InterfaceLink({ name, open, sentence }, context);
}

/** Why an interface cannot be had, and what to do. */
export function packetSentence(spec: PacketSpec, code: string | undefined, error: unknown): string {
  const { interface: name } = spec;
  switch (code) {
    case 'EPERM':
    case 'EACCES':
      return (
        `${name}: packet ports need CAP_NET_RAW: ` +
        `run as root, or once "setcap cap_net_raw+ep ${process.execPath}" as root`
      );
    case 'ENODEV':
      return `there is no interface ${name}: "ip link" lists those that there are`;
    case 'EPROTOTYPE':
      return `${name} carries no Ethernet frames: choose a wire, a veth, a bridge or a VLAN`;
    case 'ENOMEM':
    case 'ENOBUFS':
      return `${name}: the kernel has no memory for ${spec.queues} rings of 4 MiB: say fewer`;
    default:
      return `${name}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
