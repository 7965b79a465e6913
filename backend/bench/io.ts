/** What a bench speaks through. */

export interface BenchIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  /** Ends it; what was measured until then is printed. */
  readonly signal?: AbortSignal;
}
