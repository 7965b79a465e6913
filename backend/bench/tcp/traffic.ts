/** What runs over a network: iperf3's TCP or UDP, or requests and answers. */

import { createServer, type Server } from 'node:net';
import type { AgentClient, AgentProgram } from '../../../qemu/index.ts';
import { ValenicError } from '../../errors.ts';
import { Program } from '../peers/program.ts';
import type { Scenario } from '../row.ts';

export const tcpTests = ['tcp', 'udp', 'latency'] as const;
export type TcpTest = (typeof tcpTests)[number];

/** What the guests need of the host for a test. */
export function programsOf(test: TcpTest): readonly string[] {
  return test === 'latency' ? [] : ['iperf3'];
}

const iperfPort = 5201;
const echoPort = 5202;
/** An iperf3 that starts in a guest under TCG, and one that waits for late answers. */
const graceMs = 60_000;

/** What one run moved. */
export interface Flow {
  /** Of payload; of round trips there and back. */
  readonly bytes: number;
  readonly seconds: number;
  /** Round trips; null: none were counted. */
  readonly roundTrips: number | null;
  readonly latencyUs: { readonly p50: number; readonly p99: number; readonly p999: number } | null;
  /** Of UDP: datagrams that were sent and did not arrive, 0..1. */
  readonly lostShare: number | null;
}

/** The first guest asks; who answers is the second one, or the host. */
export interface Ends {
  readonly a: AgentClient;
  readonly b: AgentClient;
  readonly test: TcpTest;
}

/** Servers in the second guest and on the host, on every network at once. */
export class Servers {
  #iperfs: readonly [AgentProgram, Program] | null = null;
  #echos: readonly [{ stop(): Promise<void> }, Server] | null = null;

  static async start({ b, test }: Ends): Promise<Servers> {
    const servers = new Servers();
    if (test === 'latency') {
      servers.#echos = [await b.tcpEcho(echoPort), await hostEcho()];
    } else {
      const words = ['iperf3', '--server', '--port', `${iperfPort}`];
      servers.#iperfs = [await b.program(...words), new Program(words)];
    }
    return servers;
  }

  async close(): Promise<void> {
    await this.#iperfs?.[1].stop();
    this.#echos?.[1].close();
  }
}

function hostEcho(): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(echoPort, '0.0.0.0', () => resolve(server));
  });
}

/** @throws {ValenicError} `bench_failed` */
export async function runFlow(
  { a, test }: Ends,
  scenario: Scenario,
  address: string,
  seconds: number,
): Promise<Flow> {
  if (test === 'latency') {
    const asked = await a.tcpAsk({ address, port: echoPort, seconds });
    const { roundTrips, latencyUs } = asked;
    return {
      ...{ bytes: 2 * roundTrips, seconds: asked.seconds, roundTrips, latencyUs },
      lostShare: null,
    };
  }
  const client = await a.program(...iperfWords(test, scenario, address, seconds));
  const { status, output } = await client.finished(seconds * 1000 + graceMs);
  const flow = flowOf(output);
  if (flow !== null && status === 0) return flow;
  const said = errorOf(output) ?? output.trim().slice(-200);
  throw new ValenicError('bench_failed', `iperf3 ended with status ${status}: ${said}`);
}

export function iperfWords(
  test: 'tcp' | 'udp',
  scenario: Scenario,
  address: string,
  seconds: number,
): readonly string[] {
  return [
    ...['iperf3', '--client', address, '--port', `${iperfPort}`, '--time', `${seconds}`],
    ...['--interval', '0', '--json'],
    // As fast as the guest can send; what a datagram holds of an Ethernet frame.
    ...(test === 'udp' ? ['--udp', '--bitrate', '0', '--length', '1448'] : []),
    ...(scenario === 'h2g' ? ['--reverse'] : []),
  ];
}

interface IperfSum {
  readonly bytes: number;
  readonly seconds: number;
  readonly lost_percent?: number;
}

/** iperf3's JSON; null: it does not say what arrived. */
export function flowOf(output: string): Flow | null {
  const { end } = jsonOf(output) as {
    readonly end?: { readonly sum?: IperfSum; readonly sum_received?: IperfSum };
  };
  const sum = end?.sum_received ?? end?.sum;
  if (sum === undefined) return null;
  const percent = (end?.sum ?? sum).lost_percent;
  const lostShare = percent === undefined ? null : percent / 100;
  const { bytes, seconds } = sum;
  const whole = end?.sum_received === undefined ? 1 - (lostShare ?? 0) : 1;
  return { bytes: bytes * whole, seconds, roundTrips: null, latencyUs: null, lostShare };
}

function errorOf(output: string): string | undefined {
  return (jsonOf(output) as { readonly error?: string }).error;
}

function jsonOf(output: string): object {
  try {
    return JSON.parse(output) as object;
  } catch {
    return {};
  }
}
