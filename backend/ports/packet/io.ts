/** What a packet port tells of itself. */
export interface PacketState {
  readonly io: PacketIo;
}

/** What a packet port goes through. */
export interface PacketIo {
  readonly mode: 'af-packet' | 'af-xdp';
  /** Of AF_XDP: the interface reads and writes our memory itself. */
  readonly zeroCopy?: boolean;
  /** Of AF_XDP: the driver runs the program, or the kernel behind it. */
  readonly xdp?: 'native' | 'generic';
  /** Of AF_XDP: the kernel says when it needs a call to send or to fill. */
  readonly needWakeup?: boolean;
  /** Of AF_XDP: the interface takes VLAN tags off. */
  readonly losesTags?: boolean;
  /** Why it is not AF_XDP. Null: it is, or another was asked for. */
  readonly why: string | null;
}
