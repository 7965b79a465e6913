/**
 * A tap port: an interface of the host, opened where it exists and made where it does not.
 *
 * One made for a user (`ip tuntap add dev NAME mode tap user USER`) does not need privileges.
 */

import { existsSync } from 'node:fs';
import { systemText } from '../../system-error.ts';
import type { EndpointContext, PortEndpoint } from '../endpoint.ts';
import type { Filled } from '../filled.ts';
import { InterfaceEndpoint } from '../interface.ts';
import type { TapSpec } from './spec.ts';

export function tapEndpoint(spec: Filled<TapSpec>, context: EndpointContext): PortEndpoint {
  const { interface: name, queues, persist, offloads = true } = spec;
  const options = () => ({
    queues,
    offloads,
    ...(persist === undefined ? {} : { persist }),
    ...(context.mtu() === 0 ? {} : { mtu: context.mtu() }),
  });
  const open = () => context.addon.openTap(name, options());
  const sentence = (code: string | undefined, error: unknown) => tapSentence(spec, code, error);
  return new InterfaceEndpoint({ name, open, sentence }, context);
}

/** Why an interface cannot be had, and what to do. */
export function tapSentence(
  spec: Filled<TapSpec>,
  code: string | undefined,
  error: unknown,
): string {
  const { interface: name, queues } = spec;
  const several = queues > 1 ? ' multi_queue' : '';
  const make = `"ip tuntap add dev ${name} mode tap user $USER${several}" as root`;
  switch (code) {
    case 'EPERM':
      return existsSync(`/sys/class/net/${name}`)
        ? `${name} does not belong to this user: make it with ${make}`
        : `${name} does not exist, and making it needs CAP_NET_ADMIN: make it with ${make}`;
    case 'EACCES':
      return `this user may not open /dev/net/tun: its permissions should be 0666`;
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return `there is no /dev/net/tun: load it with "modprobe tun" as root`;
    case 'EBUSY':
      return `${name} is in use by another program, or is not a tap interface: choose another`;
    case 'EINVAL':
      return queues > 1
        ? `${name} is not a multi-queue tap interface: make it with ${make}, or use queues=1`
        : `${name} is not a tap interface: choose another name`;
    case 'E2BIG':
      return `${name} has fewer queues than ${queues}: use queues=N with fewer`;
    default:
      return `${name}: ${systemText(error)}`;
  }
}
