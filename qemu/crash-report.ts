/** How a guest ended, in words: what QEMU said last and what the guest's console said last. */

/** How a QEMU process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface EndFacts extends ProcessEnd {
  readonly name: string;
  /** We asked for this end. */
  readonly expected: boolean;
  /** Reason of QEMU's last SHUTDOWN event, e.g. "guest-reset". */
  readonly shutdownReason: string | null;
}

const quotedLines = 40;

/** One sentence: `guest vm1 ended: …`. */
export function endSentence(facts: EndFacts): string {
  const how = facts.expected ? 'ended as asked' : 'ended unexpectedly';
  return `guest ${facts.name} ${how}: ${endCause(facts)}`;
}

function endCause(facts: ProcessEnd & { readonly shutdownReason: string | null }): string {
  if (facts.signal !== null) return `QEMU was ended by ${facts.signal}`;
  if (facts.code !== 0 && facts.code !== null) return `QEMU exited with status ${facts.code}`;
  switch (facts.shutdownReason) {
    case 'guest-reset':
      return 'the guest reset itself (a kernel panic does that)';
    case 'guest-shutdown':
      return 'the guest powered off';
    case null:
      return 'QEMU exited with status 0';
    default:
      return `QEMU says ${facts.shutdownReason}`;
  }
}

/** The sentence, and below it the last lines of QEMU's stderr and of the serial log. */
export function endReport(sentence: string, stderr: string, serial: string): string {
  return [
    sentence,
    ...quote('QEMU said', stderr),
    ...quote('the guest’s console said last', serial),
  ].join('\n');
}

function quote(title: string, text: string): readonly string[] {
  const lines = cleanConsole(text).split('\n').slice(-quotedLines);
  return lines.join('') === '' ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)];
}

/** Takes out what moves a terminal's cursor (SeaBIOS clears the screen) and empty lines. */
export function cleanConsole(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the point.
      .replace(/\x1b(\[[0-9;?]*[ -/]*[@-~]|c)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]/g, '')
      .split('\n')
      .map((line) => line.trimEnd())
      .filter((line) => line !== '')
      .join('\n')
  );
}
