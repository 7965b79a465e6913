/** What the addon gives besides the datapath: sockets, descriptors, interfaces. */

import type { NetHeaderUse } from './kinds.ts';
import type { CommandName, Commands } from './types.ts';

/** The datapath as those see it who give it commands. */
export interface NativeDatapath {
  /** Rejects with an Error whose `code` is a FaultCode or one of commandErrors. */
  command<Name extends CommandName>(
    name: Name,
    argument: Commands[Name][0],
  ): Promise<Commands[Name][1]>;
  /** 64-bit words of the stats page; live memory, read-only by convention. */
  readonly stats: BigUint64Array;
  /** Stops and joins every thread, or says `worker_busy` after seconds. Idempotent. */
  close(): Promise<void>;
}

/**
 * What carries messages to a datapath and back; it knows none of them (codec.ts makes and reads
 * them). The addon has one: `import { createRequire }` … `require('valenic.node')`.
 */
export interface Carrier {
  /**
   * Resolves with the message that answers. The descriptors beside it move to the datapath, also
   * when the command fails or the promise is rejected.
   */
  send(message: Uint8Array, descriptors: readonly number[]): Promise<Uint8Array>;
  readonly stats: BigUint64Array;
  close(): Promise<void>;
}

/** A UNIX stream socket that carries descriptors; Node's own cannot. */
export interface NativeFdSocket {
  /** The descriptor, to ask the system about the peer; -1 once closed. Stays the socket's own. */
  readonly fd: number;
  /** Whose it is, for closeForeignFd(); 0 unless set. */
  owner: number;
  /**
   * One non-blocking recvmsg. `null`: nothing there now; empty `bytes`: the peer closed. Throws
   * with `code` `truncated` when more than 64 descriptors came (all are closed then), or an errno's
   * name.
   */
  receive(maxBytes: number): { bytes: Buffer; fds: number[] } | null;
  /** One non-blocking sendmsg; returns the bytes taken (0 = would block). Does not close `fds`. */
  send(bytes: Uint8Array, fds: readonly number[]): number;
  /** Calls back once when readable (or closed): level-triggered, one shot. */
  onceReadable(callback: () => void): void;
  onceWritable(callback: () => void): void;
  close(): void;
}

export interface NativeFdListener {
  /** The descriptor; -1 once closed. Stays the listener's own. */
  readonly fd: number;
  /** Accepts one connection or returns null. */
  accept(): NativeFdSocket | null;
  onceReadable(callback: () => void): void;
  close(): void;
}

export interface NativeAddon {
  Datapath: new (options: { maxPorts?: number; onMessage: (event: Uint8Array) => void }) => Carrier;
  /**
   * A message of any form as native code reads and writes it again: for tests that both sides
   * read alike. Throws with `code` as a command would be refused. `descriptors`: how many came.
   */
  reencode(message: Uint8Array, descriptors: number): Uint8Array;
  /** Throws with `code` (EADDRINUSE, ENOENT, ECONNREFUSED, EACCES …). */
  connectFdSocket(path: string): NativeFdSocket;
  /** Adopts an open descriptor, e.g. one end of a socketpair in a test. */
  adoptFdSocket(fd: number): NativeFdSocket;
  listenFdSocket(path: string, backlog: number, mode: number): NativeFdListener;
  socketPair(): [number, number];
  /** flock(LOCK_EX|LOCK_NB) on an open file; false when another process holds it. */
  tryLockFile(fd: number): boolean;
  /** What it is: eventfd, memfd, file, socket, pipe, directory, device or other. Never waits. */
  fdKind(fd: number): string;
  createEventFd(): number;
  createMemFd(name: string, sizeBytes: number): number;
  /**
   * Maps a memory file that is sealed against shrinking, as words that can only be read. `fd` stays
   * the caller's. Throws with an errno's name.
   */
  mapWords(fd: number, sizeBytes: number): BigUint64Array;
  /** A second descriptor for the same open file (close-on-exec). */
  duplicateFd(fd: number): number;
  /** Of one that is ours alone: of one that came by a socket this may wait. */
  closeFd(fd: number): void;
  /**
   * Hands over a descriptor that came by a socket: it is closed on a thread that nobody waits for.
   * What is stuck keeps others of its `owner` (a port's number) waiting and nobody else's.
   */
  closeForeignFd(fd: number, owner: number): void;
  /** Descriptors of this owner, or of all, that are still to be closed or examined. */
  foreignFdsWaiting(owner?: number): number;
  /**
   * On which file system a file is, by its name or its number (statfs(2)). It is asked elsewhere
   * and may never answer.
   */
  fileSystemOf(fd: number, owner: number): Promise<string>;
  /**
   * The next SIGTERM, SIGINT or SIGHUP that somebody handles also starts a clock: when the process
   * is still there after `graceMs`, whatever its threads wait for, it removes the files of
   * removeAtExit(), writes `line` to stderr and ends with code 1. Once for each process.
   */
  endAfterSignal(graceMs: number, line: string): void;
  /** A socket file of ours: then it is removed too, if it is still the same file. */
  removeAtExit(path: string): void;
  keepAtExit(path: string): void;
  peerCredentials(fd: number): { pid: number; uid: number; gid: number };
  /** `host` is an IPv4 or IPv6 address, `port` 0 any free one. Throws with an errno's name. */
  listenTcp(host: string, port: number, backlog: number): NativeFdListener;
  /** Under way: once it is writable, `socketError` says what became of it. */
  connectTcp(host: string, port: number): NativeFdSocket;
  /**
   * The error that waits on a socket, as an errno's name; null: none. A TCP socket that is its own
   * peer has ECONNREFUSED: nobody listens where it asked.
   */
  socketError(fd: number): string | null;
  /** The port that a TCP or UDP socket is bound to. */
  localPort(fd: number): number;
  /** A datagram socket at a path, with that mode. */
  bindUnixDatagram(path: string, mode: number): number;
  /** A UDP socket that talks to one peer only. ELOOP: that is the socket itself. */
  openUdp(local: { host: string; port: number }, peer: { host: string; port: number }): number;
  /**
   * Opens a tap interface, one descriptor for each queue, and makes it when there is none of that
   * name: then it is set up, and goes with its descriptors unless it persists. `offloads`: frames
   * are to carry a virtio-net header and what it may ask for; `netHeader` says what came of it.
   * Throws with an errno's name.
   */
  openTap(
    name: string,
    options: { queues: number; offloads: boolean; persist?: boolean; mtu?: number },
  ): { fds: number[]; created: boolean; netHeader: NetHeaderUse };
  /**
   * Opens sockets at an interface, one for each queue: they take what comes to it and send from it.
   * Throws with an errno's name.
   */
  openPacket(name: string, options: { queues: number }): { fds: number[]; netHeader: NetHeaderUse };
  /**
   * Opens AF_XDP sockets at an interface, one for each of its queues, and attaches the program that
   * gives them every frame that comes: it goes when `sharedFds` are closed. Throws with an errno's
   * name, and in `syscall` what had it (native/src/port/packet/xdp_socket.hpp).
   */
  openXdp(
    name: string,
    options: { queues: number; zeroCopyOnly: boolean },
  ): {
    fds: number[];
    sharedFds: number[];
    zeroCopy: boolean;
    native: boolean;
    /** The interface takes VLAN tags off, and its driver does not tell the program. */
    losesTags: boolean;
  };
  /**
   * Which versions of the wide functions there are, and which one runs: the widest, or the one that
   * VALENIC_SIMD names (native/src/base/simd.hpp).
   */
  simd(): SimdState;
}

/** Besides its descriptors, what openTap(), openPacket() and openXdp() say for link.attach. */
export interface LinkOpened {
  readonly netHeader?: NetHeaderUse;
  /** What the queues of a port have together; they move to the datapath with the others. */
  readonly sharedFds?: readonly number[];
}

export interface SimdState {
  readonly chosen: string;
  readonly versions: readonly { readonly name: string; readonly available: boolean }[];
}
