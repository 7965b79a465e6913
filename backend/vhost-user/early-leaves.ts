/**
 * Front-ends that leave right after they heard the offer: why, and what to do.
 *
 * A guest that runs keeps the features and queue pairs that it has. Where a back-end that comes
 * later offers less, its front-end cannot say so: QEMU closes the connection and tries again, once
 * a second and for ever. What exactly is missing is known to the front-end alone.
 */

import { featureNames } from '../../frontend-spec/index.ts';
import type { PeerLog } from '../log.ts';
import { pairsText, transportBits } from './offer.ts';

/** What is looked at of a session that is over. */
export interface Leaver {
  readonly heardAndTookNothing: boolean;
  readonly tookSomething: boolean;
  /** What it was offered. */
  readonly device: { readonly offered: bigint; readonly queues: number };
}

/** One that leaves like that may have been stopped; a second in a row is not an accident. */
const accidents = 1;

export class EarlyLeaves {
  readonly #log: PeerLog;
  #text = '';
  #inARow = 0;

  constructor(log: PeerLog) {
    this.#log = log;
  }

  /** For `port show`, from the second in a row until a front-end stays. */
  get notice(): string | null {
    return this.#inARow > accidents ? this.#text : null;
  }

  /** Takes note of a session that its front-end ended. True when the operator was told here. */
  told(session: Leaver): boolean {
    if (session.tookSomething) this.#inARow = 0;
    if (!session.heardAndTookNothing) return false;
    this.#inARow += 1;
    const { offered, queues } = session.device;
    this.#text = earlyLeaveText(offered & ~transportBits, queues);
    // By kind: a front-end that stays now and then could fill the log otherwise.
    if (this.#inARow === accidents) this.#log.peer('info', 'early', this.#text);
    else if (this.#inARow === accidents + 1) {
      this.#log.peer('warn', 'early again', `again: ${this.#text}`);
    } else this.#log.debug('again, a front-end left after it heard the offer');
    return true;
  }
}

function earlyLeaveText(features: bigint, queues: number): string {
  return (
    `the front-end left after it heard what the port offers: ${pairsText(queues)} and ` +
    `${featureNames(features).join(' ')}. If it connects and leaves again, its guest has more ` +
    'queue pairs, or runs with a feature that is not in this list: add the port again with the ' +
    'queues=N and offloads=on of the guest (valenic port remove, port add), or restart the guest ' +
    'with what is offered.'
  );
}
