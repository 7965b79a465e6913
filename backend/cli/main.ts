/** The program `valenic`: bin/valenic.mjs starts this. */

import { runCli } from './index.ts';

const { env, stdout, stderr } = process;
const stop = new AbortController();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // Whoever asks twice does not want to wait.
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
}
// `valenic port list | head -1` is no failure.
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  stop.abort();
});

/** https://no-color.org: any value but the empty one. */
const color = stdout.isTTY && !env.NO_COLOR && env.TERM !== 'dumb';
process.exitCode = await runCli(process.argv.slice(2), {
  ...{ stdout, stderr, env, color },
  terminal: stderr.isTTY === true,
  signal: stop.signal,
});
