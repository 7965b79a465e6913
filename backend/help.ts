/** What the help of every command shares. */

/** Below a command's help: what people type, without the program. */
export function examplesText(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  valenic ${line}`).join('\n')}`;
}
