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

/** A line of the log about lines that could not be written. `code`: of the last error. */
export function lostLine(lines: number, code: string): string {
  const what = lines === 1 ? 'a line of this log was' : `${lines} lines of this log were`;
  const msg = `${what} lost: ${reasons[code] ?? `writing failed with ${code}`}`;
  return `${JSON.stringify({ level: 40, time: Date.now(), lost: lines, code, msg })}\n`;
}

const reasons: Readonly<Record<string, string>> = {
  EAGAIN: 'the reader of the log was too slow',
  EPIPE: 'nobody read it',
  ENXIO: 'nobody read it',
  ENOSPC: 'the file system was full',
  EDQUOT: 'the quota was used up',
};
