/** A port as `port show` prints it. */

import { type DropReason, dropReasons } from '../../native/boundary/index.ts';
import { vlanText } from '../config/index.ts';
import type { PortAnswer, PortDetail } from '../daemon/index.ts';
import type { LinkIo, LinkState } from '../ports/index.ts';
import { dropsThatHappened } from '../stats/stats.ts';
import type { EndpointState } from '../vhost-user/index.ts';
import type { Cli } from './io.ts';
import { lossWord } from './stats.ts';
import { count, plural, table } from './text.ts';

/** A word or two for where a port is on its way; never more than is known. */
export function stateWord({ kind, settings, vhostUser, link, traffic }: PortAnswer): string {
  if (!settings.up) return 'down';
  if (link !== undefined) {
    // Datagrams have no connection: whether anybody is there is not known.
    if (kind === 'dgram' && link.connected) return 'open';
    return link.connected ? 'connected' : link.fault === null ? 'waiting' : 'fault';
  }
  if (vhostUser === undefined) return 'up';
  if (vhostUser.fault !== null || vhostUser.rings.some(({ fault }) => fault !== null)) {
    return 'fault';
  }
  if (!vhostUser.connected) return 'waiting';
  if (vhostUser.noMemory) return 'no memory';
  if (!vhostUser.rings.some(({ started }) => started)) return 'connected';
  return traffic === true ? 'running' : 'started';
}

/** What is wrong with a port and what to do, a line each; for below a table. */
export function troubleLines(port: PortAnswer): readonly string[] {
  const { vhostUser, link } = port;
  const faults = vhostUser === undefined ? [link?.fault ?? null] : [vhostUser.fault];
  const texts = faults.flatMap((fault) => (fault === null ? [] : [faultText(fault)]));
  const notice = vhostUser?.notice ?? link?.notice ?? null;
  return [...texts, ...(notice === null ? [] : [notice])].map((text) => `${port.name}: ${text}`);
}

function faultText({ text, remedy }: { text: string; remedy?: string }): string {
  return remedy === undefined ? text : `${text}; ${remedy}`;
}

/** How long adaptive mode spins. */
export function spinText(spinUs: PortAnswer['settings']['spinUs']): string {
  return spinUs === 'auto' ? 'auto' : `${spinUs} us`;
}

/** Which worker owns which queue pair. */
export function workersText(workers: readonly number[]): string {
  const [only] = workers;
  if (workers.length === 1) return `worker ${only}`;
  return workers.map((worker, pair) => `pair ${pair}: worker ${worker}`).join(', ');
}

export function portDetailText(port: PortDetail, cli: Cli): string {
  const { settings, vhostUser, link, macs } = port;
  const state = stateWord(port);
  const facts: [string, string][] = [
    ['state', cli.paint(state === 'fault' ? 'bad' : 'good', state)],
    ['port', port.text],
    ['polling', `${settings.polling}, spins ${spinText(settings.spinUs)} when adaptive`],
    ['workers', workersText(port.workers)],
    ['more', settings.more ? 'on' : 'off: each frame is published and notified alone'],
    ['VLANs', vlanText(settings.vlan)],
    ...(port.hints ?? []).map((text): [string, string] => ['hint', cli.paint('warning', text)]),
    ...(settings.linkLocal ? [] : [['link-local', 'dropped'] as [string, string]]),
    ['MACs', macsText(macs)],
    ...port.notices.map((text): [string, string] => ['notice', cli.paint('warning', text)]),
    ...(vhostUser === undefined ? [] : endpointFacts(vhostUser, cli)),
    ...(link === undefined ? [] : linkFacts(link, cli)),
    ...(port.kind === 'dgram' ? [heardFact(port)] : []),
  ];
  const head = facts.map(([name, text]) => `  ${name.padEnd(12)}${text}\n`).join('');
  const rings = vhostUser === undefined ? '' : ringTable(vhostUser);
  return `${cli.paint('title', port.name)}\n${head}${rings}${countersText(port)}`;
}

/** A port may have 65536. */
const macsShown = 4;

export function macsText(macs: readonly string[]): string {
  if (macs.length === 0) return 'none learned';
  const shown = macs.slice(0, macsShown).join(' ');
  if (macs.length <= macsShown) return shown;
  const more = count(macs.length - macsShown);
  return `${count(macs.length)} learned: ${shown} and ${more} more (--json lists them all)`;
}

/** Of a dgram port: all that can be known of its other end. */
function heardFact({ stats }: PortDetail): [string, string] {
  const { tx_frames: heard } = stats.counters;
  const { rx_not_connected: refused } = stats.drops;
  const nobody = refused === 0 ? '' : `; ${count(refused)} found nobody there`;
  return ['heard', `${heard === 0 ? 'nothing yet' : `${count(heard)} frames`} from it${nobody}`];
}

function linkFacts(state: LinkState, cli: Cli): [string, string][] {
  const { role, address, peerAddress, peer, fault, notice, connected, offloads, io } = state;
  const ours = role === undefined ? '' : `, we ${role === 'server' ? 'listen' : 'connect'}`;
  const who = peer === undefined ? '' : `, process ${peer.pid} of user ${peer.uid}`;
  const facts: [string, string][] = [
    ['at', `${address}${ours}`],
    ['peer', peerAddress ?? (connected ? `connected${who}` : 'not connected')],
  ];
  if (io !== undefined) facts.push(['io', ioText(io)]);
  if (offloads !== undefined) facts.push(['offloads', offloads.join(' ') || 'none']);
  if (fault !== null) {
    const when = new Date(fault.at).toISOString();
    facts.push(['fault', cli.paint('bad', `${fault.code}: ${fault.text} (${when})`)]);
  }
  if (notice !== null) facts.push(['notice', cli.paint('warning', notice)]);
  return facts;
}

function ioText({ mode, zeroCopy, xdp, needWakeup, why }: LinkIo): string {
  const copies = zeroCopy ? 'zero-copy' : 'copy';
  const woken = needWakeup ? ', need-wakeup' : '';
  const how = xdp === undefined ? '' : `, ${copies}, ${xdp} XDP${woken}`;
  return `${mode}${how}${why === null ? '' : `: ${why}`}`;
}

function endpointFacts(state: EndpointState, cli: Cli): [string, string][] {
  const { role, path, peer } = state;
  const who = peer === undefined ? '' : `, process ${peer.pid} of user ${peer.uid}`;
  const facts: [string, string][] = [
    ['socket', `${path}, we ${role === 'server' ? 'listen' : 'connect'}`],
    ['front-end', state.connected ? `connected${who}` : 'not connected'],
  ];
  if (state.connected) {
    facts.push(
      ['features', state.features.join(' ') || 'none yet'],
      ['protocol', state.protocolFeatures.join(' ') || 'none'],
      ['memory', plural(state.memoryRegions, 'region')],
    );
  }
  if (state.mtu !== null) facts.push(['MTU', `${state.mtu}`]);
  if (state.fault !== null) {
    const { code, text, at, remedy } = state.fault;
    const when = new Date(at).toISOString();
    facts.push(['fault', cli.paint('bad', `${code}: ${text} (${when})`)]);
    if (remedy !== undefined) facts.push(['remedy', cli.paint('warning', remedy)]);
  }
  if (state.refused !== null) {
    facts.push(['refused', cli.paint('warning', faultText(state.refused))]);
  }
  if (state.notice !== null) facts.push(['notice', cli.paint('warning', state.notice)]);
  for (const { notice } of state.rings) if (notice !== null) facts.push(['note', notice]);
  return facts;
}

/** Even rings carry frames to the guest, odd ones from it: virtio 1.2, 5.1.2. */
function ringTable({ rings, connected }: EndpointState): string {
  if (!connected || rings.length === 0) return '';
  const rows = rings.map(({ ring, started, enabled, size, fault }) => [
    `${ring}`,
    ring % 2 === 0 ? 'RX' : 'TX',
    fault !== null ? 'broken' : started ? (enabled ? 'started' : 'disabled') : 'stopped',
    started ? `${size}` : '-',
    fault ?? 'none',
  ]);
  return `\n${table(['RING', 'GUEST', 'STATE', 'SIZE', 'FAULT'], rows)}`;
}

function countersText({ stats }: PortDetail): string {
  const counters = Object.entries(stats.counters).map(([name, value]) => [name, count(value)]);
  const drops = Object.entries(dropsThatHappened(stats)).map(([reason, frames]) => [
    reason,
    count(frames),
    lossWord(reason as DropReason),
    dropReasons[reason as DropReason].text,
  ]);
  const why =
    drops.length === 0
      ? 'Nothing was dropped.\n'
      : table(['DROPPED', 'FRAMES', 'LOSS', 'BECAUSE'], drops);
  return `\n${table(['COUNTER', 'VALUE'], counters)}\n${why}`;
}
