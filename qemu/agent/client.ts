/** The host's end of the guest agent: typed operations over the chardev's UNIX socket. */

import { connectUnix, JsonLineSocket } from '../json-lines.ts';
import {
  AgentError,
  type AgentHello,
  type AgentInterface,
  type AgentLease,
  type AgentOpName,
  type AgentOps,
  type AskReport,
  agentProtocolVersion,
  type CountersReport,
  type ListenReport,
  type PingReport,
  type PmdReport,
  type ProgramReport,
  type ReceiveReport,
  type SendReport,
  type TransferReport,
} from './protocol.ts';

/** An operation that only looks or sets something takes milliseconds, but TCG guests are slow. */
const quickTimeoutMs = 20_000;
/** What an operation may take beyond the time it was told to run. */
const graceMs = 60_000;
/** Ten attempts of two seconds, and as much again for a busy host. */
const dhcpMs = 60_000;

interface Pending {
  readonly op: string;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export interface AgentConnectOptions {
  /** Milliseconds to wait for the socket. */
  readonly timeoutMs: number;
  /** Asked when the connection ends unasked: why, in a sentence, or undefined. Must not reject. */
  readonly explain?: () => Promise<string | undefined>;
}

/** A receiver that runs in the guest until it is stopped. */
export interface AgentReceiver {
  report(options?: { readonly reset?: boolean }): Promise<ReceiveReport>;
  /** Ends it; the last report. */
  stop(): Promise<ReceiveReport>;
}

/** A TCP listener in the guest. */
export interface AgentListener {
  report(): Promise<ListenReport>;
  /** Waits for the first transfer to end, then stops listening. */
  finished(options?: { readonly timeoutMs?: number }): Promise<ListenReport>;
  stop(): Promise<ListenReport>;
}

/** The poll-mode driver in the guest; the kernel gets its interface back with stop(). */
export interface AgentPmd {
  report(options?: { readonly reset?: boolean }): Promise<PmdReport>;
  stop(): Promise<PmdReport>;
}

/** A program that runs in the guest. */
export interface AgentProgram {
  report(): Promise<ProgramReport>;
  /** Waits for its end. */
  finished(timeoutMs: number): Promise<ProgramReport>;
  /** Kills it if it still runs. */
  stop(): Promise<ProgramReport>;
}

/** The agent of one guest. One client at a time: the socket serves no second one. */
export class AgentClient implements AsyncDisposable {
  /** Resolves when the connection ended, with a sentence, or null when we closed it. */
  readonly closed: Promise<string | null>;
  readonly #lines: JsonLineSocket;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #endReason = 'the connection to the guest agent is closed';

  private constructor(
    open: (client: AgentClient) => JsonLineSocket,
    closed: Promise<string | null>,
  ) {
    this.closed = closed;
    this.#lines = open(this);
  }

  /** Connects to the chardev's socket. QEMU accepts at once; the agent answers when it runs. */
  static async connect(path: string, options: AgentConnectOptions): Promise<AgentClient> {
    const socket = await connectUnix(path, options);
    let ended: (reason: string | null) => void = () => {};
    const closed = new Promise<string | null>((resolve) => {
      ended = resolve;
    });
    return new AgentClient(
      (client) =>
        new JsonLineSocket(socket, {
          onObject: (object) => client.#settle(object),
          onClose: (reason) => {
            ended(reason);
            void client.#lost(reason, options.explain);
          },
        }),
      closed,
    );
  }

  /**
   * Runs one operation.
   *
   * @throws {AgentError} the guest refused, the connection ended, or no answer within `timeoutMs`.
   */
  call<Name extends AgentOpName>(
    op: Name,
    argument: AgentOps[Name][0],
    timeoutMs = quickTimeoutMs,
  ): Promise<AgentOps[Name][1]> {
    if (this.#lines.closed) return Promise.reject(new AgentError(op, this.#endReason));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new AgentError(op, `the guest did not answer ${op} within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#pending.set(id, { op, resolve: resolve as Pending['resolve'], reject, timer });
      this.#lines.send({ ...argument, id, op });
    });
  }

  /** Waits for the agent to run, and checks that it speaks our version. */
  async hello(timeoutMs = quickTimeoutMs): Promise<AgentHello> {
    const hello = await this.call('hello', {}, timeoutMs);
    if (hello.version !== agentProtocolVersion) {
      throw new AgentError(
        'hello',
        `the guest's agent speaks version ${hello.version}, not ${agentProtocolVersion}: ` +
          'build the guest image again',
      );
    }
    return hello;
  }

  async configure(wanted: AgentOps['configure'][0]): Promise<AgentInterface> {
    return (await this.call('configure', wanted)).interface;
  }

  /** Asks for an address; the interface gets it, and the default route. */
  dhcp(name: string): Promise<AgentLease> {
    return this.call('dhcp', { interface: name }, dhcpMs);
  }

  async link(name: string, up: boolean): Promise<AgentInterface> {
    return (await this.call('link', { interface: name, up })).interface;
  }

  async setMac(name: string, mac: string): Promise<AgentInterface> {
    return (await this.call('set_mac', { interface: name, mac })).interface;
  }

  /** @throws {AgentError} with what the driver says against it. */
  async xdp(name: string, action: AgentOps['xdp'][0]['action']): Promise<void> {
    await this.call('xdp', { interface: name, action });
  }

  /** The queue pairs in use; sets them first when `combined` is given. */
  channels(name: string, combined?: number): Promise<AgentOps['channels'][1]> {
    const wanted = combined === undefined ? {} : { combined };
    return this.call('channels', { interface: name, ...wanted });
  }

  counters(): Promise<CountersReport> {
    return this.call('counters', {});
  }

  ping(wanted: AgentOps['ping'][0]): Promise<PingReport> {
    const each = (wanted.timeoutMs ?? 1000) + (wanted.intervalMs ?? 0);
    return this.call('ping', wanted, (wanted.count ?? 1) * each + graceMs);
  }

  udpSend(wanted: AgentOps['udp_send'][0]): Promise<SendReport> {
    return this.call('udp_send', wanted, paceMs(wanted) + graceMs);
  }

  udpReceive(port: number): Promise<AgentReceiver> {
    return this.#receiver(this.call('udp_receive', { port }));
  }

  packetSend(wanted: AgentOps['packet_send'][0]): Promise<SendReport> {
    return this.call('packet_send', wanted, paceMs(wanted) + graceMs);
  }

  packetReceive(wanted: AgentOps['packet_receive'][0]): Promise<AgentReceiver> {
    return this.#receiver(this.call('packet_receive', wanted));
  }

  async tcpListen(port: number): Promise<AgentListener> {
    const { job } = await this.call('tcp_listen', { port });
    return {
      report: () => this.call('job_report', { job }) as Promise<ListenReport>,
      finished: ({ timeoutMs = graceMs } = {}) =>
        this.call('job_wait', { job, timeoutMs }, timeoutMs + 5000) as Promise<ListenReport>,
      stop: () => this.call('job_stop', { job }) as Promise<ListenReport>,
    };
  }

  /**
   * Sends a checked payload to a listener of another agent; resolves when that one confirmed it.
   */
  tcpConnect(wanted: AgentOps['tcp_connect'][0]): Promise<TransferReport> {
    // A transfer gives up by itself after 30 s without progress; 0.1 MB/s is slower than any here.
    const ms = 'seconds' in wanted ? wanted.seconds * 1000 : wanted.bytes / 100;
    return this.call('tcp_connect', wanted, ms + graceMs);
  }

  /** Answers tcpAsk() until it is stopped. */
  async tcpEcho(port: number): Promise<{ stop(): Promise<void> }> {
    const { job } = await this.call('tcp_echo', { port });
    return { stop: () => this.call('job_stop', { job }).then(() => {}) };
  }

  tcpAsk(wanted: AgentOps['tcp_ask'][0]): Promise<AskReport> {
    return this.call('tcp_ask', wanted, wanted.seconds * 1000 + graceMs);
  }

  /** Starts a program of the image, found as a shell finds it. */
  async program(...words: readonly string[]): Promise<AgentProgram> {
    const { job } = await this.call('program_start', { words });
    return {
      report: () => this.call('job_report', { job }) as Promise<ProgramReport>,
      finished: (timeoutMs) =>
        this.call('job_wait', { job, timeoutMs }, timeoutMs + 5000) as Promise<ProgramReport>,
      stop: () => this.call('job_stop', { job }) as Promise<ProgramReport>,
    };
  }

  async pmdStart(wanted: AgentOps['pmd_start'][0]): Promise<AgentPmd> {
    const { job } = await this.call('pmd_start', wanted);
    return {
      report: ({ reset = false } = {}) => this.call('pmd_report', { job, reset }),
      stop: () => this.call('pmd_stop', { job }),
    };
  }

  /** Asks the guest to power off; it does so 50 ms after the answer. */
  async shutdown(): Promise<void> {
    this.#endReason = 'the guest was shut down';
    await this.call('shutdown', {});
  }

  async reboot(): Promise<void> {
    await this.call('reboot', {});
  }

  /** Closes our side; the agent stops what it does for us. `reason` is what later calls say. */
  async close(reason?: string): Promise<void> {
    if (reason !== undefined) this.#endReason = reason;
    this.#lines.close();
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #receiver(started: Promise<{ readonly job: number }>): Promise<AgentReceiver> {
    const { job } = await started;
    return {
      report: ({ reset = false } = {}) =>
        this.call('job_report', { job, reset }) as Promise<ReceiveReport>,
      stop: () => this.call('job_stop', { job }) as Promise<ReceiveReport>,
    };
  }

  #settle(object: Record<string, unknown>): void {
    const { id, error, ok: _, ...answer } = object;
    const waiting = typeof id === 'number' ? this.#pending.get(id) : undefined;
    if (typeof id !== 'number' || waiting === undefined) return; // Late: nobody waits any more.
    this.#pending.delete(id);
    clearTimeout(waiting.timer);
    if (error === undefined) waiting.resolve(answer);
    else waiting.reject(new AgentError(waiting.op, String(error)));
  }

  /** Tells the reason to those who wait; the caller explains an unexpected end. */
  async #lost(reason: string | null, explain: AgentConnectOptions['explain']): Promise<void> {
    if (reason !== null) this.#endReason = (await explain?.()) ?? reason;
    this.#rejectAll(this.#endReason);
  }

  #rejectAll(reason: string): void {
    for (const waiting of this.#pending.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(new AgentError(waiting.op, `${waiting.op}: ${reason}`));
    }
    this.#pending.clear();
  }
}

/**
 * How long a paced stream takes by itself; as fast as possible: at least 1000 frames per second.
 */
function paceMs(pace: AgentOps['packet_send'][0] | AgentOps['udp_send'][0]): number {
  if ('seconds' in pace) return pace.seconds * 1000;
  return (pace.count / (pace.ratePps || 1000)) * 1000;
}
