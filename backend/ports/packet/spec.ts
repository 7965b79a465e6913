/** A packet port, as plain data. */

/** What a packet port goes through; `auto`: AF_XDP where that is better and harmless. */
export const packetIos = ['auto', 'af-packet', 'af-xdp'] as const;
/** The wire of an interface of the host: what comes to it and what leaves it. */
export interface PacketSpec {
  readonly kind: 'packet';
  readonly interface: string;
  /** 1..16; 1 unless it is said. */
  readonly queues?: number;
  /** `auto` unless it is said. */
  readonly io?: (typeof packetIos)[number];
}
