/** What a C++ file includes, and which rooms of native/src may include which. */

/** DESIGN's order: each room may include only what stands before it, and itself. */
export const roomOrder = [
  'boundary',
  'spec',
  'base',
  'stats',
  'memory',
  'net',
  'ring',
  'switch',
  'lookup',
  'port',
  'io',
  'control',
  'driver',
  'addon',
] as const;

/**
 * Rooms that something before it in the order would allow but that it does not need: driver/ is the
 * guest's half of a virtqueue, a second witness of the rules that ring/ keeps, so it shares only
 * the numbers. It runs inside guests too.
 */
const narrower: Readonly<Record<string, readonly string[]>> = {
  driver: ['boundary', 'spec', 'base', 'net'],
};

/** Names in `#include "…"` and `#include <…>`. */
export function includesOf(text: string): readonly string[] {
  return [...text.matchAll(/^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)/gm)].map(
    ([, quoted, angled]) => quoted ?? `<${angled}>`,
  );
}

/** Why a file of native/src may not include this, or null. */
export function includeFault(path: string, include: string): string | null {
  const room = path.split('/')[2] ?? '';
  const refusal = `${path} may not include ${include}`;
  const at = (roomOrder as readonly string[]).indexOf(room);
  if (at < 0) return `${path} is in no room`;
  if (include.startsWith('<')) {
    return /^<(napi|node_api|uv|js_native_api)/.test(include) && room !== 'addon' ? refusal : null;
  }
  const target = include.split('/')[0] ?? '';
  const allowed = [...(narrower[room] ?? roomOrder.slice(0, at)), room];
  return allowed.includes(target) ? null : refusal;
}
