/** Every attack, by who mounts it. */

import type { Attack } from '../attack.ts';
import { rings } from './rings.ts';

export const actors: Readonly<Record<string, readonly Attack[]>> = {
  'a guest in its split rings': rings,
};
