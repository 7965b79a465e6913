/** A vhost-user port, as plain data. */

export interface VhostUserSpec {
  readonly kind: 'vhost-user';
  readonly path: string;
  /** `server`, the default: we listen. */
  readonly role?: 'server' | 'client';
  /** Queue pairs, 1..16; 1 unless it is said. */
  readonly queues?: number;
  /** Permissions of the socket file, e.g. 0o660. */
  readonly mode?: number;
  readonly group?: string;
  /** Guest and switch leave checksums and segmentation to each other. On by default. */
  readonly offloads?: boolean;
}
