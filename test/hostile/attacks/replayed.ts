/**
 * The attackers of `valenic bench fairness`: rings that are written once and offered for ever, by a
 * process of its own. What the pair keeps of the worker is the bench's to say; here it is verified.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FairnessKind, fairnessKinds } from '../../../backend/bench/fairness/kinds.ts';
import type { Attack } from '../attack.ts';
import type { PortName, Scene } from '../scene.ts';

const program = join(
  resolve(import.meta.dirname, '../../..'),
  'build/release/native/synthetic/valenic-synthetic',
);

interface Player {
  readonly port: PortName;
  readonly plays: string;
  /** As valenic-synthetic has it behind `>`: players are numbered from 0. */
  readonly to?: string;
}

/** The attacker, and whom it needs. Where the honest source's broadcasts are wanted others come. */
function playersOf(kind: FairnessKind): readonly Player[] {
  if (kind.plays === 'stream') return [{ port: 's', plays: 'stream' }];
  const accomplice = 1;
  const target = { accomplice: `${accomplice}`, all: 'all', nobody: '52:54:00:00:99:01' } as const;
  const attacker = {
    ...{ port: 'x', plays: kind.plays },
    ...(kind.to !== undefined && { to: target[kind.to] }),
  } as const;
  if (kind.from === undefined && kind.to !== 'accomplice') return [attacker];
  if (kind.from === undefined) return [attacker, { port: 'y', plays: 'drain' }];
  const to = kind.from === 'honest' ? 'all' : '0';
  return [attacker, { port: 'y', plays: 'flood', to }];
}

/** Resolves when their rings hold what they are to hold. */
async function play(scene: Scene, kind: FairnessKind, packed: boolean): Promise<void> {
  const words = playersOf(kind).flatMap(({ port, plays, to }) => {
    const path = scene.daemon.path(port);
    return ['--replay', `${plays}=${path}${to === undefined ? '' : `>${to}`}`];
  });
  if (packed) words.push('--packed');
  if (kind.chain !== undefined) words.push('--chain', kind.chain);
  // The honest pair's addresses are the first two.
  words.push('--station', '100', '--warmup', '0', '--seconds', '600');
  const line = ['--pdeathsig', 'KILL', '--', program, ...words];
  const child = spawn('setpriv', line, { stdio: ['ignore', 'pipe', 'pipe'] });
  scene.later(() => ended(child));
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => {
    complaint += text.toString();
  });
  const begun = once(createInterface({ input: child.stdout }), 'line').then(() => true);
  const left = once(child, 'exit').then(() => false);
  if (!(await Promise.race([begun, left])) && !scene.over) throw new Error(complaint);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function expected({ plays, breaks }: FairnessKind): Attack['expect'] {
  if (plays === 'stream') return [{ drop: 'tx_too_short', port: 's' }];
  return breaks ? [{ ring: plays === 'chain' ? 1 : 0, fault: 'chain_too_long' }] : [];
}

function attackOf(kind: FairnessKind, packed: boolean): Attack {
  const floods = kind.to === 'all' || kind.to === 'nobody' || kind.from === 'honest';
  return {
    name: `replayed-${kind.name}${packed ? '-packed' : ''}`,
    ...{ rules: [37, 38, 39, 40, 41, 42], kind: 'cost, not frames', expect: expected(kind) },
    // The short form has the split rings: what is dear is so in both.
    ...(packed && { long: true }),
    ...(floods && ({ floods: true, drowns: true } as const)),
    run: async (scene) => {
      await play(scene, kind, packed);
      await sleep(scene.seconds * 1000);
    },
  };
}

export const replayed: readonly Attack[] = (fairnessKinds as readonly FairnessKind[]).flatMap(
  (kind) =>
    kind.plays === 'stream'
      ? [attackOf(kind, false)]
      : [attackOf(kind, false), attackOf(kind, true)],
);
