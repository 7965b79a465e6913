/** A stream port, as plain data. */

/** Frames with their lengths in a byte stream: QEMU's `-netdev stream` and `socket`. */
export interface StreamSpec {
  readonly kind: 'stream';
  /** A path, or `tcp:HOST:PORT`. */
  readonly address: string;
  /** `server`, the default: we listen. */
  readonly role?: 'server' | 'client';
  /** Permissions of the socket file. */
  readonly mode?: number;
  readonly group?: string;
}
