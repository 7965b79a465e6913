/** Everything that is generated from the tables of this room. */

import { generateHeaders } from './headers.ts';
import { generateReference } from './reference.ts';
import { generateWitness } from './witness.ts';

/** The texts, by the path of each from the root of the repository. */
export function generateAll(): Record<string, string> {
  return { ...generateHeaders(), ...generateWitness(), ...generateReference() };
}
