/** A tap port, as plain data. */

/** An interface of the host. */
export interface TapSpec {
  readonly kind: 'tap';
  readonly interface: string;
  /** 1..16; 1 unless it is said. */
  readonly queues?: number;
  /** One that we make stays when the port goes. */
  readonly persist?: boolean;
  /** Host's stack and switch leave checksums and segmentation to each other. On by default. */
  readonly offloads?: boolean;
}
