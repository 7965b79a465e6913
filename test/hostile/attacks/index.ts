/** Every attack, by who mounts it. */

import type { Attack } from '../attack.ts';
import { control } from './control.ts';
import { cost } from './cost.ts';
import { descriptors } from './descriptors.ts';
import { files } from './files.ts';
import { memory } from './memory.ts';
import { messages } from './messages.ts';
import { offloads } from './offloads.ts';
import { packedRings } from './packed.ts';
import { peers } from './peers.ts';
import { rings } from './rings.ts';

export const actors: Readonly<Record<string, readonly Attack[]>> = {
  'a guest in its split rings': rings,
  'a guest in its packed rings': packedRings,
  'a guest in its net headers': offloads,
  'a guest at the expense of others': cost,
  'a front-end in its messages': messages,
  'a front-end in its descriptors': descriptors,
  'a front-end in its memory': memory,
  'a peer behind a descriptor': peers,
  'a program among the socket files': files,
  'a program at the control socket': control,
};
