/** Tables and numbers for people. */

/** Columns as wide as their widest cell; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const right = head.map((_, column) => {
    return rows.length > 0 && rows.every((row) => /^(-|[\d.,]+( [kMG])?)$/.test(row[column] ?? ''));
  });
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) =>
        right[at] ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return all.map((row) => `${line(row)}\n`).join('');
}

/** `12,345` */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Four digits and a unit: `1.234 M`. */
export function short(value: number): string {
  const units = [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const;
  for (const [size, unit] of units) {
    if (value >= size) return `${(value / size).toPrecision(4)} ${unit}`;
  }
  return value.toFixed(value < 10 && value !== 0 ? 1 : 0);
}

/** `1 port`, `2 ports` */
export function plural(amount: number, word: string): string {
  return `${amount} ${word}${amount === 1 ? '' : 's'}`;
}
