/** A port in words: what kinds share. */

import type { FaultReport } from '../fault-report.ts';
import type { PortStats } from '../stats/stats.ts';
import type { CommonState } from './endpoint.ts';

/** A line of `port show`. */
export interface Fact {
  readonly name: string;
  readonly text: string;
  /** `bad`: a fault; `warning`: something for the operator to do. */
  readonly tone?: 'bad' | 'warning';
}

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What a kind's words are made of; an answer of the daemon has more. */
export interface ShownPort<Own = object> {
  readonly endpoint?: (CommonState & Partial<Own>) | undefined;
  /** Frames passed, in either direction, since the peer started its rings. */
  readonly traffic?: boolean | undefined;
  readonly stats?: PortStats | undefined;
}

/** Of kinds whose peer is behind a descriptor. */
export function linkWord({ endpoint }: ShownPort): string {
  if (endpoint === undefined) return 'waiting';
  if (endpoint.connected) return 'connected';
  return endpoint.fault === null ? 'waiting' : 'fault';
}

/** Of the same kinds. */
export function linkFacts({ endpoint }: ShownPort): readonly Fact[] {
  if (endpoint === undefined) return [];
  const { address, peerAddress, connected, offloads } = endpoint;
  const facts: Fact[] = [
    { name: 'at', text: `${address}${roleText(endpoint)}` },
    { name: 'peer', text: peerAddress ?? (connected ? connectedText(endpoint) : 'not connected') },
  ];
  if (offloads !== undefined) facts.push({ name: 'offloads', text: offloads.join(' ') || 'none' });
  return [...facts, ...troubleFacts(endpoint)];
}

/** `, we listen` */
export function roleText({ role }: CommonState): string {
  return role === undefined ? '' : `, we ${role === 'server' ? 'listen' : 'connect'}`;
}

/** `connected, process 12 of user 0` */
export function connectedText({ peer }: CommonState): string {
  return peer === undefined ? 'connected' : `connected, process ${peer.pid} of user ${peer.uid}`;
}

/** What is wrong, and what to do. */
export function troubleFacts({ fault, notice }: CommonState): readonly Fact[] {
  return [
    ...(fault === null ? [] : faultFacts(fault)),
    ...(notice === null ? [] : [{ name: 'notice', text: notice, tone: 'warning' } as const]),
  ];
}

export function faultFacts({ code, text, at, remedy }: FaultReport): readonly Fact[] {
  const when = new Date(at).toISOString();
  return [
    { name: 'fault', text: `${code}: ${text} (${when})`, tone: 'bad' },
    ...(remedy === undefined ? [] : [{ name: 'remedy', text: remedy, tone: 'warning' } as const]),
  ];
}
