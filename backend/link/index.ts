/** Ports whose peer is behind a descriptor: streams, datagrams, interfaces of the host, NAT. */

import type { Filled, LinkSpec } from '../port-spec.ts';
import { DgramLink } from './dgram.ts';
import type { LinkContext, LinkEndpoint } from './link.ts';
import { packetLink } from './packet.ts';
import { StreamLink } from './stream.ts';
import { tapLink } from './tap.ts';
import { UserLink } from './user.ts';

export type { LinkContext, LinkEndpoint, LinkFault, LinkIo, LinkState } from './link.ts';

export function makeLink(spec: Filled<LinkSpec>, context: LinkContext): LinkEndpoint {
  switch (spec.kind) {
    case 'stream':
      return new StreamLink(spec, context);
    case 'dgram':
      return new DgramLink(spec, context);
    case 'tap':
      return tapLink(spec, context);
    case 'packet':
      return packetLink(spec, context);
    case 'user':
      return new UserLink(spec, context);
  }
}
