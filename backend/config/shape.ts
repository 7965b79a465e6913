/** Checks of what programs give, made from the boundary's tables. */

import { z } from 'zod';
import {
  type Field,
  type Struct,
  structFault,
  type UnknownKey,
  unknownKey,
  type Values,
} from '../../native/boundary/index.ts';
import { hint, nearest } from '../values/suggest.ts';

/**
 * A shape for some fields of a struct. What it refuses it says in the words that the datapath has
 * for it.
 *
 * @param what  What the whole is called, for the sentences.
 */
export function shapeOf<T>(struct: Struct, what: string): z.ZodType<Partial<T>> {
  return z.unknown().transform((value, context) => {
    const refusal = refusalOf(struct, value, what);
    if (refusal === null) return value as Partial<T>;
    context.addIssue({ code: 'custom', ...refusal });
    return z.NEVER;
  });
}

interface Refusal {
  readonly message: string;
  readonly params: { readonly code: 'key_unknown' | 'value_invalid' };
}

function refusalOf(struct: Struct, value: unknown, what: string): Refusal | null {
  const invalid = (message: string) => ({ message, params: { code: 'value_invalid' as const } });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return invalid(`${what} must be an object with fields`);
  }
  const unknown = unknownKey({ type: 'struct', struct, partial: true }, value);
  if (unknown !== null) return { message: unknownText(unknown), params: { code: 'key_unknown' } };
  const fault = structFault(struct, value as Values, what, true);
  return fault === null ? null : invalid(`${fault}${meant(struct, value as Values)}`);
}

function unknownText({ key, path, known }: UnknownKey): string {
  return `unknown key "${key}"${path === '' ? hint(key, known) : ` in ${path}`}`;
}

/** The name that was probably meant, where one that is none stands in a field for names. */
function meant({ fields }: Struct, values: Values): string {
  const wrong = Object.entries(fields).find(([name, field]) => namesNothing(field, values[name]));
  if (wrong === undefined || wrong[1].type.type !== 'enumeration') return '';
  const near = nearest(`${values[wrong[0]]}`, wrong[1].type.enumeration.names);
  return near === null ? '' : `; did you mean "${near}"?`;
}

function namesNothing({ type }: Field, value: unknown): boolean {
  if (type.type !== 'enumeration' || typeof value !== 'string') return false;
  return !type.enumeration.names.includes(value);
}
