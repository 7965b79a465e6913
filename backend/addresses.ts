/** What an operator should know of the addresses behind a port: they move, or are pushed out. */

import type { AddressEvent, PortEvent } from '../native/boundary/index.ts';
import type { PeerLog } from './log.ts';

export interface AddressContext {
  /** `vale0:vm1` */
  readonly name: string;
  readonly log: PeerLog;
  /** The notices of another port, by the datapath's number; undefined: it was removed. */
  readonly notices: (port: number) => AddressNotices | undefined;
  /** notices() would now say something else. */
  readonly onChange: () => void;
}

type Moves = Extract<AddressEvent, { event: 'mac_moves' }>;

/** A notice about what was pushed out stays for so long after the last of it. */
const evictedForMs = 60_000;

export function isAddressEvent(event: PortEvent): event is AddressEvent {
  return ['mac_moves', 'mac_rests', 'macs_evicted', 'frames_refused'].includes(event.event);
}

export class AddressNotices {
  readonly #context: AddressContext;
  #moves: { readonly mac: string; readonly text: string } | null = null;
  #evicted = 0;
  #evictedTimer: NodeJS.Timeout | null = null;

  constructor(context: AddressContext) {
    this.#context = context;
  }

  get name(): string {
    return this.#context.name;
  }

  /** Sentences, as `port show` prints them; none: nothing is wrong. */
  list(): readonly string[] {
    const evicted = this.#evicted === 0 ? [] : [evictedText(this.#evicted)];
    return this.#moves === null ? evicted : [this.#moves.text, ...evicted];
  }

  handle(event: AddressEvent): void {
    if (event.event === 'mac_moves') this.#tellMoves(event);
    else if (event.event === 'mac_rests') this.#moves = null;
    else if (event.event === 'frames_refused') this.#tellRefused(event.frames);
    else this.#tellEvicted(event.evicted);
    this.#context.onChange();
  }

  close(): void {
    if (this.#evictedTimer !== null) clearTimeout(this.#evictedTimer);
  }

  /** Tells both ports, and the log once. */
  #tellMoves(event: Moves): void {
    const other = this.#context.notices(event.other);
    if (other === undefined) return;
    const text = movesText(event, this.name, other.name);
    this.#moves = { mac: event.mac, text };
    if (other.#moves?.mac === event.mac) return;
    const { mac, moves, seconds } = event;
    this.#context.log.peer('warn', 'mac moves', text, { mac, other: other.name, moves, seconds });
  }

  /** The datapath says it once a minute at most. */
  #tellRefused(frames: number): void {
    const what = frames === 1 ? '1 frame' : `${frames} frames`;
    const text = `${what} from this port dropped by port security: "valenic port show" says why`;
    this.#context.log.peer('warn', 'frames refused', text, { frames });
  }

  #tellEvicted(evicted: number): void {
    this.#evicted += evicted;
    this.close();
    this.#evictedTimer = setTimeout(() => {
      this.#evicted = 0;
      this.#context.onChange();
    }, evictedForMs);
    this.#evictedTimer.unref();
    this.#context.log.peer('warn', 'macs evicted', evictedText(this.#evicted), { evicted });
  }
}

/** The same sentence at both ports, whichever was told first. */
function movesText({ mac, vlan, moves, seconds }: Moves, one: string, other: string): string {
  const [first, second] = [one, other].sort();
  const where = vlan === 0 ? '' : ` in VLAN ${vlan}`;
  // Whole seconds passed: it may have been almost one more.
  return (
    `the address ${mac}${where} moved between ${first} and ${second} ${moves} times within ` +
    `${seconds + 1} s: there is a loop behind these ports, or two hosts have this address; ` +
    'break the loop, or give one of the hosts another address'
  );
}

function evictedText(evicted: number): string {
  const what =
    evicted === 1 ? '1 address of this port was' : `${evicted} addresses of this port were`;
  return (
    `the address table of the switch is full, and ${what} pushed out: frames for them go to ` +
    "every port; give the switch a larger table (mac-table), or lower this port's mac-limit"
  );
}
