/**
 * Every error an operator can meet: a stable code, the exit status it leads to, and who can fix
 * it.
 *
 * The sentence of an error says what is wrong and what to do; the code is for scripts and never
 * changes.
 */

/**
 * `exit`: of the command line: 1 failed, 2 usage, 3 daemon unreachable, 4 not found.
 * `http`: of the control API.
 */
export const errorCodes = {
  usage: { exit: 2, http: 400 },
  config_invalid: { exit: 2, http: 400 },
  port_syntax: { exit: 2, http: 400 },
  key_unknown: { exit: 2, http: 400 },
  value_invalid: { exit: 2, http: 400 },
  not_built_in: { exit: 2, http: 400 },
  daemon_unreachable: { exit: 3, http: 503 },
  port_not_found: { exit: 4, http: 404 },
  switch_not_found: { exit: 4, http: 404 },
  route_not_found: { exit: 4, http: 404 },
  file_not_found: { exit: 4, http: 404 },
  name_in_use: { exit: 1, http: 409 },
  socket_in_use: { exit: 1, http: 409 },
  socket_failed: { exit: 1, http: 409 },
  interface_failed: { exit: 1, http: 409 },
  forward_failed: { exit: 1, http: 409 },
  user_missing: { exit: 1, http: 500 },
  user_failed: { exit: 1, http: 500 },
  group_unknown: { exit: 1, http: 409 },
  port_in_use: { exit: 1, http: 409 },
  limit_reached: { exit: 1, http: 429 },
  datapath_failed: { exit: 1, http: 500 },
  datapath_lost: { exit: 1, http: 500 },
  addon_missing: { exit: 1, http: 500 },
  node_too_old: { exit: 1, http: 500 },
  qemu_missing: { exit: 1, http: 500 },
  kernel_missing: { exit: 1, http: 500 },
  guest_failed: { exit: 1, http: 500 },
  bench_failed: { exit: 1, http: 500 },
  interrupted: { exit: 1, http: 500 },
  doctor_found: { exit: 1, http: 500 },
  internal: { exit: 1, http: 500 },
} as const satisfies Record<string, { exit: number; http: number }>;
export type ErrorCode = keyof typeof errorCodes;

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCodes, code);
}

/** An error with a stable code; `message` is one sentence for the person who can fix it. */
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
