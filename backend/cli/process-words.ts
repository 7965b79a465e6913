/** What Node would otherwise print raw into the daemon's log. */

import type { Logger } from '../log.ts';

/** So many faults of ours within a minute, and the process ends: something is broken for good. */
const faultsMax = 10;
const faultsWithinMs = 60_000;

/**
 * Warnings and faults of this process become lines of the log until the function that is returned
 * is called.
 *
 * A fault that nobody caught is a bug of ours. It concerns one command or one peer; the guests'
 * frames pass through threads that know nothing of it. So it is told, and the daemon goes on,
 * unless they keep coming.
 */
export function takeProcessWords(log: Logger): () => void {
  const printers = process.listeners('warning');
  const recent: number[] = [];
  const onWarning = ({ name, message }: Error): void => {
    log.warn({ warning: name }, `Node warns: ${message}`);
  };
  const onFault = (thrown: unknown): void => {
    const now = performance.now();
    recent.push(now);
    while (now - (recent[0] ?? now) > faultsWithinMs) recent.shift();
    const { message, stack = null } = thrown instanceof Error ? thrown : new Error(String(thrown));
    log.error({ stack }, `a fault in Valenic itself, please report it: ${message}`);
    if (recent.length < faultsMax) return;
    log.error({}, `${faultsMax} faults within a minute: the daemon stops`);
    process.exitCode = 1;
    process.kill(process.pid, 'SIGTERM');
  };
  process.removeAllListeners('warning');
  process.on('warning', onWarning);
  process.on('uncaughtException', onFault);
  process.on('unhandledRejection', onFault);
  return () => {
    process.off('warning', onWarning);
    process.off('uncaughtException', onFault);
    process.off('unhandledRejection', onFault);
    for (const printer of printers) process.on('warning', printer);
  };
}
