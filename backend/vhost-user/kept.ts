/**
 * What a running guest has is kept for it.
 *
 * A guest that runs keeps the features and queue pairs that it was started with, and its VMM cannot
 * change them: a back-end that offers less is left again, for ever. So the port remembers what it
 * gave to which process, also over a restart of the daemon, and offers that process the same again.
 * Any other gets what the port is configured with.
 *
 * ```
 *   load() ─► termsFor(process) ─► note(process, session) … ─► left(process) ─► close()
 *     │ file                          │ file, when it changed      │ the file goes with the process
 * ```
 */

import { featureNames } from '../../frontend-spec/index.ts';
import type { PeerLog } from '../log.ts';
import { systemText } from '../system-error.ts';
import type { Had, Kept, KeptFiles } from './kept-file.ts';
import { mostOffered, mostQueues, type Offer, pairsText, transportBits } from './offer.ts';
import { isSameProcess, lives, type ProcessId } from './process.ts';

/** What one connection is offered. */
export interface Terms {
  readonly offer: Offer;
  /** Queue pairs. */
  readonly queues: number;
}

/** What a front-end is given. */
export interface KeptTerms extends Terms {
  /** The MTU that its guest was told before, which it may be told again. */
  readonly mtu: number | null;
  /** How that differs from what the port is configured with; null: it does not. */
  readonly notice: KeptNotice | null;
}

export interface KeptNotice {
  readonly text: string;
  /** Its guest has what cannot be given, so it will not stay. */
  readonly lost: boolean;
}

/** What is looked at of a session. */
export interface Seen {
  /** It was told what is offered. */
  readonly heardOffer: boolean;
  readonly device: {
    readonly offered: bigint;
    readonly features: bigint | null;
    readonly protocolFeatures: bigint;
    readonly pairsNamed: number;
    readonly mtuSet: number | null;
  };
}

/** When a process has ended that closed its connection because it ends. */
const endsWithinMs = 1000;

export class KeptGuest {
  readonly #files: KeptFiles | null;
  readonly #socket: string;
  readonly #log: PeerLog;
  #kept: Kept | null;
  #changed = false;
  #saving: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  private constructor(files: KeptFiles | null, socket: string, log: PeerLog, kept: Kept | null) {
    this.#files = files;
    this.#socket = socket;
    this.#log = log;
    this.#kept = kept;
  }

  /** With what the file says of this socket, if a process that runs is meant. Never rejects. */
  static async load(files: KeptFiles, socket: string, log: PeerLog): Promise<KeptGuest> {
    try {
      return new KeptGuest(files, socket, log, await files.read(socket));
    } catch (error) {
      const text =
        `what the guest had before is not known: ${systemText(error)}; if it runs with more than ` +
        'this port offers now, start its VMM anew';
      log.peer('warn', 'kept unread', text);
      return new KeptGuest(files, socket, log, null);
    }
  }

  /** For as long as this process lives. */
  static inMemory(socket: string, log: PeerLog): KeptGuest {
    return new KeptGuest(null, socket, log, null);
  }

  /** Queue pairs that a front-end may come back for; 0: none is known. */
  get queues(): number {
    return Math.min(this.#kept?.had.queues ?? 0, mostQueues);
  }

  /** @param owner  Whose the connection is; null: not known, so it is nobody's who was here. */
  termsFor(owner: ProcessId | null, configured: Terms): KeptTerms {
    const had = this.#hadBy(owner);
    if (had === null) return { ...configured, mtu: null, notice: null };
    const { features, protocolFeatures } = configured.offer;
    return {
      offer: {
        features: features | (had.offered & mostOffered.features),
        protocolFeatures: protocolFeatures | (had.protocolFeatures & mostOffered.protocolFeatures),
      },
      queues: Math.max(configured.queues, Math.min(had.queues, mostQueues)),
      mtu: had.mtu,
      notice: noticeOf(had, configured),
    };
  }

  /** Takes note of what a front-end has by now. */
  note(owner: ProcessId | null, { heardOffer, device }: Seen): void {
    if (owner === null || !heardOffer) return;
    const before = this.#hadBy(owner);
    const features = (device.features ?? 0n) & ~transportBits;
    // Whoever only looks in does not take the place of a guest that runs.
    const guestRan = this.#kept !== null && this.#kept.had.taken !== 0n;
    if (before === null && guestRan && features === 0n) return;
    const had: Had = {
      offered: (before?.offered ?? device.offered) | (device.features ?? 0n),
      taken: features === 0n ? (before?.taken ?? 0n) : features,
      protocolFeatures: (before?.protocolFeatures ?? 0n) | device.protocolFeatures,
      queues: Math.max(before?.queues ?? 1, device.pairsNamed),
      mtu: device.mtuSet ?? before?.mtu ?? null,
    };
    if (before !== null && isSame(before, had)) return;
    this.#kept = { process: owner, had };
    this.#save();
  }

  /** Its connection is over: where its process ends too, nothing is kept. */
  left(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#forgetEnded(), endsWithinMs);
    this.#timer.unref();
  }

  /** Resolves when the file says what it will say from now on. Never rejects. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#forgetEnded();
    await this.#saving;
  }

  #hadBy(owner: ProcessId | null): Had | null {
    if (owner === null || this.#kept === null) return null;
    return isSameProcess(owner, this.#kept.process) ? this.#kept.had : null;
  }

  async #forgetEnded(): Promise<void> {
    const kept = this.#kept;
    if (kept === null || (await lives(kept.process))) return;
    // Another may have come meanwhile.
    if (this.#kept?.process !== kept.process) return;
    this.#kept = null;
    this.#save();
  }

  /** One writing at a time; what changes meanwhile is written by the next one. */
  #save(): void {
    this.#changed = true;
    this.#saving ??= this.#saveAll();
  }

  async #saveAll(): Promise<void> {
    while (this.#changed) {
      this.#changed = false;
      try {
        if (this.#kept === null) await this.#files?.remove(this.#socket);
        else await this.#files?.write(this.#socket, this.#kept);
      } catch (error) {
        this.#tellUnsaved(error);
      }
    }
    this.#saving = null;
  }

  #tellUnsaved(error: unknown): void {
    const text =
      `what this guest has cannot be written down: ${systemText(error)}; while it runs, restart ` +
      'the daemon only with the queues and offloads that the port has now';
    this.#log.peer('warn', 'kept unsaved', text);
  }
}

function isSame(one: Had, other: Had): boolean {
  return (Object.keys(one) as (keyof Had)[]).every((key) => one[key] === other[key]);
}

function noticeOf(had: Had, configured: Terms): KeptNotice | null {
  const lost = lostText(had);
  const text = lost ?? keptText(had, configured);
  return text === null ? null : { text, lost: lost !== null };
}

/** What is missing for good. */
function lostText(had: Had): string | null {
  const lost = had.taken & ~mostOffered.features;
  const what = both(had.queues > mostQueues ? pairsText(had.queues) : null, lost);
  if (what === null) return null;
  return (
    `The guest runs with ${what}, which this version of Valenic cannot give: its front-end will ` +
    'come and leave again. Start its VMM anew, or run the version that it was started with.'
  );
}

/** Both sets, and how to get from one to the other. */
function keptText(had: Had, { offer, queues }: Terms): string | null {
  const more = had.offered & mostOffered.features & ~offer.features & ~transportBits;
  const pairs = had.queues > queues ? pairsText(had.queues) : null;
  const what = both(pairs, more);
  if (what === null) return null;
  const without = more === 0n ? '' : `${pairs === null ? '' : ','} without these features`;
  const now = pairs === null ? '' : ` for ${pairsText(queues)}`;
  return (
    `The guest keeps ${what}, which it had before; the port is configured${now}${without}. ` +
    'To change the guest over, end its VMM and start it anew: a reboot in it is not enough.'
  );
}

function both(pairs: string | null, features: bigint): string | null {
  const names = features === 0n ? null : featureNames(features).join(' ') || hexText(features);
  return [pairs, names].filter((part) => part !== null).join(' and ') || null;
}

const hexText = (features: bigint): string => `0x${features.toString(16)}`;
