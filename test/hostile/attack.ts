/**
 * An attack is a row: who it is, what it does, and what must come of it. Add one to a list in
 * `attacks/`; the suite does the rest (`hostile.test.ts`).
 */

import type { ConnectionFault } from '../../backend/vhost-user/faults.ts';
import type { CommandError, DropReason, FaultCode } from '../../native/boundary/index.ts';
import type { PortName, Scene } from './scene.ts';

/** What an attack must come to. Nothing else may: each is looked for until it is there. */
export type Outcome =
  /** A ring of a port is shown as broken, with this fault; its connection stays. */
  | { readonly ring: number; readonly fault: FaultCode; readonly port?: PortName }
  /** We ended the connection of a port for this reason, and say so. */
  | {
      readonly closed: FaultCode | ConnectionFault | CommandError;
      readonly port?: PortName;
    }
  /** A stream's connection was ended for this reason. */
  | { readonly link: PortName; readonly fault: FaultCode }
  /** Frames of the attacker's were counted under this reason. */
  | { readonly drop: DropReason; readonly port?: PortName }
  /** The connection that was opened last still answers. */
  | { readonly answers: true }
  /** The log has such a line. */
  | { readonly says: RegExp };

export interface Attack {
  /** What `--only` selects. */
  readonly name: string;
  /** Rows of docs/THREAT_MODEL.md that it tries; none: `kind` says what it is about. */
  readonly rules: readonly number[];
  readonly kind?: string;
  /** All of these; none: the pair, the base and the daemon's answers are the outcome. */
  readonly expect: readonly Outcome[];
  /** It sends to unknown stations, so the pair receives frames that are not its own. */
  readonly floods?: true;
  /** It fills the pair's rings; so the pair gets frames again when it is over. */
  readonly drowns?: true;
  /** Ports besides those of every daemon, as `valenic serve --port` takes them after `vale0:`. */
  readonly ports?: (folder: string) => readonly string[];
  /** Other words of `valenic serve`. */
  readonly words?: readonly string[];
  /** What this host lacks for it; null: nothing. */
  readonly lacks?: () => string | null;
  /** Too long for the short form, which names it as not run. */
  readonly long?: true;
  readonly run: (scene: Scene) => Promise<void>;
}
