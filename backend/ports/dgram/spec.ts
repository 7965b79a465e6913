/** A dgram port, as plain data. */

/** One frame a datagram: QEMU's `-netdev dgram`. */
export interface DgramSpec {
  readonly kind: 'dgram';
  /** Ours: a path, or `udp:HOST:PORT`. */
  readonly address: string;
  /** The other end's, of the same sort. */
  readonly peer: string;
  readonly mode?: number;
  readonly group?: string;
}
