/**
 * What the guest agent understands: operations, their arguments and answers.
 *
 * One JSON object per line on a virtio-serial port: `{id, op, ...}` -> `{id, ok, ...}` or
 * `{id, error: sentence}`. The other half is native/agent; both are held together by
 * test/e2e/qemu/guest.test.ts.
 */

/** Goes up when an existing operation changes its meaning. */
export const agentProtocolVersion = 1;

/** What a DHCP server gave. */
export interface AgentLease {
  /** With its length: 10.0.2.15/24. */
  readonly address: string;
  readonly router: string;
  readonly nameservers: readonly string[];
}

export interface AgentInterface {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
  readonly carrier: boolean;
  /** "virtio_net"; empty for interfaces without a device. */
  readonly driver: string;
  readonly rxQueues: number;
  readonly txQueues: number;
  /** IPv4, as "10.0.0.1/24". */
  readonly addresses: readonly string[];
}

export interface AgentHello {
  readonly version: number;
  readonly kernel: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly interfaces: readonly AgentInterface[];
}

export interface PingReport {
  readonly sent: number;
  readonly received: number;
  /** Microseconds; null when nothing came back. */
  readonly rttUs: { readonly min: number; readonly avg: number; readonly max: number } | null;
}

/** How much is sent, and how fast. */
export type Pace = ({ readonly count: number } | { readonly seconds: number }) & {
  /** Frames per second; 0 or absent: as fast as they are taken. */
  readonly ratePps?: number;
  /** Number of the stream in the probes, 1 when absent. */
  readonly stream?: number;
};

export interface SendReport {
  readonly sent: number;
  readonly bytes: number;
  readonly seconds: number;
  /** How often the kernel's transmit queue was full; nothing is lost by that. */
  readonly busy: number;
}

/** The same quantities as a host port's sink reports. */
export interface StreamReport {
  readonly stream: number;
  readonly frames: number;
  readonly bytes: number;
  readonly firstSequence: number;
  readonly nextSequence: number;
  /** Sequence numbers skipped; those that came late are `reordered`. */
  readonly gaps: number;
  readonly reordered: number;
  readonly corrupt: number;
}

export interface ReceiveReport {
  readonly streams: readonly StreamReport[];
  /** Probes whose bytes were wrong, of all streams. */
  readonly corrupt: number;
  readonly notProbe: number;
  /** Frames of more streams than are counted (64). */
  readonly refused: number;
  /** Arrived, but the agent was too slow to take them from the guest's kernel. */
  readonly kernelDropped: number;
  /** From the first to the last frame. */
  readonly seconds: number;
}

export interface TransferReport {
  readonly bytes: number;
  readonly seconds: number;
  /** CRC-32C of the payload. */
  readonly check: number;
  readonly checksumOk: boolean;
}

export interface ListenReport extends Omit<TransferReport, 'check'> {
  readonly transfers: number;
  readonly check?: number;
  /** Why the last transfer broke off. */
  readonly failure?: string;
}

/** One request and one answer after the other, over one TCP connection. */
export interface AskReport {
  readonly roundTrips: number;
  readonly seconds: number;
  readonly latencyUs: { readonly p50: number; readonly p99: number; readonly p999: number };
}

/** A program of the image, started by the agent. */
export interface ProgramReport {
  readonly running: boolean;
  /** As a shell says it: above 128 a signal ended it. */
  readonly status: number;
  /** Of both streams, the first 256 KiB. */
  readonly output: string;
}

/**
 * What the guest's poll-mode driver did: it drives the device from user space, without the
 * kernel.
 */
export interface PmdReport {
  readonly sent: number;
  /** Good probes, of all streams. */
  readonly received: number;
  /** Negotiated: a mask, as a hexadecimal number. */
  readonly features: string;
  readonly kicks: number;
  /** Turns of the polling loop: how often the rings were looked at. */
  readonly rounds: number;
  /** Of `seconds`, those in rounds that moved frames. */
  readonly busySeconds: number;
  readonly seconds: number;
  /** Everything it was to send is sent. */
  readonly done: boolean;
  readonly streams: readonly StreamReport[];
}

export interface CountersReport {
  /** /sys/class/net/<name>/statistics, by interface. */
  readonly interfaces: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly interrupts: readonly {
    readonly irq: string;
    readonly name: string;
    readonly count: number;
  }[];
  /** Hundredths of a second since boot, over all CPUs; softirq is a part of busy. */
  readonly cpu: { readonly busy: number; readonly idle: number; readonly softirq: number };
}

type None = Record<never, never>;
type JobNumber = { readonly job: number };

/** Arguments and answer of every operation. */
export interface AgentOps {
  hello: [None, AgentHello];
  /** Needs our own image: its busybox asks. */
  dhcp: [{ readonly interface: string }, AgentLease];
  configure: [
    {
      readonly interface: string;
      readonly address?: string;
      readonly up?: boolean;
      readonly mtu?: number;
      readonly mac?: string;
    },
    { readonly interface: AgentInterface },
  ];
  link: [
    { readonly interface: string; readonly up: boolean },
    { readonly interface: AgentInterface },
  ];
  set_mac: [
    { readonly interface: string; readonly mac: string },
    { readonly interface: AgentInterface },
  ];
  /**
   * A program in front of the interface's own driver that passes or drops every frame; `none` takes
   * it away.
   */
  xdp: [{ readonly interface: string; readonly action: 'pass' | 'drop' | 'none' }, None];
  channels: [
    { readonly interface: string; readonly combined?: number },
    { readonly combined: number; readonly most: number },
  ];
  counters: [None, CountersReport];
  ping: [
    {
      readonly address: string;
      readonly count?: number;
      readonly timeoutMs?: number;
      readonly intervalMs?: number;
      /** Payload bytes, 56 when absent. */
      readonly size?: number;
    },
    PingReport,
  ];
  udp_send: [
    Pace & { readonly address: string; readonly port: number; readonly payloadBytes: number },
    SendReport,
  ];
  udp_receive: [{ readonly port: number }, JobNumber];
  packet_send: [
    Pace & {
      readonly interface: string;
      readonly destination: string;
      /** The interface's own when absent. */
      readonly source?: string;
      readonly frameBytes: number;
      /** Through the guest's queue discipline, instead of straight to the driver. */
      readonly queueDiscipline?: boolean;
    },
    SendReport,
  ];
  packet_receive: [{ readonly interface: string; readonly promiscuous?: boolean }, JobNumber];
  tcp_listen: [{ readonly port: number }, JobNumber];
  tcp_connect: [
    { readonly address: string; readonly port: number; readonly seed?: number } & (
      | { readonly bytes: number }
      | { readonly seconds: number }
    ),
    TransferReport,
  ];
  tcp_echo: [{ readonly port: number }, JobNumber];
  tcp_ask: [
    {
      readonly address: string;
      readonly port: number;
      readonly seconds: number;
      /** Of a request and of its answer, 1 when absent. */
      readonly bytes?: number;
    },
    AskReport,
  ];
  program_start: [{ readonly words: readonly string[] }, JobNumber];
  job_report: [JobNumber & { readonly reset?: boolean }, unknown];
  job_wait: [JobNumber & { readonly timeoutMs?: number }, unknown];
  job_stop: [JobNumber, unknown];
  /**
   * Takes the interface from the kernel until the job is stopped; without `destination` it
   * receives.
   */
  pmd_start: [
    { readonly interface: string; readonly ring?: 'split' | 'packed' } & (
      | Record<never, never>
      | (Pace & {
          readonly destination: string;
          readonly source: string;
          /** 60..1514 */
          readonly frameBytes: number;
        })
    ),
    JobNumber,
  ];
  pmd_report: [JobNumber & { readonly reset?: boolean }, PmdReport];
  pmd_stop: [JobNumber, PmdReport];
  shutdown: [None, None];
  reboot: [None, None];
}
export type AgentOpName = keyof AgentOps;

/**
 * The guest refused an operation, or the connection to it ended. `message` is the whole sentence.
 */
export class AgentError extends Error {
  readonly op: string;

  constructor(op: string, message: string) {
    super(message);
    this.name = 'AgentError';
    this.op = op;
  }
}
