/** Ports whose peer is behind a descriptor: streams, datagrams, interfaces of the host, NAT. */

import { DgramLink } from './dgram/endpoint.ts';
import type { LinkContext, LinkEndpoint } from './endpoint.ts';
import { packetLink } from './packet/endpoint.ts';
import type { Filled, LinkSpec } from './spec.ts';
import { StreamLink } from './stream/endpoint.ts';
import { tapLink } from './tap/endpoint.ts';
import { UserLink } from './user/endpoint.ts';

export type { LinkContext, LinkEndpoint, LinkIo, LinkState } from './endpoint.ts';

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
