/** Whether what must come of an attack has come. */

import type { PortStats } from '../../backend/index.ts';
import type { Outcome } from './attack.ts';
import type { Daemon } from './daemon.ts';
import type { Scene } from './scene.ts';

/** What was there before an attack. */
export interface Facts {
  readonly ports: Readonly<Record<string, PortStats>>;
  /** Characters of the log. */
  readonly said: number;
  readonly atMs: number;
}

/** What is there instead; null: it is there. */
export async function outcomeFault(
  outcome: Outcome,
  before: Facts,
  daemon: Daemon,
  scene: Scene,
): Promise<unknown> {
  if ('says' in outcome) {
    const lines = daemon.said.slice(before.said);
    return outcome.says.test(lines) ? null : { log: lines.slice(-500) };
  }
  if ('answers' in outcome) {
    await scene.last?.settled();
    return null;
  }
  const name = 'link' in outcome ? outcome.link : (outcome.port ?? 'x');
  const { endpoint, stats } = await scene.port(name);
  if ('drop' in outcome) {
    const first = before.ports[`vale0:${name}`]?.drops[outcome.drop] ?? 0;
    return stats.drops[outcome.drop] > first ? null : { drops: nonZero(stats.drops) };
  }
  if ('link' in outcome) {
    const { fault = null } = endpoint ?? {};
    return fault?.code === outcome.fault && fault.at >= before.atMs ? null : { fault };
  }
  if ('closed' in outcome) {
    const { fault = null, connected } = endpoint ?? {};
    const told = fault?.code === outcome.closed && fault.at >= before.atMs;
    return told && connected === false ? null : { fault, connected };
  }
  const ring = endpoint?.rings?.[outcome.ring];
  return ring?.fault === outcome.fault && endpoint?.connected === true
    ? null
    : { ring, fault: endpoint?.fault, connected: endpoint?.connected };
}

function nonZero(drops: Readonly<Record<string, number>>): object {
  return Object.fromEntries(Object.entries(drops).filter(([, count]) => count > 0));
}
