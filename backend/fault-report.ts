/** A fault of a peer, as an operator reads about it. */

export interface FaultReport {
  readonly code: string;
  readonly text: string;
  /** What ends it, where an operator can; shown with the text. */
  readonly remedy?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What was found just now. */
export function faultReport(code: string, text: string, remedy?: string): FaultReport {
  return { code, text, ...(remedy === undefined ? {} : { remedy }), at: Date.now() };
}

/** What is wrong and what to do, in one line. */
export function withRemedy(text: string, remedy: string | undefined): string {
  return remedy === undefined ? text : `${text}; ${remedy}`;
}
