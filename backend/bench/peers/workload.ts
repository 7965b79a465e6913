/** What is compared, a row for each: the front-end's rings, frames and directions. */

/** Who plays the guests: ours, or DPDK's virtio-user. */
export type FrontendName = 'synthetic' | 'dpdk-virtio-user';
/** Real guests: a poll-mode driver in them, or their kernel. */
export type GuestDriver = 'guest-pmd' | 'guest-kernel';

export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly frontend: FrontendName | GuestDriver;
  readonly frameBytes: number;
  readonly bothWays: boolean;
  readonly ring: 'split' | 'packed';
  readonly ringSize: number;
  readonly mergeable: boolean;
  readonly indirect: boolean;
  /** Both guests read or write every cache line of a frame. */
  readonly touch: boolean;
  /** Frames go there and back, one at a time unless there is a load; compared is the p99. */
  readonly roundTrip: boolean;
  /** Paced round trips: the share of what the slowest backend of the run can do; null: not. */
  readonly load: number | null;
  /** What a reader must know to take the figure for what it is. */
  readonly note?: string;
}

export type SyntheticWorkload = Workload & { readonly frontend: FrontendName };
export type GuestWorkload = Workload & { readonly frontend: GuestDriver };

const plain = {
  frontend: 'synthetic',
  frameBytes: 60,
  bothWays: false,
  ring: 'split',
  ringSize: 256,
  mergeable: false,
  indirect: false,
  touch: false,
  roundTrip: false,
  load: null,
} as const;

const loads = [0.01, 0.5, 0.9] as const;

export const workloads: readonly SyntheticWorkload[] = [
  { ...plain, name: '60-uni', title: '60 B, one direction' },
  { ...plain, name: '60-bi', title: '60 B, both directions', bothWays: true },
  { ...plain, name: 'packed-uni', title: '60 B, packed ring, one direction', ring: 'packed' },
  {
    ...{ ...plain, name: 'packed-bi', title: '60 B, packed ring, both directions' },
    ...{ ring: 'packed', bothWays: true },
  },
  {
    ...{ ...plain, name: '1500-touched', title: '1500 B, every line touched by both guests' },
    ...{ frameBytes: 1500, touch: true },
  },
  {
    ...{ ...plain, name: '1500-cached', title: '1500 B, cache-resident', frameBytes: 1500 },
    note: 'the guests touch one cache line of 24, so the payload stays in the cache of one CPU',
  },
  { ...plain, name: 'mergeable', title: '60 B, mergeable receive buffers', mergeable: true },
  { ...plain, name: 'indirect', title: '60 B, indirect descriptors', indirect: true },
  { ...plain, name: 'ring-1024', title: '60 B, rings of 1024', ringSize: 1024 },
  { ...plain, name: 'latency', title: '60 B, round trip, one frame in flight', roundTrip: true },
  ...loads.map((load) => ({
    ...{ ...plain, roundTrip: true, load, name: `latency-${load * 100}` },
    title: `60 B, round trip at ${load * 100} % of the rate of the slowest`,
  })),
  {
    ...{ ...plain, name: 'virtio-user-60', title: "60 B, DPDK's virtio-user as the guests" },
    ...{ frontend: 'dpdk-virtio-user', bothWays: true, ringSize: 1024, mergeable: true },
  },
  {
    ...{ ...plain, name: 'virtio-user-1500', title: "1500 B, DPDK's virtio-user as the guests" },
    ...{ frontend: 'dpdk-virtio-user', bothWays: true, ringSize: 1024, mergeable: true },
    ...{ frameBytes: 1500, note: 'testpmd touches no payload' },
  },
];

export const workloadNames: readonly string[] = workloads.map(({ name }) => name);

/** Ten minutes' worth. */
export const quickWorkloads: readonly string[] = ['60-uni', '60-bi', '1500-touched', 'latency'];

const polled = { ...plain, frontend: 'guest-pmd', touch: true } as const;
const itself = { frontend: 'guest-kernel', touch: true, mergeable: true, indirect: true } as const;
const byKernel = { ...plain, ...itself };

/** Between two QEMU guests, with `--driver guest`. */
export const guestWorkloads: readonly GuestWorkload[] = [
  { ...polled, name: 'pmd-60', title: '60 B, poll-mode drivers' },
  { ...polled, name: 'pmd-1500', title: '1500 B, poll-mode drivers', frameBytes: 1500 },
  { ...byKernel, name: 'kernel-60', title: "60 B, the guests' kernels" },
  { ...byKernel, name: 'kernel-1500', title: "1500 B, the guests' kernels", frameBytes: 1500 },
  { ...polled, name: 'pmd-packed-60', title: '60 B, packed ring, poll-mode', ring: 'packed' },
  { ...byKernel, name: 'kernel-packed-60', title: '60 B, packed ring, kernels', ring: 'packed' },
];

export const guestWorkloadNames: readonly string[] = guestWorkloads.map(({ name }) => name);
export const quickGuestWorkloads: readonly string[] = ['pmd-60', 'kernel-60'];

export function isOfGuests({ frontend }: Pick<Workload, 'frontend'>): boolean {
  return frontend === 'guest-pmd' || frontend === 'guest-kernel';
}
