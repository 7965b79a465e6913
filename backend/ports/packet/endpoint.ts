/**
 * A packet port: the wire of an interface that is there, by sockets that hear what comes to it.
 *
 * What the host itself sends there is not heard: guests and host share the wire as two stations.
 */

import type { EndpointContext, PortEndpoint } from '../endpoint.ts';
import type { Filled } from '../filled.ts';
import { InterfaceEndpoint, type InterfaceOpened } from '../interface.ts';
import type { PacketState } from './io.ts';
import { openPacket, packetSentence } from './packet-socket.ts';
import type { PacketSpec } from './spec.ts';
import { openXdp, whyNotXdp, xdpNotice, xdpSentence } from './xdp.ts';

export function packetEndpoint(spec: Filled<PacketSpec>, context: EndpointContext): PortEndpoint {
  const { interface: name, io = 'auto' } = spec;
  const open = () => {
    if (io === 'af-xdp') return openXdp(spec, context, false);
    if (io === 'af-packet') return openPacket(spec, context, null);
    return openBest(spec, context);
  };
  const sentence = (code: string | undefined, error: unknown) =>
    io === 'af-xdp' ? xdpSentence(spec, error) : packetSentence(spec, code, error);
  const notice = (own: PacketState) => xdpNotice(name, own.io);
  return new InterfaceEndpoint({ name, open, sentence, notice }, context);
}

/**
 * AF_XDP where it copies nothing and takes nothing from anybody. Where it copies, a packet socket
 * is the better: frames uncut, checksums left to whoever needs them (docs/decisions/0014).
 */
async function openBest(
  spec: Filled<PacketSpec>,
  context: EndpointContext,
): Promise<InterfaceOpened<PacketState>> {
  const why = whyNotXdp(spec.interface);
  if (why !== null) return openPacket(spec, context, why);
  try {
    return await openXdp(spec, context, true);
  } catch (error) {
    return openPacket(spec, context, xdpSentence(spec, error));
  }
}
