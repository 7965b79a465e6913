/** What a command speaks through: data on stdout, words on stderr. */

import { styleText } from 'node:util';
import { ControlClient } from '../daemon/index.ts';
import type { LostNotice } from './line-sink.ts';

export interface Sink {
  write(text: string): unknown;
}

/** Where a daemon's log goes. */
export interface LogSink extends Sink {
  close(patienceMs: number): Promise<void>;
}

/** The world of one run of the command line; tests give their own. */
export interface CliIo {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Ends commands that run until they are stopped: serve, guest run, stats --watch, bench. */
  readonly signal?: AbortSignal;
  /** The reader of stdout is gone: ends what prints for it, and no daemon. */
  readonly unread?: AbortSignal;
  /** Opens stderr for a log that neither waits nor fails; absent: it goes to `stderr`. */
  readonly openLog?: (notice: LostNotice) => LogSink;
  /** The process is ours: what Node would print itself becomes lines of the log. */
  readonly ownsProcess?: boolean;
  /** stderr is a terminal: the daemon's log is words there, JSON lines elsewhere. */
  readonly terminal?: boolean;
  /** Colours on stdout; off unless true. */
  readonly color?: boolean;
}

/** Options that every command has. */
export interface GlobalOptions {
  readonly json?: true;
  readonly control?: string;
}

/** Colours by what they mean. */
const styles = { good: 'green', warning: 'yellow', bad: 'red', title: 'bold' } as const;

export class Cli {
  readonly io: CliIo;
  /** Somebody asked for the end, or nobody reads any more. */
  readonly signal: AbortSignal;
  /** Somebody asked for the end. */
  readonly asked: AbortSignal;
  readonly #globals: () => GlobalOptions;

  /** @param globals  Read when a command runs: not before are they known. */
  constructor(io: CliIo, globals: () => GlobalOptions) {
    this.io = io;
    this.asked = io.signal ?? new AbortController().signal;
    this.signal = io.unread === undefined ? this.asked : AbortSignal.any([this.asked, io.unread]);
    this.#globals = globals;
  }

  get json(): boolean {
    return this.#globals().json === true;
  }

  /** Of `--control`, else of VALENIC_CONTROL, else undefined: where daemons listen. */
  get control(): string | undefined {
    return this.#globals().control ?? (this.io.env?.VALENIC_CONTROL || undefined);
  }

  /** Talks to the daemon. */
  client(): ControlClient {
    return new ControlClient(this.control);
  }

  /** The result of a command: one JSON document on a line, or text. */
  data(value: object, text: () => string): void {
    const written = this.json ? jsonText(value) : text();
    if (written !== '') this.io.stdout.write(written.endsWith('\n') ? written : `${written}\n`);
  }

  /** Words for a person; a script does not need them. */
  say(words: string): void {
    this.io.stderr.write(`${words}\n`);
  }

  paint(meaning: keyof typeof styles, text: string): string {
    if (this.io.color !== true) return text;
    return styleText(styles[meaning], text, { validateStream: false });
  }
}

/** One line of JSON; 64-bit numbers become decimal text. */
export function jsonText(value: object): string {
  return JSON.stringify(value, (_, field) => (typeof field === 'bigint' ? `${field}` : field));
}
