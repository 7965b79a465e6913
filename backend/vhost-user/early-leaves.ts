/**
 * Front-ends that leave right after they heard the offer: why, and what to do.
 *
 * A guest that runs keeps the features and queue pairs that it has. Where a back-end that comes
 * later offers less, its front-end cannot say so: QEMU closes the connection and tries again, once
 * a second and for ever. What exactly is missing is known to the front-end alone.
 */

import { featureNames, virtioFeatures } from '../../frontend-spec/index.ts';
import type { PeerLog } from '../log.ts';
import type { Offer } from './offer.ts';

/** What is looked at of a session that is over. */
export interface Leaver {
  readonly heardAndTookNothing: boolean;
  readonly tookSomething: boolean;
}

/** One that leaves like that may have been stopped; a second in a row is not an accident. */
const accidents = 1;
const transportBits =
  (1n << BigInt(virtioFeatures.VHOST_USER_F_PROTOCOL_FEATURES.bit)) |
  (1n << BigInt(virtioFeatures.VIRTIO_F_NOTIFY_ON_EMPTY.bit));

export class EarlyLeaves {
  readonly #text: string;
  readonly #log: PeerLog;
  #inARow = 0;

  constructor(offer: Offer, queues: number, log: PeerLog) {
    this.#text = earlyLeaveText(offer.features & ~transportBits, queues);
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
    // By kind: a front-end that stays now and then could fill the log otherwise.
    if (this.#inARow === accidents) this.#log.peer('info', 'early', this.#text);
    else if (this.#inARow === accidents + 1) {
      this.#log.peer('warn', 'early again', `again: ${this.#text}`);
    } else this.#log.debug('again, a front-end left after it heard the offer');
    return true;
  }
}

function earlyLeaveText(features: bigint, queues: number): string {
  const pairs = queues === 1 ? '1 queue pair' : `${queues} queue pairs`;
  return (
    `the front-end left after it heard what the port offers: ${pairs} and ` +
    `${featureNames(features).join(' ')}. If it connects and leaves again, its guest has more ` +
    'queue pairs, or runs with a feature that is not in this list: add the port again with the ' +
    'queues=N and offloads=on of the guest (valenic port remove, port add), or restart the guest ' +
    'with what is offered.'
  );
}
