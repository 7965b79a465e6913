/**
 * Who else used the machine while something was measured: other processes, the hypervisor, and what
 * of this process itself kept its workers waiting.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { workersWaitedNs } from './worker-threads.ts';

/** `getconf CLK_TCK`; Linux reports 100 on every architecture Node runs on. */
const ticksPerSecond = 100;
/** Clocks of ticks are read one after the other, and both ends are rounded. */
const slackTicks = 3;

export interface LoadReport {
  /** CPUs that were used by processes which are neither this one nor its children. */
  readonly others: number;
  /** CPUs that the hypervisor gave to somebody else. */
  readonly stolen: number;
  /** CPUs that workers of this process could have used and did not get. */
  readonly waited: number;
  readonly cpus: number;
}

/** In ticks, except `waitedNs`. */
export interface Usage {
  readonly busy: number;
  readonly stolen: number;
  readonly own: number;
  readonly waitedNs: number;
}
const nothing: Usage = { busy: 0, stolen: 0, own: 0, waitedNs: 0 };

/** From `start()` to `stop()`, or to several of them in turn: what was measured between. */
export class LoadWatch {
  readonly #read: () => Usage;
  readonly #cpus: number;
  #sum: Usage = nothing;
  #spans = 0;
  #seconds = 0;
  #begun: { readonly usage: Usage; readonly time: number } | null = null;

  constructor(read: () => Usage = readUsage, cpuCount = Math.max(1, cpus().length)) {
    this.#read = read;
    this.#cpus = cpuCount;
  }

  start(time = performance.now()): void {
    this.#begun = { usage: this.#read(), time };
  }

  stop(time = performance.now()): void {
    if (this.#begun === null) return;
    const { usage, time: began } = this.#begun;
    const now = this.#read();
    const sum = this.#sum;
    this.#sum = {
      busy: sum.busy + now.busy - usage.busy,
      stolen: sum.stolen + now.stolen - usage.stolen,
      own: sum.own + now.own - usage.own,
      waitedNs: sum.waitedNs + now.waitedNs - usage.waitedNs,
    };
    this.#seconds += (time - began) / 1000;
    this.#spans++;
    this.#begun = null;
  }

  report(): LoadReport {
    const ticks = this.#seconds * ticksPerSecond;
    const share = (used: number) =>
      ticks === 0 ? 0 : Math.max(0, used - slackTicks * this.#spans) / ticks;
    return {
      others: Number(share(this.#sum.busy - this.#sum.own).toFixed(3)),
      stolen: Number(share(this.#sum.stolen).toFixed(3)),
      waited: this.#seconds === 0 ? 0 : this.#waited(),
      cpus: this.#cpus,
    };
  }

  /** A worker that has ended took its own with it. */
  #waited(): number {
    return Number((Math.max(0, this.#sum.waitedNs) / 1e9 / this.#seconds).toFixed(4));
  }
}

function readUsage(): Usage {
  const machine = machineUsage(readFileSync('/proc/stat', 'utf8'));
  return { ...machine, own: ownTicks(), waitedNs: workersWaitedNs() };
}

/**
 * The first line of /proc/stat: user nice system idle iowait irq softirq steal, and guests' time.
 * Interrupts are nobody's: those of a tap are part of what is measured.
 */
export function machineUsage(stat: string): Pick<Usage, 'busy' | 'stolen'> {
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] =
    /^cpu\s+(.*)$/m.exec(stat)?.[1]?.split(' ').map(Number) ?? [];
  return { busy: user + nice + system, stolen: steal };
}

/** Ends of the way up from a process that is ours, or a thread of the kernel that works for all. */
const kernelThreads = 2;

/**
 * Of this process, all below it, and the kernel's threads. Those that ended are in the times that
 * their parents waited for.
 */
function ownTicks(): number {
  const roots = [process.pid, kernelThreads];
  const found = new Map<number, { readonly parent: number; readonly ticks: number }>();
  for (const name of readdirSync('/proc')) {
    const entry = /^\d+$/.test(name) ? processTicks(name) : null;
    if (entry !== null) found.set(Number(name), entry);
  }
  const isOwn = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined; at = found.get(at)?.parent) {
      if (roots.includes(at)) return true;
    }
    return false;
  };
  return [...found].reduce((sum, [pid, { ticks }]) => sum + (isOwn(pid) ? ticks : 0), 0);
}

function processTicks(pid: string): { readonly parent: number; readonly ticks: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may contain spaces; what follows it does not.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const times = fields.slice(11, 15).map(Number);
    return { parent: Number(fields[1]), ticks: times.reduce((sum, time) => sum + time, 0) };
  } catch {
    return null; // It ended meanwhile.
  }
}
