/** The daemon's log as a person reads it on a terminal; scripts get pino's JSON lines. */

interface Line {
  readonly level: number;
  readonly time: number;
  readonly msg?: string;
  readonly port?: string;
}

/** pino's levels that stand out. */
const words: Readonly<Record<number, string>> = { 20: 'debug: ', 40: 'warning: ', 50: 'error: ' };

/** @param json  One line of pino. */
export function logText(json: string): string {
  const { level, time, msg = '', port } = JSON.parse(json) as Line;
  // What is more in the line stays for scripts: the sentence says what happened.
  const at = new Date(time).toTimeString().slice(0, 8);
  return `${at} ${words[level] ?? ''}${port === undefined ? '' : `${port}: `}${msg}\n`;
}
