/**
 * CPU time of all threads of this process, from /proc: what the back-end costs; and who else used
 * the machine meanwhile.
 */

import { readFileSync } from 'node:fs';
import { type LoadReport, LoadWatch } from './load-watch.ts';

/** `getconf CLK_TCK`; Linux reports 100 on every architecture Node runs on. */
const ticksPerSecond = 100;

/** Seconds of CPU this process used so far, in all its threads. */
export function cpuSeconds(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // The name in parentheses may contain spaces; what follows it does not.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Measures between start() and stop(), which may be called in turn. */
export class CpuMeter {
  readonly #watch = new LoadWatch();
  #cpu = 0;
  #time = 0;
  #begun: { cpu: number; time: number } | null = null;

  start(): void {
    this.#watch.start();
    this.#begun = { cpu: cpuSeconds(), time: performance.now() };
  }

  stop(): void {
    if (this.#begun === null) return;
    this.#cpu += cpuSeconds() - this.#begun.cpu;
    this.#time += (performance.now() - this.#begun.time) / 1000;
    this.#begun = null;
    this.#watch.stop();
  }

  /** Of others, in the measured time. */
  get load(): LoadReport {
    return this.#watch.report();
  }

  /** Cores in use, on average. */
  get cores(): number {
    return this.#time === 0 ? 0 : this.#cpu / this.#time;
  }
}
