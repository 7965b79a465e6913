/**
 * A tap port: an interface of the host, opened where it exists and made where it does not.
 *
 * One that was made for a user (`ip tuntap add dev NAME mode tap user USER`) needs no privileges.
 * An interface that is deleted under the port is opened again when it is back.
 */

import { existsSync, readFileSync } from 'node:fs';
import type { DatapathEvent, NetHeaderUse } from '../../native/boundary.ts';
import { ValenicError } from '../errors.ts';
import type { TapSpec } from '../port-spec.ts';
import { codeOf } from '../vhost-user/faults.ts';
import {
  type LinkContext,
  type LinkEndpoint,
  type LinkFault,
  type LinkState,
  linkFault,
} from './link.ts';

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

export class TapLink implements LinkEndpoint {
  readonly #spec: TapSpec;
  readonly #context: LinkContext;
  #connected = false;
  #netHeader: NetHeaderUse = 'none';
  #fault: LinkFault | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  /** The change under way; the next one waits for it. */
  #changing: Promise<void> = Promise.resolve();

  constructor(spec: TapSpec, context: LinkContext) {
    this.#spec = spec;
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
    const { interface: name } = this.#spec;
    this.#fault = linkFault(event.fault);
    log.peer('warn', 'gone', `the interface ${name} was deleted: make it again, it is looked for`);
    this.#changing = this.#detach();
    this.#timer ??= setInterval(() => this.#look(), lookMs);
    onChange();
  }

  state(): LinkState {
    return {
      address: this.#spec.interface,
      connected: this.#connected,
      offloads: offloadsOf[this.#netHeader],
      fault: this.#fault,
      notice: this.#notice(),
    };
  }

  #look(): void {
    const { interface: name } = this.#spec;
    if (this.#closed || !existsSync(`/sys/class/net/${name}`)) return;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    const { log, onChange } = this.#context;
    this.#changing = this.#changing
      .then(() => this.#attach())
      .catch((error) => {
        log.peer('warn', 'again', String(error instanceof Error ? error.message : error));
        if (!this.#closed) this.#timer ??= setInterval(() => this.#look(), lookMs);
      })
      .then(onChange);
  }

  async #attach(): Promise<void> {
    const { addon, datapath, port } = this.#context;
    const { interface: name, queues, persist, mtu, offloads = true } = this.#spec;
    const { fds, netHeader } = this.#open(() =>
      addon.openTap(name, {
        queues,
        offloads,
        ...(persist === undefined ? {} : { persist }),
        ...(mtu === undefined ? {} : { mtu }),
      }),
    );
    await datapath.command('link.attach', { port, fds, netHeader });
    this.#netHeader = netHeader;
    this.#connected = true;
    this.#fault = null;
  }

  async #detach(): Promise<void> {
    if (!this.#connected) return;
    this.#connected = false;
    const { datapath, port } = this.#context;
    await datapath.command('link.detach', { port });
  }

  #open<Opened>(open: () => Opened): Opened {
    try {
      return open();
    } catch (error) {
      throw new ValenicError('interface_failed', tapSentence(this.#spec, codeOf(error), error), {
        cause: error,
      });
    }
  }

  #notice(): string | null {
    const { interface: name } = this.#spec;
    try {
      const flags = Number(readFileSync(`/sys/class/net/${name}/flags`, 'utf8'));
      const up = (flags & 1) !== 0;
      return up ? null : `the interface is down: ip link set ${name} up`;
    } catch {
      return null; // It may be in another network namespace.
    }
  }
}

/** Why an interface cannot be had, and what to do. */
export function tapSentence(spec: TapSpec, code: string | undefined, error: unknown): string {
  const { interface: name, queues } = spec;
  const several = queues > 1 ? ' multi_queue' : '';
  const make = `"ip tuntap add dev ${name} mode tap user $USER${several}" as root`;
  switch (code) {
    case 'EPERM':
      return existsSync(`/sys/class/net/${name}`)
        ? `${name} was not made for this user: make it with ${make}`
        : `${name} does not exist, and making it needs CAP_NET_ADMIN: make it with ${make}`;
    case 'EACCES':
      return `/dev/net/tun may not be opened by this user: its permissions should be 0666`;
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return `there is no /dev/net/tun: load it with "modprobe tun" as root`;
    case 'EBUSY':
      return `${name} is in use by another program, or is no tap interface: choose another`;
    case 'EINVAL':
      return queues > 1
        ? `${name} is no tap interface of several queues: make it with ${make}, or say queues=1`
        : `${name} is no tap interface: choose another name`;
    case 'E2BIG':
      return `${name} has fewer queues than ${queues}: say less`;
    default:
      return `${name}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
