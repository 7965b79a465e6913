/**
 * A port at an interface of the host. One that is deleted under the port is opened again when it is
 * back.
 */

import { existsSync, readFileSync } from 'node:fs';
import type { DatapathEvent, NetHeaderUse } from '../../native/boundary/index.ts';
import { ValenicError } from '../errors.ts';
import type { FaultReport } from '../fault-report.ts';
import { codeOf, systemText } from '../system-error.ts';
import {
  type CommonState,
  type EndpointContext,
  linkFault,
  type PortEndpoint,
} from './endpoint.ts';

/** How often a deleted interface is looked for. */
const lookMs = 500;

const tso = ['CSUM', 'TSO4', 'TSO6', 'ECN'] as const;
/** What host and switch leave to each other. */
const offloadsOf = {
  none: [],
  plain: [],
  tso,
  uso: [...tso, 'USO4', 'USO6'],
} as const satisfies Record<NetHeaderUse, readonly string[]>;

/** Descriptors, one for each queue, and what the queues share. */
export interface InterfaceOpened<Own> {
  readonly fds: readonly number[];
  readonly sharedFds?: readonly number[];
  readonly netHeader: NetHeaderUse;
  /** What only this kind tells of itself. */
  readonly own?: Own;
}

/** What the kinds of such ports differ in. */
export interface InterfacePlace<Own> {
  readonly name: string;
  /** Throws with an errno's name. */
  readonly open: () => InterfaceOpened<Own> | Promise<InterfaceOpened<Own>>;
  /** Why that failed, and what to do. */
  readonly sentence: (code: string | undefined, error: unknown) => string;
  /** What the operator should know while it is up. */
  readonly notice?: (own: Own) => string | null;
}

export class InterfaceEndpoint<Own extends object = object> implements PortEndpoint {
  readonly #place: InterfacePlace<Own>;
  readonly #context: EndpointContext;
  #connected = false;
  #netHeader: NetHeaderUse = 'none';
  #own: Own | undefined;
  #fault: FaultReport | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  /** The change under way; the next one waits for it. */
  #changing: Promise<void> = Promise.resolve();

  constructor(place: InterfacePlace<Own>, context: EndpointContext) {
    this.#place = place;
    this.#context = context;
  }

  start(): Promise<void> {
    return this.#attach();
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#changing;
    await this.#detach();
  }

  /** Every queue tells of a deleted interface; the first one counts. */
  handleEvent(event: DatapathEvent): void {
    if (event.event !== 'link_down' || !this.#connected || this.#closed) return;
    const { log, onChange } = this.#context;
    const { name } = this.#place;
    this.#fault = linkFault(event.fault);
    log.peer(
      'warn',
      'gone',
      `the interface ${name} was deleted: make it again, and the port will use it`,
    );
    this.#changing = this.#detach();
    this.#timer ??= setInterval(() => this.#look(), lookMs);
    onChange();
  }

  state(): CommonState & Partial<Own> {
    const state: CommonState = {
      address: this.#place.name,
      connected: this.#connected,
      offloads: offloadsOf[this.#netHeader],
      fault: this.#fault,
      notice: this.#notice(),
    };
    return { ...state, ...(this.#own as Partial<Own>) };
  }

  #look(): void {
    const { name } = this.#place;
    if (this.#closed || !existsSync(`/sys/class/net/${name}`)) return;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    const { log, onChange } = this.#context;
    this.#changing = this.#changing
      .then(() => this.#attach())
      .catch((error) => {
        log.peer('warn', 'again', systemText(error));
        if (!this.#closed) this.#timer ??= setInterval(() => this.#look(), lookMs);
      })
      .then(onChange);
  }

  async #attach(): Promise<void> {
    const { datapath, port } = this.#context;
    const { fds, sharedFds = [], netHeader, own } = await this.#open();
    await datapath.command('link.attach', { port, fds, sharedFds, netHeader });
    this.#netHeader = netHeader;
    this.#own = own;
    this.#connected = true;
    this.#fault = null;
    const mismatch = this.#mtuNotice();
    if (mismatch !== null) this.#context.log.peer('warn', 'mtu', mismatch);
  }

  async #detach(): Promise<void> {
    if (!this.#connected) return;
    this.#connected = false;
    const { datapath, port } = this.#context;
    await datapath.command('link.detach', { port });
  }

  async #open(): Promise<InterfaceOpened<Own>> {
    const { open, sentence } = this.#place;
    try {
      return await open();
    } catch (error) {
      const text = sentence(codeOf(error), error);
      throw new ValenicError('interface_failed', text, { cause: error });
    }
  }

  #notice(): string | null {
    const flags = this.#read('flags');
    if (flags === null) return null;
    if ((flags & 1) === 0) return `the interface is down: ip link set ${this.#place.name} up`;
    const told = this.#own === undefined ? null : this.#place.notice?.(this.#own);
    return told ?? this.#mtuNotice();
  }

  /** A packet above the interface's MTU is lost there, even if the port lets it pass. */
  #mtuNotice(): string | null {
    const { name } = this.#place;
    const { mtu: portMtu, name: port } = this.#context;
    const [there, ours] = [this.#read('mtu'), portMtu()];
    if (there === null || ours === 0 || there === ours) return null;
    return (
      `the interface has an MTU of ${there} and the port one of ${ours}: ` +
      `ip link set ${name} mtu ${ours}, or valenic port set ${port} mtu=${there}`
    );
  }

  /** Null where the interface cannot be seen: it may be in another network namespace. */
  #read(fact: 'flags' | 'mtu'): number | null {
    try {
      return Number(readFileSync(`/sys/class/net/${this.#place.name}/${fact}`, 'utf8'));
    } catch {
      return null;
    }
  }
}
