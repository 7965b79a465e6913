/** "Did you mean …?" for words that are not known. */

/** No more words than these are listed, or the sentence becomes unreadable. */
const mostListed = 12;

/**
 * The end of a sentence about an unknown word: what was probably meant, or what is possible.
 *
 * @param lister  What tells all of them, where they are too many for a sentence.
 * @example `unknown key "pooling"${hint('pooling', keys)}`
 */
export function hint(
  word: string,
  known: readonly string[],
  lister = '"valenic port add --help"',
): string {
  const near = nearest(word, known);
  if (near !== null) return `; did you mean "${near}"?`;
  if (known.length > mostListed) return `; ${lister} lists them`;
  return `; known: ${known.join(', ')}`;
}

/** The known word that is the fewest slips away, or that begins so; null when none is near. */
export function nearest(word: string, known: readonly string[]): string | null {
  const typed = word.toLowerCase().slice(0, 64);
  let best = Number.POSITIVE_INFINITY;
  let found: string | null = null;
  for (const candidate of known) {
    const slips = distance(typed, candidate.toLowerCase());
    // Two letters in five: "polng" is near "polling", "x" is near nothing.
    const most = Math.max(1, Math.floor(0.4 * Math.max(typed.length, candidate.length)));
    if (typed.length < 2 || slips > most || slips >= best) continue;
    best = slips;
    found = candidate;
  }
  if (found !== null || typed.length < 3) return found;
  return known.find((candidate) => candidate.toLowerCase().startsWith(typed)) ?? null;
}

/** Letters changed, lost, added or swapped with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  let twoAgo: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let slips = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        slips = Math.min(slips, (twoAgo[column - 2] ?? 0) + 1);
      }
      current.push(slips);
    }
    twoAgo = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}
