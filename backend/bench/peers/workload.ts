/** What is compared, a row for each: the front-end's rings, frames and directions. */

export interface Workload {
  readonly name: string;
  readonly title: string;
  /** Who plays the guests: ours, or DPDK's virtio-user. */
  readonly frontend: 'synthetic' | 'dpdk-virtio-user';
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

export const workloads: readonly Workload[] = [
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
    note: 'the guests touch one line of 24: the payload stays in the cache of one CPU',
  },
  { ...plain, name: 'mergeable', title: '60 B, mergeable receive buffers', mergeable: true },
  { ...plain, name: 'indirect', title: '60 B, indirect descriptors', indirect: true },
  { ...plain, name: 'ring-1024', title: '60 B, rings of 1024', ringSize: 1024 },
  { ...plain, name: 'latency', title: '60 B, round trip, one frame in flight', roundTrip: true },
  ...loads.map((load) => ({
    ...{ ...plain, roundTrip: true, load, name: `latency-${load * 100}` },
    title: `60 B, round trip at ${load * 100} % of what the slowest can do`,
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
