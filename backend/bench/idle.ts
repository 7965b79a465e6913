/** `valenic bench idle`: what many guests that do nothing cost the back-end. */

import type { PollingMode } from '../../native/boundary/index.ts';
import { CpuMeter } from './cpu-meter.ts';
import { type Environment, environmentOf, noGuest } from './environment.ts';
import type { BenchIo } from './io.ts';
import { withPorts } from './ports-rig.ts';
import { type IdleOptions, idleCommand } from './quiet-options.ts';
import { runSynthetic } from './synthetic-process.ts';
import { parseWords } from './values.ts';
import {
  doubtLegend,
  loadDoubts,
  strictStatus,
  type Verdict,
  verdictOf,
  withVerdict,
} from './verdict.ts';

export interface IdleRow extends Verdict {
  readonly scenario: 'idle';
  readonly system: 'valenic';
  readonly driver: 'synthetic';
  readonly ports: number;
  readonly polling: PollingMode;
  readonly seconds: number;
  /** Cores that all threads of the back-end together used. */
  readonly backendCpu: number;
  readonly sleepsPerSecond: number;
  readonly roundsPerSecond: number;
  readonly environment: Environment;
}

/** @returns the exit status. @throws {ValenicError} */
export async function runIdleBench(argv: readonly string[], io: BenchIo): Promise<number> {
  const command = idleCommand().name('valenic bench idle');
  const options = parseWords<IdleOptions>(command, argv, (text) => io.stdout.write(text));
  if (options === null) return 0;
  const rows: IdleRow[] = [];
  for (const ports of options.ports) {
    for (const polling of options.polling) {
      const row = await measure(ports, polling, options, io);
      rows.push(row);
      const line = options.json ? JSON.stringify(row) : withVerdict(lineOf(row), row);
      io.stdout.write(`${line}\n`);
    }
  }
  if (!options.json) io.stdout.write(doubtLegend(rows));
  return strictStatus(options.strict, rows);
}

async function measure(
  count: number,
  polling: PollingMode,
  { seconds, workers }: IdleOptions,
  io: BenchIo,
): Promise<IdleRow> {
  return withPorts(count, { workers, polling }, async (backend, paths) => {
    const words = [
      ...paths.flatMap((path) => ['--port', path]),
      ...['--sleep', '--ring', '64', '--warmup', '1', '--seconds', `${seconds}`, '--runs', '1'],
    ];
    const total = (name: 'sleeps' | 'rounds') =>
      backend.workerStats().reduce((sum, worker) => sum + worker[name], 0);
    const meter = new CpuMeter();
    let [sleeps, rounds] = [0, 0];
    // Between its warm-up, in which all guests connect and say their first word, and its end.
    await runSynthetic(words, io.signal ?? new AbortController().signal, (line) => {
      if (line.begun !== undefined) {
        [sleeps, rounds] = [total('sleeps'), total('rounds')];
        meter.start();
      } else if (line.run !== undefined) {
        meter.stop();
        [sleeps, rounds] = [total('sleeps') - sleeps, total('rounds') - rounds];
      }
    });
    return {
      scenario: 'idle',
      system: 'valenic',
      driver: 'synthetic',
      ports: count,
      polling,
      seconds,
      backendCpu: meter.cores,
      sleepsPerSecond: sleeps / seconds,
      roundsPerSecond: rounds / seconds,
      ...verdictOf(loadDoubts(meter.load)),
      environment: environmentOf(noGuest, []),
    };
  });
}

function lineOf(row: IdleRow): string {
  const { ports, polling, backendCpu, sleepsPerSecond, roundsPerSecond } = row;
  return (
    `${ports} idle ports, ${polling}: ${(backendCpu * 100).toFixed(2)} % of a core, ` +
    `${sleepsPerSecond.toFixed(0)} sleeps and ${roundsPerSecond.toFixed(0)} rounds a second`
  );
}
