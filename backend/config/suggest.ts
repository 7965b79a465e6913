/** "Did you mean …?" for words that are not known. */

/**
 * The end of a sentence about an unknown word: what was probably meant, or what is possible.
 *
 * @example `unknown key "pooling"${hint('pooling', keys)}`
 */
export function hint(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === null ? `; known are ${known.join(', ')}` : `; did you mean "${near}"?`;
}

/** The known word that is the fewest slips away, or null when none is near. */
export function nearest(word: string, known: readonly string[]): string | null {
  // A third of the letters: "pooling" is near "polling", "x" is near nothing.
  let best = Math.floor(Math.max(word.length, 3) / 3) + 1;
  let found: string | null = null;
  for (const candidate of known) {
    const slips = distance(word.toLowerCase().slice(0, 64), candidate.toLowerCase());
    if (slips < best) {
      best = slips;
      found = candidate;
    }
  }
  return found;
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
