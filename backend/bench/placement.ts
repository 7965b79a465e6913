/** How far two CPUs are from each other, by the probe of the datapath. */

/**
 * Nanoseconds from one of the two CPUs to the other, above which they are far apart.
 *
 * The probe has two states, seen over thousands of runs: 43 to 75 ns where the CPUs share a cache,
 * 207 to 243 ns where they do not. Nothing lies between, so any limit there separates them; it is
 * in the code so that nobody chooses it after seeing the rates.
 */
export const nearNs = 100;
/** Above this, another program used one of the CPUs during the probe: it says nothing. */
export const disturbedNs = 1000;

export function isNear(probeNs: number | null): boolean {
  return probeNs !== null && probeNs < nearNs;
}

export function isFar(probeNs: number | null): boolean {
  return probeNs !== null && probeNs >= nearNs && probeNs < disturbedNs;
}

/** A probe in a table: a disturbed one is not shown as a number of nanoseconds. */
export function probeText(ns: number | null): string {
  if (ns === null) return '-';
  return ns < disturbedNs ? ns.toFixed(0) : `>${disturbedNs}`;
}

/** How far apart the CPUs were, of several probes; '' where none tells. */
export function apartText(probesNs: readonly (number | null)[]): string {
  const known = probesNs.filter((ns): ns is number => ns !== null);
  const sound = known.filter((ns) => ns < disturbedNs);
  const range =
    sound.length === 0 ? '' : `CPUs ${Math.min(...sound)}..${Math.max(...sound)} ns apart`;
  const rest = known.length - sound.length;
  if (rest === 0) return range;
  const distance = range === '' ? 'the distance of the CPUs is not known' : range;
  return `${distance} (${rest} of ${known.length} probes were disturbed)`;
}
