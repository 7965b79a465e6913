/** What can go wrong with a guest, each with a stable code and one sentence for the operator. */

export const qemuErrorCodes = ['qemu_missing', 'kernel_missing', 'guest_failed'] as const;
export type QemuErrorCode = (typeof qemuErrorCodes)[number];

/** An error of this room. `message` says what is wrong and what to do about it. */
export class QemuError extends Error {
  readonly code: QemuErrorCode;

  constructor(code: QemuErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'QemuError';
    this.code = code;
  }
}

/** The sentence of anything that was thrown. */
export function sentenceOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
