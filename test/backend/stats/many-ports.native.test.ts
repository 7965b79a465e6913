/** The stats page of more ports than one switch has: each port's counters are its own. */

import { join } from 'node:path';
import { expect, it } from 'vitest';
import { datapathPlaces } from '../../../backend/datapath/places.ts';
import type { Backend } from '../../../backend/index.ts';
import { testBackend, testFolder, until } from '../support.ts';

/** As many on each of two switches as make the places of the last ports need a second byte. */
const waitingEach = 160;
const station = (number: number) => `52:54:00:00:00:0${number}`;

/** Ports that wait for their peer: what is flooded to them is counted there. */
async function waiting(backend: Backend, home: string, folder: string) {
  const add = (index: number) =>
    backend.addPort({
      name: { switch: home, port: `s${index}` },
      device: { kind: 'stream', address: join(folder, `${home}-${index}`) },
    });
  return Promise.all(Array.from({ length: waitingEach }, (_, index) => add(index)));
}

it.each(datapathPlaces)('counts for each of 322 ports, %s', async (datapath) => {
  const backend = await testBackend({ datapath });
  const folder = await testFolder();
  const left = await waiting(backend, 'left', folder);
  const right = await waiting(backend, 'right', folder);
  const hosts = await Promise.all(
    ['a', 'b'].map((port) =>
      backend.addPort({ name: { switch: 'right', port }, device: { kind: 'host' } }),
    ),
  );
  const [a, b] = hosts;
  if (a === undefined || b === undefined) throw new Error('a port is missing');
  const frames = 100;
  const broadcast = { stream: 1, frameBytes: 60, ratePps: 0, count: BigInt(frames) };
  await a.startSource({
    ...broadcast,
    ...{ source: station(1), destination: 'ff:ff:ff:ff:ff:ff' },
  });
  const missed = (ports: typeof left) => ports.map((port) => port.stats().drops.rx_not_connected);
  await until(
    () => missed(right),
    (counts) => counts.every((count) => count === frames),
  );
  await until(
    () => b.stats().counters.rx_frames,
    (count) => count === frames,
  );
  expect(missed(left)).toEqual(left.map(() => 0));
  expect(a.stats().counters).toMatchObject({ tx_frames: frames, rx_frames: 0 });
  await a.stopSource();

  await right[100]?.close();
  await b.startSource({ ...broadcast, ...{ source: station(2), destination: station(1) } });
  await until(
    () => a.stats().counters.rx_frames,
    (count) => count === frames,
  );
  const others = right.filter((_, index) => index !== 100);
  expect(missed(others)).toEqual(others.map(() => frames));
});
