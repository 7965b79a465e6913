/** Floods to ports that nobody uses: counted, and not called lost. */

import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createSwitch, dropped, lost } from '../../../backend/index.ts';
import { testFolder, until } from '../support.ts';

it('a flood to ports that nobody uses is dropped there and is not a loss', async () => {
  await using vale = await createSwitch({ name: 'vale0' });
  const folder = await testFolder();
  const source = await vale.addPort('h', { kind: 'host' });
  const unused = [
    await vale.addPort('a', { kind: 'vhost-user', path: join(folder, 'a.sock') }),
    await vale.addPort('s', { kind: 'stream', address: join(folder, 's.sock') }),
  ];
  await source.startSource({
    ...{ stream: 1, frameBytes: 60, ratePps: 0, count: 100n },
    ...{ destination: 'ff:ff:ff:ff:ff:ff', source: '52:54:00:00:00:01' },
  });
  const drops = await until(
    () => unused.map((port) => dropped(port.stats())),
    (counts) => counts.every((frames) => frames === 100),
  );
  expect(drops).toEqual([100, 100]);
  expect([source, ...unused].map((port) => lost(port.stats()))).toEqual([0, 0, 0]);
});
