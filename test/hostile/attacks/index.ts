/** Every attack, by who mounts it. */

import type { Attack } from '../attack.ts';
import { control } from './control.ts';
import { cost } from './cost.ts';
import { descriptors } from './descriptors.ts';
import { dgrams } from './dgram.ts';
import { files } from './files.ts';
import { memory } from './memory.ts';
import { messages } from './messages.ts';
import { offloads } from './offloads.ts';
import { packedRings } from './packed.ts';
import { peers } from './peers.ts';
import { replayed } from './replayed.ts';
import { rings } from './rings.ts';
import { security } from './security.ts';
import { vlans } from './vlans.ts';
import { wires } from './wires.ts';

export const actors: Readonly<Record<string, readonly Attack[]>> = {
  'a guest in its split rings': rings,
  'a guest in its packed rings': packedRings,
  'a guest in its net headers': offloads,
  'a guest at the expense of others': cost,
  'a guest whose rings never end': replayed,
  'a guest in its tags': vlans,
  'a guest that says it is another': security,
  'a front-end in its messages': messages,
  'a front-end in its descriptors': descriptors,
  'a front-end in its memory': memory,
  'a peer behind a descriptor': peers,
  'a peer that sends datagrams': dgrams,
  'a guest or a wire, and the kernel between': wires,
  'a program among the socket files': files,
  'a program at the control socket': control,
};
