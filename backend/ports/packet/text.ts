/** A packet port in words. */

import { type Fact, linkFacts, type ShownPort } from '../text.ts';
import type { PacketIo, PacketState } from './io.ts';

export function packetFacts(port: ShownPort<PacketState>): readonly Fact[] {
  const io = port.endpoint?.io;
  const [at, peer, ...more] = linkFacts(port);
  const how = io === undefined ? [] : [{ name: 'io', text: ioText(io) }];
  return [at, peer, ...how, ...more].filter((fact) => fact !== undefined);
}

function ioText({ mode, zeroCopy, xdp, needWakeup, why }: PacketIo): string {
  const copies = zeroCopy ? 'zero-copy' : 'copy';
  const woken = needWakeup ? ', need-wakeup' : '';
  const how = xdp === undefined ? '' : `, ${copies}, ${xdp} XDP${woken}`;
  return `${mode}${how}${why === null ? '' : `: ${why}`}`;
}
