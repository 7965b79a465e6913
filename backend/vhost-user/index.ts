/**
 * A vhost-user back-end for one port of the datapath: its socket, the front-end connected to it,
 * and what can be shown of both.
 *
 * ```
 *   start() ─► listen, or connect and connect again ─► Session for each connection ─► Device
 *   close() ─► the session ends, rings stop, memory is given back, the socket file goes
 * ```
 */

import { featureNames, protocolFeatureNames } from '../../frontend-spec/index.ts';
import {
  mtuBytes,
  type NativeAddon,
  type NativeDatapath,
  type NativeFdSocket,
  type PortEvent,
  queuePairs,
  typeFault,
} from '../../native/boundary/index.ts';
import { ValenicError } from '../errors.ts';
import { type FaultReport, withRemedy } from '../fault-report.ts';
import { type Logger, PeerLog } from '../log.ts';
import { Client } from '../socket/client.ts';
import { SocketFile } from '../socket/file.ts';
import { Listener } from '../socket/listener.ts';
import { refuseAbstract } from '../socket/path.ts';
import type { Device } from './device.ts';
import { EarlyLeaves } from './early-leaves.ts';
import { costly } from './faults.ts';
import { fdsAreStuck, foreignFds } from './fds.ts';
import { KeptGuest, type KeptNotice } from './kept.ts';
import { type Offer, offerOf } from './offer.ts';
import { listenerOf, type ProcessId, processOf } from './process.ts';
import { Session } from './session.ts';
import { defaultTimings, type Timings } from './timings.ts';

export type {
  DatapathEvent,
  NativeAddon,
  NativeDatapath,
} from '../../native/boundary/index.ts';
export { addonCarrier, type CarrierPlace } from '../datapath/carried.ts';
export { Datapath } from '../datapath/datapath.ts';
export { loadAddon } from '../datapath/load.ts';
export { ValenicError } from '../errors.ts';
export type { FaultReport } from '../fault-report.ts';
export { type Logger, silent } from '../log.ts';
export { memoryNotSharedNotice, noMemoryNotice } from './device.ts';
export { KeptGuest } from './kept.ts';
export { KeptFiles } from './kept-file.ts';
export type { Timings } from './timings.ts';

export interface VhostUserEndpointOptions {
  readonly addon: NativeAddon;
  readonly datapath: NativeDatapath;
  /**
   * The port's number in the datapath, of kind `vhost`. Only this endpoint may command its rings.
   */
  readonly port: number;
  /** The port's name, for the log. */
  readonly name: string;
  readonly path: string;
  /** `server`: we listen at the path. `client`: we connect to it. */
  readonly role: 'server' | 'client';
  /** Queue pairs, 1..16. */
  readonly queues: number;
  /** Permissions of the socket file; 0o600 unless told otherwise. */
  readonly mode?: number;
  /** Name of the group that gets the socket file. */
  readonly group?: string;
  /** The MTU told to the guest, and the largest that the front-end may set; 0 is none. */
  readonly mtu?: number;
  /** Offer checksum and segmentation offloads; true unless told otherwise. */
  readonly offloads?: boolean;
  /** Feature bits that may be offered; all that are built by default. */
  readonly featuresMask?: bigint;
  /** Offer the protocol feature CONFIG; see offer.ts why not. */
  readonly offerConfig?: boolean;
  /** What the guest has that may come back; of this process alone unless it was loaded. */
  readonly kept?: KeptGuest;
  readonly timings?: Partial<Timings>;
  readonly log: Logger;
  /** state() would now say something else. */
  readonly onChange?: () => void;
}

/** What `port show` tells; plain data. */
export interface VhostUserState {
  readonly role: 'server' | 'client';
  /** The socket's path. */
  readonly address: string;
  readonly connected: boolean;
  readonly peer?: { readonly pid: number; readonly uid: number };
  readonly features: readonly string[];
  readonly protocolFeatures: readonly string[];
  readonly memoryRegions: number;
  readonly rings: readonly {
    readonly ring: number;
    readonly started: boolean;
    readonly enabled: boolean;
    readonly size: number;
    readonly fault: string | null;
    /** What differs from what the front-end said, and does no harm. */
    readonly notice: string | null;
  }[];
  /** Of the present connection; without one, why the last was ended. */
  readonly fault: FaultReport | null;
  /** The last request of this connection that was refused; the connection stayed. */
  readonly refused: FaultReport | null;
  /** No frame can pass, since the guest's memory is not here: `notice` has what to do. */
  readonly noMemory: boolean;
  readonly notice: string | null;
  readonly mtu: number | null;
  /** Requests of the present connection. */
  readonly messages: number;
}

export class VhostUserEndpoint {
  readonly #options: VhostUserEndpointOptions;
  readonly #timings: Timings;
  readonly #offer: Offer;
  readonly #log: PeerLog;
  #role: Listener | Client | null = null;
  #session: Session | null = null;
  #mtu: number;
  #peer: { pid: number; uid: number } | null = null;
  /** Why the last connection was ended. */
  #ended: FaultReport | null = null;
  readonly #early: EarlyLeaves;
  readonly #kept: KeptGuest;
  #keptNotice: KeptNotice | null = null;
  /** Nobody can reach the socket. */
  #unreachable: string | null = null;
  #closed = false;
  #resting = false;
  /** Ends a rest. */
  #wake: (() => void) | null = null;

  /** @throws {ValenicError} `value_invalid`. */
  constructor(options: VhostUserEndpointOptions) {
    checkOptions(options);
    this.#options = options;
    this.#mtu = options.mtu ?? 0;
    this.#timings = { ...defaultTimings, ...options.timings };
    this.#offer = offerOf(options);
    this.#log = new PeerLog(options.log, { port: options.name });
    this.#early = new EarlyLeaves(this.#log);
    this.#kept = options.kept ?? KeptGuest.inMemory(options.path, this.#log);
  }

  /**
   * Server: resolves when front-ends can connect. Client: resolves at once and keeps trying.
   *
   * @throws {ValenicError} `socket_in_use`, `socket_failed`, `group_unknown`.
   */
  async start(): Promise<void> {
    const { addon, path, role, mode = 0o600, group } = this.#options;
    if (this.#role !== null || this.#closed) {
      throw new ValenicError('internal', 'an endpoint starts once');
    }
    if (role === 'client') {
      const { reconnectMinMs, reconnectMaxMs } = this.#timings;
      const serve = (socket: NativeFdSocket) => this.#serve(socket);
      const log = this.#log;
      this.#role = new Client({
        ...{ addon, path, serve, log, guest: 'front-end' },
        ...{ reconnectMinMs, reconnectMaxMs },
      });
      return;
    }
    const file = await SocketFile.listen({ addon, path, mode, group });
    const serve = async (socket: NativeFdSocket) => void (await this.#serve(socket));
    const onReach = (notice: string | null) => {
      this.#unreachable = notice;
      this.#changed();
    };
    const { port } = this.#options;
    const stuck = () => fdsAreStuck(addon, port);
    const resting = () => this.#restText();
    const log = this.#log;
    const guest = 'front-end';
    this.#role = new Listener(file, { serve, onReach, stuck, resting, log, guest });
    // close() came while we were at it.
    if (this.#closed) await this.#role.close();
    else this.#log.info(`${path}: waiting for a front-end`);
  }

  /**
   * Ends the connection, stops the rings, gives the memory back, removes the socket. Idempotent.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    this.#session?.end(null);
    await this.#role?.close();
    await this.#kept.close();
  }

  /** 0: none. Holds for what the front-end sets from here on. */
  setMtu(mtu: number): void {
    this.#mtu = mtu;
  }

  /** Takes an event of the datapath that names this port; others are left alone. */
  handleEvent(event: PortEvent): void {
    if (event.port === this.#options.port) this.#session?.handleEvent(event);
  }

  state(): VhostUserState {
    const device = this.#session?.device ?? null;
    const rings = device?.rings.all ?? [];
    const faults = rings.flatMap((ring) => (ring.fault === null ? [] : [ring.fault]));
    const latest = faults.sort((a, b) => b.at - a.at)[0] ?? (device === null ? this.#ended : null);
    const memory = device?.notice ?? null;
    return {
      role: this.#options.role,
      address: this.#options.path,
      connected: this.#session !== null,
      ...(this.#peer === null ? {} : { peer: this.#peer }),
      features: featureNames(device?.features ?? 0n),
      protocolFeatures: protocolFeatureNames(device?.protocolFeatures ?? 0n),
      memoryRegions: device?.regions.length ?? 0,
      rings: rings.map((ring) => ({
        ring: ring.index,
        started: ring.running && ring.fault === null,
        enabled: device?.rings.enabled(ring) ?? false,
        size: ring.size ?? 0,
        fault: ring.fault?.code ?? null,
        notice: ring.notice,
      })),
      fault: latest,
      refused: this.#session?.refused ?? null,
      noMemory: memory !== null,
      notice: this.#unreachable ?? memory ?? this.#offerNotice(device) ?? this.#early.notice,
      mtu: device?.mtu ?? (this.#mtu || null),
      messages: this.#session?.messages ?? 0,
    };
  }

  /** Serves one connection to its end. Returns how many requests it brought. Never rejects. */
  async #serve(socket: NativeFdSocket): Promise<number> {
    const { addon, datapath, port } = this.#options;
    const { memoryNoticeMs, settleMs } = this.#timings;
    const log = this.#log;
    const mtu = () => this.#mtu || undefined;
    const peer = this.#credentials(socket);
    const owner = await this.#ownerOf(peer);
    const { offer, queues, mtu: keptMtu, notice } = this.#termsFor(owner);
    const onChange = () => {
      this.#kept.note(owner, session);
      this.#changed();
    };
    const fds = foreignFds(addon, port);
    const options = {
      addon: fds,
      datapath,
      port,
      queues,
      offer,
      mtu,
      keptMtu,
      memoryNoticeMs,
      settleMs,
      log,
      onChange,
    };
    socket.owner = port;
    const session = new Session(options, socket);
    this.#session = session;
    this.#peer = peer;
    this.#keptNotice = notice;
    log.peer('info', 'connected', 'a front-end connected', this.#peer ?? {});
    onChange();
    if (this.#closed) session.end(null);
    if (notice !== null) log.peer(notice.lost ? 'warn' : 'info', 'kept', notice.text);
    const fault = await session.run();
    this.#kept.left();
    this.#session = null;
    this.#peer = null;
    this.#ended = fault?.report ?? null;
    if (fault === null) {
      if (!this.#early.told(session)) log.peer('info', 'left', 'the front-end left');
    } else {
      const { code, message: text, remedy } = fault;
      const context = code === 'internal' ? { code, cause: fault.cause } : { code };
      const line = `the connection was closed: ${withRemedy(text, remedy)}`;
      log.peer('warn', `ended ${code}`, line, context);
    }
    onChange();
    if (fault !== null && costly.includes(fault.code)) await this.#rest();
    return session.messages;
  }

  /** A ring runs in the datapath. */
  get started(): boolean {
    return this.#session?.device.rings.anyRunning ?? false;
  }

  /** Nobody is served for a while. */
  #rest(): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.#resting = false;
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(end, this.#timings.restMs);
      this.#resting = true;
      this.#wake = end;
      if (this.#closed) this.#wake();
    });
  }

  #restText(): string | null {
    if (!this.#resting) return null;
    const seconds = this.#timings.restMs / 1000;
    return `the last one kept a worker waiting, so nobody is served for ${seconds} seconds`;
  }

  #changed(): void {
    this.#options.onChange?.();
  }

  /** Null: not known. */
  async #ownerOf(peer: { pid: number } | null): Promise<ProcessId | null> {
    const { role, path } = this.#options;
    if (peer === null) return null;
    return role === 'server' ? processOf(peer.pid) : listenerOf(peer.pid, path);
  }

  #termsFor(owner: ProcessId | null): ReturnType<KeptGuest['termsFor']> {
    return this.#kept.termsFor(owner, { offer: this.#offer, queues: this.#options.queues });
  }

  /** What the guest was told, and what it keeps, where the port has another. */
  #offerNotice(device: Device | null): string | null {
    const both = [device?.mtuNotice ?? null, this.#keptText()];
    return both.filter((text) => text !== null).join(' ') || null;
  }

  /** Of the front-end that is here, or cannot stay. */
  #keptText(): string | null {
    const shown = this.#session !== null || this.#keptNotice?.lost === true;
    return shown ? (this.#keptNotice?.text ?? null) : null;
  }

  /** Who is at the other end, where the addon can tell. */
  #credentials(socket: NativeFdSocket): { pid: number; uid: number } | null {
    try {
      const { pid, uid } = this.#options.addon.peerCredentials(socket.fd);
      return { pid, uid };
    } catch {
      return null; // It may be gone already; the session will find out.
    }
  }
}

function checkOptions(options: VhostUserEndpointOptions): void {
  const { queues, mtu, mode, name } = options;
  const invalid = (text: string) => new ValenicError('value_invalid', `port ${name}: ${text}`);
  refuseAbstract(options.path);
  const broken = typeFault(queuePairs, queues, 'queues') ?? typeFault(mtuBytes, mtu ?? 0, 'mtu');
  if (broken !== null) throw invalid(broken);
  if (mode !== undefined && (!Number.isInteger(mode) || mode < 0 || mode > 0o777)) {
    throw invalid(`mode must be 0 to 777 (octal), not ${mode.toString(8)}`);
  }
}
