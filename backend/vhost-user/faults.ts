/**
 * What a front-end can do wrong, by name. Every row closes the connection that caused it, and
 * nothing else; what the datapath finds wrong (`faults`, `commandErrors` of the boundary) joins
 * under its own code.
 */

import {
  type CommandError,
  commandErrors,
  faults as datapathFaults,
  type FaultCode,
  mtuBytes,
} from '../../native/boundary/index.ts';
import { type FaultReport, faultReport } from '../fault-report.ts';
import { codeOf, noDescriptorsLeft, raiseFdLimit } from '../system-error.ts';

interface FaultRow {
  readonly text: string;
  /** What ends it; shown with the text. */
  readonly remedy: string;
  /** With REPLY_ACK asked for, the answer is "failed" and the connection stays. */
  readonly refusable?: true;
  /** A guest alone can bring it about: the connection stays in any case. */
  readonly harmless?: true;
}

/** A front-end says what none may say. */
const updateIt =
  'update the front-end (QEMU, or what stands in its place), or report it to whoever makes it';
const reportIt = 'report it, with the lines of the log before it';

export const connectionFaults = {
  version_unsupported: {
    text: 'the message is not vhost-user version 1',
    remedy: updateIt,
  },
  header_flags_invalid: {
    text: 'the message has flags that no request may have',
    remedy: updateIt,
  },
  message_too_long: {
    text: 'the message announces more bytes than any request has',
    remedy: updateIt,
  },
  message_truncated: {
    text: 'the connection ended in the middle of a message',
    remedy: updateIt,
  },
  payload_size_wrong: {
    text: 'the payload does not have the size that its request requires',
    remedy: updateIt,
  },
  payload_value_invalid: {
    text: 'a field of the payload is out of range',
    remedy: updateIt,
  },
  fd_count_wrong: {
    text: 'the message carries the wrong number of file descriptors',
    remedy: updateIt,
  },
  fds_truncated: {
    text: 'the message carries more than 64 file descriptors',
    remedy: updateIt,
  },
  fd_kind_wrong: {
    text: 'a file descriptor is of the wrong kind',
    remedy: updateIt,
  },
  memory_file_system: {
    text: 'the memory is on a file system that can make us wait',
    remedy: 'put the memory of the guest on a memfd, tmpfs or hugetlbfs',
  },
  request_unknown: {
    text: 'the specification has no such request',
    remedy: updateIt,
  },
  request_not_served: {
    text: 'this backend does not serve the request',
    remedy: 'leave out what needs it; docs/reference/vhost-user.md lists what is served',
  },
  request_not_negotiated: {
    text: 'the request needs a feature that was not negotiated',
    remedy: updateIt,
  },
  feature_not_offered: {
    text: 'the front-end accepted a feature that was not offered',
    remedy: 'give the port the offloads that its guest runs with, or restart the guest',
  },
  ring_index_invalid: {
    text: 'the port has no ring with that number',
    remedy: 'give the port as many queue pairs as its guest has: queues=N',
  },
  ring_is_running: {
    text: 'the ring must be stopped before its size or base is set',
    remedy: updateIt,
  },
  features_while_running: {
    text: 'the features may not change while a ring runs',
    remedy: updateIt,
  },
  region_unknown: {
    text: 'no memory region has that address and size',
    remedy: updateIt,
    refusable: true,
  },
  too_many_regions: {
    text: 'there are more memory regions than slots',
    remedy: 'give the guest fewer memory backends and devices',
    refusable: true,
  },
  mtu_invalid: {
    text: `the MTU is outside ${mtuBytes.min}..${mtuBytes.max}, or above what the port allows`,
    remedy:
      'start QEMU with an MTU that the port allows (host_mtu=N), or give the port a higher ' +
      'one (mtu=N)',
    refusable: true,
  },
  mac_invalid: {
    text: 'the MAC address is zero or a group address',
    remedy: updateIt,
    refusable: true,
  },
  config_read_only: {
    text: 'the network configuration is read-only',
    remedy: updateIt,
    refusable: true,
    harmless: true,
  },
  socket_error: {
    text: 'the operating system reported an error on the socket',
    remedy: 'look at the front-end: it may have ended; it is served again when it connects',
  },
  descriptors_exhausted: {
    text: noDescriptorsLeft,
    remedy: raiseFdLimit,
  },
  internal: {
    text: 'a handler of this backend failed; this is a bug in Valenic',
    remedy: reportIt,
  },
} as const satisfies Record<string, FaultRow>;
export type ConnectionFault = keyof typeof connectionFaults;

/**
 * A fault of the peer or of the world that ends one connection; `message` is the whole sentence.
 */
export class PeerFault extends Error {
  readonly code: string;
  /** What ends it, where an operator can. */
  readonly remedy: string | undefined;
  /** The request may be answered with "failed" instead, if the front-end asked for an answer. */
  readonly refusable: boolean;
  /** The connection stays, whether an answer was asked for or not. */
  readonly harmless: boolean;

  constructor(
    code: string,
    text: string,
    options?: {
      readonly refusable?: boolean;
      readonly harmless?: boolean;
      readonly remedy?: string | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(text, { cause: options?.cause });
    this.name = 'PeerFault';
    this.code = code;
    this.remedy = options?.remedy;
    this.harmless = options?.harmless ?? false;
    this.refusable = this.harmless || (options?.refusable ?? false);
  }

  /** The same fault, with the name of the request before its sentence. */
  in(request: string): PeerFault {
    const { refusable, harmless, remedy, cause } = this;
    const options = { refusable, harmless, remedy, cause };
    return new PeerFault(this.code, `${request}: ${this.message}`, options);
  }

  /** As the operator sees it, from now on. */
  get report(): FaultReport {
    return faultReport(this.code, this.message, this.remedy);
  }
}

/** @param detail  What exactly was wrong, e.g. `8 bytes wanted, 4 came`. */
export function fault(code: ConnectionFault, detail?: string, cause?: unknown): PeerFault {
  const row: FaultRow = connectionFaults[code];
  const text = detail === undefined ? row.text : `${row.text} (${detail})`;
  return new PeerFault(code, text, { ...row, cause });
}

/**
 * What the datapath said against a command, as a fault of the connection that caused the command.
 */
export function datapathFault(error: unknown, command: string): PeerFault {
  const code = codeOf(error);
  if (code !== undefined && isDatapathFault(code)) {
    return faultOfDatapath(code, error);
  }
  if (code !== undefined && isCommandError(code)) {
    const text = `${commandErrors[code]} (${command})`;
    return new PeerFault(code, text, { refusable: code !== 'closed', cause: error });
  }
  return fault('internal', `${command}: ${String(error)}`, error);
}

/** Whatever was thrown, as a fault of the connection. */
export function asPeerFault(error: unknown): PeerFault {
  if (error instanceof PeerFault) return error;
  const code = codeOf(error);
  if (code === 'EMFILE') return fault('descriptors_exhausted', undefined, error);
  return fault('internal', String(error), error);
}

function isDatapathFault(code: string): code is FaultCode {
  return Object.hasOwn(datapathFaults, code);
}

function isCommandError(code: string): code is CommandError {
  return Object.hasOwn(commandErrors, code);
}

/** True if only the ring closes: `closes: 'queue'` in the boundary's table. */
export function isQueueFault(code: string): code is FaultCode {
  return isDatapathFault(code) && datapathFaults[code].closes === 'queue';
}

/** A fault that the datapath found. @param where  Goes before its sentence, e.g. `ring 0`. */
export function faultOfDatapath(code: FaultCode, cause?: unknown, where?: string): PeerFault {
  const row: { readonly text: string; readonly remedy?: string } = datapathFaults[code];
  const text = where === undefined ? row.text : `${where}: ${row.text}`;
  return new PeerFault(code, text, { remedy: row.remedy, cause, harmless: where !== undefined });
}

/** Work that costs others time: a front-end that always reconnects could cause it without end. */
export const costly: readonly string[] = ['notification_blocked', 'worker_stalled'];
