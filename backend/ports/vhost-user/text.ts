/** A vhost-user port in words. */

import { withRemedy } from '../../fault-report.ts';
import { plural } from '../../text.ts';
import type { VhostUserState } from '../../vhost-user/index.ts';
import type { CommonState } from '../endpoint.ts';
import {
  connectedText,
  type Fact,
  faultFacts,
  roleText,
  type ShownPort,
  type Table,
} from '../text.ts';

/** What a vhost-user port tells of itself. */
export type GuestState = Omit<VhostUserState, keyof CommonState>;

export function guestWord({ endpoint, traffic }: ShownPort<GuestState>): string {
  if (endpoint === undefined) return 'waiting';
  const { rings = [] } = endpoint;
  if (endpoint.fault !== null || rings.some(({ fault }) => fault !== null)) return 'fault';
  if (!endpoint.connected) return 'waiting';
  if (endpoint.noMemory === true) return 'no memory';
  if (!rings.some(({ started }) => started)) return 'connected';
  return traffic === true ? 'running' : 'started';
}

export function guestFacts({ endpoint }: ShownPort<GuestState>): readonly Fact[] {
  if (endpoint === undefined) return [];
  const { address, connected, mtu = null, fault, refused = null, notice, rings = [] } = endpoint;
  const { features = [], protocolFeatures = [], memoryRegions = 0 } = endpoint;
  const facts: Fact[] = [
    { name: 'socket', text: `${address}${roleText(endpoint)}` },
    { name: 'front-end', text: connected ? connectedText(endpoint) : 'not connected' },
  ];
  if (connected) {
    facts.push(
      { name: 'features', text: features.join(' ') || 'none yet' },
      { name: 'protocol', text: protocolFeatures.join(' ') || 'none' },
      { name: 'memory', text: plural(memoryRegions, 'region') },
    );
  }
  if (mtu !== null) facts.push({ name: 'MTU', text: `${mtu}` });
  if (fault !== null) facts.push(...faultFacts(fault));
  if (refused !== null) {
    const text = withRemedy(refused.text, refused.remedy);
    facts.push({ name: 'refused', text, tone: 'warning' });
  }
  if (notice !== null) facts.push({ name: 'notice', text: notice, tone: 'warning' });
  const notes = rings.flatMap((ring) => (ring.notice === null ? [] : [ring.notice]));
  return [...facts, ...notes.map((text) => ({ name: 'note', text }))];
}

/** Even rings carry frames to the guest, odd ones from it: virtio 1.2, 5.1.2. */
export function ringTable({ endpoint }: ShownPort<GuestState>): Table | null {
  const rings = endpoint?.rings ?? [];
  if (endpoint?.connected !== true || rings.length === 0) return null;
  const rows = rings.map(({ ring, started, enabled, size, fault }) => [
    `${ring}`,
    ring % 2 === 0 ? 'RX' : 'TX',
    fault !== null ? 'broken' : started ? (enabled ? 'started' : 'disabled') : 'stopped',
    started ? `${size}` : '-',
    fault ?? 'none',
  ]);
  return { head: ['RING', 'GUEST', 'STATE', 'SIZE', 'FAULT'], rows };
}
