/**
 * A stream port: QEMU's `-netdev stream` or `socket` at the other end of a UNIX or TCP socket.
 *
 * Connections are made here; once there is one, its descriptor goes to the datapath, and the data
 * never comes back. One peer at a time; whatever ends a connection leaves the port waiting for the
 * next.
 */

import type { DatapathEvent, FaultCode, NativeFdSocket } from '../../../native/boundary/index.ts';
import type { FaultReport } from '../../fault-report.ts';
import { type InetAddress, listenError, parseInet, resolveInet } from '../../socket/address.ts';
import { Client } from '../../socket/client.ts';
import { SocketFile } from '../../socket/file.ts';
import { Listener, type Listening } from '../../socket/listener.ts';
import { refuseAbstract } from '../../socket/path.ts';
import { systemText } from '../../system-error.ts';
import {
  type CommonState,
  type EndpointContext,
  linkFault,
  type PortEndpoint,
} from '../endpoint.ts';
import type { Filled } from '../filled.ts';
import type { StreamSpec } from './spec.ts';

/** Connections that may wait while another is being served. */
const backlog = 8;
const reconnectMinMs = 100;
const reconnectMaxMs = 1000;
/** A connection that lasted this long was good: the next is tried at once. */
const goodAfterMs = 1000;
/** A host that does not answer is tried again after this. */
const connectTimeoutMs = 3000;

export class StreamEndpoint implements PortEndpoint {
  readonly #spec: Filled<StreamSpec>;
  readonly #context: EndpointContext;
  readonly #inet: InetAddress | null;
  #role: Listener | Client | null = null;
  /** The port that a listening TCP socket got. */
  #boundPort: number | null = null;
  #peer: { pid: number; uid: number } | null = null;
  #connected = false;
  #fault: FaultReport | null = null;
  /** Nobody can reach the socket. */
  #notice: string | null = null;
  /** Ends the connection being served. */
  #down: ((fault: FaultCode) => void) | null = null;
  readonly #closing = new AbortController();

  constructor(spec: Filled<StreamSpec>, context: EndpointContext) {
    this.#spec = spec;
    this.#context = context;
    this.#inet = parseInet(spec.address, 'tcp');
  }

  async start(): Promise<void> {
    const { addon, log } = this.#context;
    const { address, role } = this.#spec;
    if (this.#inet === null) refuseAbstract(address);
    const serve = (socket: NativeFdSocket) => this.#serve(socket);
    if (role === 'client') {
      const connect = () => this.#connect();
      const options = { addon, path: address, connect, serve, log, guest: 'peer' } as const;
      this.#role = new Client({ ...options, reconnectMinMs, reconnectMaxMs });
      return;
    }
    const listening = await this.#listen();
    this.#role = new Listener(listening, {
      serve: async (socket) => void (await serve(socket)),
      onReach: (notice) => {
        this.#notice = notice;
        this.#context.onChange();
      },
      ...{ log, guest: 'peer' },
    });
    log.info(`${address}: waiting for a peer`);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#down?.('none');
    await this.#role?.close();
  }

  handleEvent(event: DatapathEvent): void {
    if (event.event === 'link_down') this.#down?.(event.fault);
  }

  state(): CommonState {
    const { address, role } = this.#spec;
    const port = this.#boundPort;
    return {
      role,
      address: port === null ? address : address.replace(/\d+$/, `${port}`),
      connected: this.#connected,
      ...(this.#peer === null ? {} : { peer: this.#peer }),
      fault: this.#fault,
      notice: this.#notice,
    };
  }

  async #listen(): Promise<Listening> {
    const { addon } = this.#context;
    const { address, mode = 0o600, group } = this.#spec;
    if (this.#inet === null) return SocketFile.listen({ addon, path: address, mode, group });
    try {
      const { host, port } = await resolveInet(this.#inet);
      const listener = addon.listenTcp(host, port, backlog);
      this.#boundPort = addon.localPort(listener.fd);
      return { listener, close: async () => listener.close() };
    } catch (error) {
      throw listenError(address, error);
    }
  }

  async #connect(): Promise<NativeFdSocket> {
    const { addon } = this.#context;
    if (this.#inet === null) return addon.connectFdSocket(this.#spec.address);
    const { host, port } = await resolveInet(this.#inet);
    const socket = addon.connectTcp(host, port);
    const code = await this.#outcome(socket);
    if (code === null) return socket;
    socket.close();
    throw Object.assign(new Error(`connect: ${code}`), { code });
  }

  /** Null once the socket is connected, else what kept it from that. */
  #outcome(socket: NativeFdSocket): Promise<string | null> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      // Whatever comes first takes the others along: this is done again and again.
      const end = (code: string | null): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        resolve(code);
      };
      const abort = (): void => end('ECANCELED');
      const timer = setTimeout(() => end('ETIMEDOUT'), connectTimeoutMs);
      signal.addEventListener('abort', abort);
      socket.onceWritable(() => end(this.#context.addon.socketError(socket.fd)));
    });
  }

  /** Serves one connection to its end. Returns 1 when it was a good one. Never rejects. */
  async #serve(socket: NativeFdSocket): Promise<number> {
    const { datapath, addon, port, log, onChange } = this.#context;
    const since = performance.now();
    const over = new Promise<FaultCode>((resolve) => {
      this.#down = resolve;
    });
    let fault: FaultCode = 'none';
    try {
      if (this.#closing.signal.aborted) return 0;
      this.#peer = this.#inet === null ? this.#credentials(socket) : null;
      await datapath.command('link.attach', { port, fds: [addon.duplicateFd(socket.fd)] });
      this.#connected = true;
      this.#fault = null;
      log.peer('info', 'connected', 'a peer connected', this.#peer ?? {});
      onChange();
      fault = await over;
      await datapath.command('link.detach', { port });
    } catch (error) {
      log.peer('warn', 'failed', `the connection could not be used: ${systemText(error)}`);
    } finally {
      socket.close();
      this.#down = null;
      this.#connected = false;
      this.#peer = null;
    }
    this.#tell(fault);
    onChange();
    return fault === 'none' && performance.now() - since >= goodAfterMs ? 1 : 0;
  }

  #tell(fault: FaultCode): void {
    const { log } = this.#context;
    this.#fault = linkFault(fault);
    if (this.#fault === null) {
      log.peer('info', 'left', 'the peer left');
      return;
    }
    const { code, text } = this.#fault;
    log.peer('warn', `ended ${code}`, `the connection was closed: ${text}`, { code });
  }

  #credentials(socket: NativeFdSocket): { pid: number; uid: number } | null {
    try {
      const { pid, uid } = this.#context.addon.peerCredentials(socket.fd);
      return { pid, uid };
    } catch {
      return null; // It may be gone already; the datapath will find out.
    }
  }
}
