/** The program `valenic`: bin/valenic.mjs starts this. */

import { codeOf } from '../system-error.ts';
import { runCli } from './index.ts';
import { LineSink } from './line-sink.ts';

const { env, stdout, stderr } = process;
const stop = new AbortController();
/** `valenic port list | head -1` is not a failure. */
const unread = new AbortController();
let outputFailed = false;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // Whoever asks twice does not want to wait.
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
}

/** Data that cannot be written is a failure, unless its reader has closed the pipe. */
function stdoutFailed(error: unknown): void {
  unread.abort();
  if (outputFailed || codeOf(error) === 'EPIPE') return;
  outputFailed = true;
  process.exitCode = 1;
  const why = codeOf(error) === 'ENOSPC' ? 'no space is left there' : String(codeOf(error));
  say(`valenic: the output cannot be written: ${why}\n`);
}

function say(text: string): void {
  try {
    stderr.write(text);
  } catch {
    // Nobody hears us. The exit status says the rest.
  }
}

stdout.on('error', stdoutFailed);
stderr.on('error', () => {});

/** https://no-color.org: any value but the empty one. */
const color = stdout.isTTY && !env.NO_COLOR && env.TERM !== 'dumb';
const status = await runCli(process.argv.slice(2), {
  stdout: {
    write: (text) => {
      try {
        stdout.write(text);
      } catch (error) {
        stdoutFailed(error);
      }
    },
  },
  stderr: { write: say },
  openLog: (notice) => new LineSink(stderr.fd, { notice }),
  ...{ env, color, ownsProcess: true },
  terminal: stderr.isTTY === true,
  signal: stop.signal,
  unread: unread.signal,
});
process.exitCode = outputFailed ? 1 : process.exitCode || status;
