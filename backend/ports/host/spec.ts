/** A host port, as plain data. */

/** A packet source and sink in this process. */
export interface HostSpec {
  readonly kind: 'host';
}
