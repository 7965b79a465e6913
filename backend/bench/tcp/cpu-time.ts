/** CPU that a leg cost, by who spent it. */

import { readdirSync, readFileSync } from 'node:fs';

/** Seconds of CPU. */
export interface CpuTimes {
  /** Processes that move frames, besides QEMU; the kernel's softirq threads too. */
  readonly backend: number;
  /** QEMU's threads except the virtual CPUs: its devices and its network back-ends. */
  readonly devices: number;
  /** The virtual CPUs: the guests' own work, under TCG mostly emulation. */
  readonly guests: number;
}

/** Whose time counts. */
export interface Watched {
  readonly backendPids: readonly number[];
  readonly qemus: readonly { readonly pid: number; readonly vcpuThreads: readonly number[] }[];
}

/** Nanoseconds on a CPU, by thread. */
type ThreadTimes = ReadonlyMap<number, number>;

export interface Snapshot {
  readonly backend: readonly ThreadTimes[];
  readonly qemus: readonly ThreadTimes[];
}

export function takeSnapshot({ backendPids, qemus }: Watched): Snapshot {
  return {
    backend: [...backendPids, ...softirqThreads()].map(threadTimes),
    qemus: qemus.map(({ pid }) => threadTimes(pid)),
  };
}

/** What was spent from one snapshot to the other. */
export function spent(watched: Watched, before: Snapshot, after: Snapshot): CpuTimes {
  const all = () => true;
  const qemu = (vcpu: boolean) =>
    watched.qemus.reduce((sum, { vcpuThreads }, index) => {
      const wanted = (thread: number) => vcpuThreads.includes(thread) === vcpu;
      return sum + difference(before.qemus[index], after.qemus[index], wanted);
    }, 0);
  const backend = after.backend.reduce(
    (sum, times, index) => sum + difference(before.backend[index], times, all),
    0,
  );
  return { backend, devices: qemu(false), guests: qemu(true) };
}

function difference(
  before: ThreadTimes | undefined,
  after: ThreadTimes | undefined,
  wanted: (thread: number) => boolean,
): number {
  let ns = 0;
  for (const [thread, time] of after ?? []) {
    if (wanted(thread)) ns += time - (before?.get(thread) ?? 0);
  }
  return ns / 1e9;
}

/** A thread that ended meanwhile is not in it: those that move frames stay. */
function threadTimes(pid: number): ThreadTimes {
  const times = new Map<number, number>();
  for (const name of entries(`/proc/${pid}/task`)) {
    const text = read(`/proc/${pid}/task/${name}/schedstat`);
    if (text !== null) times.set(Number(name), Number(text.split(' ')[0]));
  }
  return times;
}

/** Frames that the kernel handles after an interrupt, when there are many. */
function softirqThreads(): readonly number[] {
  return entries('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => read(`/proc/${name}/comm`)?.startsWith('ksoftirqd/') === true)
    .map(Number);
}

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
