/** A user port, as plain data. */

/** A port of the host that leads to one of a guest. */
export interface Forward {
  readonly protocol: 'tcp' | 'udp';
  /** IPv4, as the guest's. */
  readonly hostAddress: string;
  readonly hostPort: number;
  /** Absent: the first address that DHCP gives away. */
  readonly guestAddress?: string;
  readonly guestPort: number;
}
/** Networks elsewhere, by NAT in user space. */
export interface UserSpec {
  readonly kind: 'user';
  /** IPv4, e.g. `10.0.2.0/24`. */
  readonly network?: string;
  readonly forwards?: readonly Forward[];
  /** The gateway's address leads to this host's loopback. */
  readonly hostLoopback?: boolean;
}
