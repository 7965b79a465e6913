/** Tags that a port does not have: what is sent with them reaches nobody of another VLAN. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.ts';
import { flag, type Guest } from '../guest.ts';
import type { Scene } from '../scene.ts';

const tpid = { c: 0x8100, s: 0x88a8, old: 0x9100 } as const;
type Tag = readonly [keyof typeof tpid, number];

/** IEEE 802.1Q, 9.6: priority, drop eligible and VLAN in two bytes. */
function tagged(tags: readonly Tag[], marker: string): Buffer {
  const frame = Buffer.alloc(90);
  Buffer.from('ffffffffffff026600000077', 'hex').copy(frame);
  let at = 12;
  for (const [kind, word] of tags) {
    frame.writeUInt16BE(tpid[kind], at);
    frame.writeUInt16BE(word, at + 2);
    at += 4;
  }
  frame.writeUInt16BE(0x88b5, at);
  frame.write(marker, at + 2);
  return frame;
}

const places = {
  /** Access to VLAN 10, as the attacker. */
  f: 'vlan=10',
  /** Access to VLAN 20. */
  g: 'vlan=20',
  /** Access to VLAN 10. */
  h: 'vlan=10',
  /** A trunk of 10 and 20. */
  i: 'trunk=10+20',
  /** The attacker's trunk: of 10 alone, and what has no tag is in it. */
  j: 'trunk=10,native=10',
} as const;
type Place = keyof typeof places;

const portsOf = (folder: string): readonly string[] =>
  Object.entries(places).map(([name, keys]) => `${name},vhost-user=${folder}/${name}.sock,${keys}`);

const bufferBytes = 256;
const bufferCount = 64;

/** Hears what comes, in buffers side by side. */
async function listener(scene: Scene, place: Place): Promise<Guest> {
  const guest = await scene.guest({}, place);
  const at = (index: number) => guest.free + 8192 + index * bufferBytes;
  guest.describe(
    0,
    Array.from({ length: bufferCount }, (_, index) => ({
      ...{ at: at(index), bytes: bufferBytes, flags: flag.write },
    })),
  );
  guest.offer(0, ...Array.from({ length: bufferCount }, (_, index) => index));
  return guest;
}

/** The frames that hold the marker, without their net headers. */
function heard(guest: Guest, marker: string): readonly Buffer[] {
  return Array.from({ length: bufferCount }, (_, index) =>
    guest.read(guest.free + 8192 + index * bufferBytes, bufferBytes).subarray(12),
  ).filter((frame) => frame.includes(marker));
}

interface Row {
  readonly name: string;
  readonly from: 'f' | 'j';
  readonly tags: readonly Tag[];
  /** The ports that may receive it; no other may. */
  readonly heardBy: readonly Place[];
}

const rows: readonly Row[] = [
  { name: 'vlan-none', from: 'f', tags: [], heardBy: ['h', 'i', 'j'] },
  { name: 'vlan-of-others', from: 'f', tags: [['c', 20]], heardBy: [] },
  { name: 'vlan-service-tag-of-others', from: 'f', tags: [['s', 20]], heardBy: [] },
  { name: 'vlan-priority-tag', from: 'f', tags: [['c', 0xe000]], heardBy: ['h', 'i', 'j'] },
  { name: 'vlan-4095', from: 'f', tags: [['c', 4095]], heardBy: [] },
  { name: 'vlan-hops-behind-a-priority-tag', from: 'f', ...twice(['c', 0], ['c', 20]) },
  { name: 'vlan-hops-behind-its-own', from: 'f', ...twice(['c', 10], ['c', 20]) },
  { name: 'vlan-hops-behind-a-service-tag', from: 'f', ...twice(['s', 10], ['c', 20]) },
  { name: 'trunk-of-others', from: 'j', tags: [['c', 20]], heardBy: [] },
  { name: 'trunk-its-own', from: 'j', tags: [['c', 10]], heardBy: ['f', 'h', 'i'] },
  { name: 'trunk-hops-behind-its-own', from: 'j', ...twice(['c', 10], ['c', 20]) },
  { name: 'trunk-hops-behind-none', from: 'j', ...twice(['c', 0], ['c', 20]) },
];

/** Whoever hears it must not take the second tag for the VLAN's. */
function twice(first: Tag, second: Tag): Pick<Row, 'tags' | 'heardBy'> {
  return { tags: [first, second], heardBy: ['f', 'h', 'i', 'j'] };
}

/** The outermost tag of a frame; null: none. */
function outermost(frame: Buffer): number | null {
  const known: readonly number[] = Object.values(tpid);
  return known.includes(frame.readUInt16BE(12)) ? frame.readUInt16BE(14) & 0xfff : null;
}

function attackOf({ name, from, tags, heardBy }: Row): Attack {
  return {
    ...{ name, rules: [76, 77, 78], ports: portsOf, expect: [] },
    run: async (scene) => {
      const listeners = (Object.keys(places) as Place[]).filter((place) => place !== from);
      const guests = new Map<Place, Guest>();
      for (const place of listeners) guests.set(place, await listener(scene, place));
      const sender = await scene.guest({}, from);
      const marker = `${name} of ${from}`;
      sender.send(tagged(tags, marker));
      await scene.until(
        'the frame, taken',
        () => sender.used(1),
        (used) => used === 1,
      );
      await sleep(50);
      for (const [place, guest] of guests) {
        const frames = heard(guest, marker);
        if (frames.length > 0 && !heardBy.includes(place)) {
          throw new Error(`${place} (${places[place]}) heard ${frames[0]?.toString('hex')}`);
        }
        const trunk = places[place].startsWith('trunk');
        if (frames.some((frame) => outermost(frame) === 20 && (trunk || tags.length > 1))) {
          throw new Error(`${place} (${places[place]}) was shown VLAN 20`);
        }
        const single = tags.length < 2;
        if (single && frames.length === 0 && heardBy.includes(place) && !scene.over) {
          throw new Error(`${place} (${places[place]}) heard nothing`);
        }
      }
    },
  };
}

export const vlans: readonly Attack[] = rows.map(attackOf);
