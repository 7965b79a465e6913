/**
 * Every error an operator can meet: a stable code, the exit status it leads to, and who can mend it.
 *
 * The sentence of an error says what is wrong and what to do; the code is for scripts and never changes.
 */

/** Exit statuses of the command line: 1 failed, 2 usage, 3 daemon unreachable, 4 not found. */
export const errorCodes = {
  usage: { exit: 2 },
  config_invalid: { exit: 2 },
  port_syntax: { exit: 2 },
  key_unknown: { exit: 2 },
  value_invalid: { exit: 2 },
  daemon_unreachable: { exit: 3 },
  port_not_found: { exit: 4 },
  switch_not_found: { exit: 4 },
  name_in_use: { exit: 1 },
  socket_in_use: { exit: 1 },
  socket_failed: { exit: 1 },
  group_unknown: { exit: 1 },
  limit_reached: { exit: 1 },
  datapath_failed: { exit: 1 },
  addon_missing: { exit: 1 },
  node_too_old: { exit: 1 },
  qemu_missing: { exit: 1 },
  kernel_missing: { exit: 1 },
  guest_failed: { exit: 1 },
  bench_failed: { exit: 1 },
  internal: { exit: 1 },
} as const satisfies Record<string, { exit: number }>;
export type ErrorCode = keyof typeof errorCodes;

/** An error with a stable code; `message` is one sentence for the person who can mend it. */
export class ValenicError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ValenicError';
    this.code = code;
  }

  /** The exit status of a command that ends with this error. */
  get exitStatus(): number {
    return errorCodes[this.code].exit;
  }
}
