/** Who is measured beside an honest pair: a row for each kind of attacker. */

export interface FairnessKind {
  readonly name: string;
  readonly text: string;
  /** What each attacker plays: a kind of `valenic-synthetic --replay`. */
  readonly plays: string;
  /** Where its frames go; absent: nowhere, to its own MAC. */
  readonly to?: 'accomplice' | 'all' | 'nobody';
  /** Who sends to it, of a receiver: an accomplice, or the honest source's broadcasts. */
  readonly from?: 'accomplice' | 'honest';
  /** Descriptors of its chains: as many as are accepted, one more, as the largest ring has. */
  readonly chain?: 'most' | 'over' | 'ring';
  /** It breaks a rule: what counts is that its ring stops. */
  readonly breaks?: true;
}

export const fairnessKinds = [
  {
    name: 'chain-max',
    text: 'the longest chains that are accepted, all but the last descriptor empty',
    ...{ plays: 'chain', chain: 'most' },
  },
  {
    name: 'chain-over',
    text: 'the same with one more: the ring must stop',
    ...{ plays: 'chain', chain: 'over', breaks: true },
  },
  {
    name: 'chain-ring',
    text: 'the same with 32768, as many as a ring can have: the ring must stop',
    ...{ plays: 'chain', chain: 'ring', breaks: true },
  },
  {
    name: 'tso',
    text: 'big frames to be cut into 255 segments of 8 bytes',
    ...{ plays: 'tso', to: 'accomplice' },
  },
  {
    name: 'gso-1448',
    text: 'big frames to be cut into 45 segments of 1448 bytes',
    ...{ plays: 'gso', to: 'accomplice' },
  },
  { name: 'pieces', text: 'frames of 255 pieces', plays: 'pieces', to: 'accomplice' },
  {
    name: 'csum',
    text: 'frames of 1514 bytes whose checksums we have to compute',
    ...{ plays: 'csum', to: 'accomplice' },
  },
  { name: 'broadcast', text: 'broadcasts', plays: 'flood', to: 'all' },
  { name: 'nobody', text: 'frames to an address that no port has', plays: 'flood', to: 'nobody' },
  { name: 'churn', text: 'each frame from another MAC', plays: 'churn', to: 'accomplice' },
  { name: 'stream', text: "a stream port's peer: frames of one byte", plays: 'stream' },
  {
    name: 'rx-chain',
    text: 'a receiver with the longest chains, of tiny buffers; an accomplice sends',
    ...{ plays: 'rx-chain', from: 'accomplice', chain: 'most' },
  },
  {
    name: 'rx-chain-honest',
    text: 'the same; the honest source broadcasts',
    ...{ plays: 'rx-chain', from: 'honest', chain: 'most' },
  },
  {
    name: 'rx-chain-over',
    text: 'the same with one more: the ring must stop',
    ...{ plays: 'rx-chain', from: 'honest', chain: 'over', breaks: true },
  },
  {
    name: 'rx-pieces',
    text: 'a receiver with mergeable buffers of two-byte pieces; an accomplice sends',
    ...{ plays: 'rx-pieces', from: 'accomplice' },
  },
  {
    name: 'rx-pieces-honest',
    text: 'the same; the honest source broadcasts',
    ...{ plays: 'rx-pieces', from: 'honest' },
  },
] as const satisfies readonly FairnessKind[];

export type FairnessName = (typeof fairnessKinds)[number]['name'];
export const fairnessNames: readonly FairnessName[] = fairnessKinds.map(({ name }) => name);

/** Nobody's: the synthetic guests' addresses begin otherwise. */
const nobodysMac = '52:54:00:00:99:01';

export type Part = 'source' | 'sink' | 'attacker' | 'accomplice';

/** A guest of a run: its port, and what it plays there. */
export interface Station {
  readonly part: Part;
  readonly port: string;
  readonly plays: string;
  /** After `>` in the words of valenic-synthetic. */
  readonly to?: string;
}

/**
 * Who is there: the honest pair first, then the attackers, then an accomplice of each. The pair
 * alone has, where its frames are broadcast, ordinary receivers in the attackers' places: copies
 * are the sender's to pay.
 *
 * @param attacked  False: the same without hostile guests.
 */
export function stationsOf(
  kind: FairnessKind,
  attackers: number,
  attacked: boolean,
): readonly Station[] {
  const honest: readonly Station[] = [
    { part: 'source', port: 'source', plays: 'frames', to: kind.from === 'honest' ? 'all' : '1' },
    { part: 'sink', port: 'sink', plays: 'sink' },
  ];
  const numbers = Array.from({ length: attackers }, (_, index) => index);
  if (!attacked) {
    if (kind.from !== 'honest') return honest;
    const plain = numbers.map(
      (index): Station => ({ part: 'attacker', port: `a${index}`, plays: 'drain' }),
    );
    return [...honest, ...plain];
  }
  const first = honest.length;
  const targets = { accomplice: null, all: 'all', nobody: nobodysMac } as const;
  const hostile = numbers.map((index): Station => {
    const whom = kind.to === undefined ? undefined : targets[kind.to];
    const to = whom === null ? `${first + attackers + index}` : whom;
    const base = { part: 'attacker', port: `a${index}`, plays: kind.plays } as const;
    return to === undefined ? base : { ...base, to };
  });
  const accomplices = numbers.flatMap((index): readonly Station[] => {
    const base = { part: 'accomplice', port: `c${index}` } as const;
    if (kind.from === 'accomplice') return [{ ...base, plays: 'flood', to: `${first + index}` }];
    return kind.to === 'accomplice' ? [{ ...base, plays: 'drain' }] : [];
  });
  return [...honest, ...hostile, ...accomplices];
}

/** Ports that want the worker's time beside the honest source. */
export function hostilePorts(kind: FairnessKind, attackers: number): number {
  return attackers * (kind.from === 'accomplice' ? 2 : 1);
}

/** Of what the pair has alone: four fifths of an equal share among all who want the worker. */
export function floorOf(kind: FairnessKind, attackers: number): number {
  return Number((0.8 / (1 + hostilePorts(kind, attackers))).toFixed(4));
}
