/** A port as `port show` prints it. */

import { type DropReason, dropReasons } from '../../native/boundary/index.ts';
import { securityTexts, vlanText } from '../config/index.ts';
import type { PortAnswer, PortDetail } from '../daemon/index.ts';
import { withRemedy } from '../fault-report.ts';
import { kindOf } from '../ports/index.ts';
import { dropsThatHappened } from '../stats/stats.ts';
import { count, table } from '../text.ts';
import type { Cli } from './io.ts';
import { lossWord } from './stats.ts';

/** A word or two for where a port is on its way; never more than is known. */
export function stateWord(port: PortAnswer): string {
  return port.settings.up ? kindOf(port.kind).stateWord(port) : 'down';
}

/** What is wrong with a port and what to do, a line each; for below a table. */
export function troubleLines({ name, endpoint }: PortAnswer): readonly string[] {
  const { fault = null, notice = null } = endpoint ?? {};
  const told = fault === null ? [] : [withRemedy(fault.text, fault.remedy)];
  return [...told, ...(notice === null ? [] : [notice])].map((text) => `${name}: ${text}`);
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
  const { settings, macs } = port;
  const kind = kindOf(port.kind);
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
    ...securityTexts(settings).map((text): [string, string] => ['security', text]),
    ['MACs', macsText(macs)],
    ...port.notices.map((text): [string, string] => ['notice', cli.paint('warning', text)]),
    ...kind
      .facts(port)
      .map(({ name, text, tone }): [string, string] => [
        name,
        tone === undefined ? text : cli.paint(tone, text),
      ]),
  ];
  const head = facts.map(([name, text]) => `  ${name.padEnd(12)}${text}\n`).join('');
  const below = kind.table?.(port) ?? null;
  const rings = below === null ? '' : `\n${table(below.head, below.rows)}`;
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
