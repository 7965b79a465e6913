/** `valenic port move` and what else the control API says about workers. */

import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parsePort, serveConfig } from '../../../backend/config/index.ts';
import { ControlClient, Daemon } from '../../../backend/daemon/index.ts';
import { testFolder } from '../support.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const daemons: Daemon[] = [];

afterEach(async () => {
  for (const daemon of daemons.splice(0)) await daemon.close();
});

async function served(): Promise<ControlClient> {
  const folder = await testFolder();
  const control = join(folder, 'control.sock');
  const ports = [
    parsePort(`vale0:vm1,vhost-user=${join(folder, 'vm1.sock')},queues=3`),
    parsePort('vale0:h,host'),
  ];
  const config = serveConfig([{ control, workers: 4, macTable: 65_536, ports }]);
  daemons.push(await Daemon.start({ config, log }));
  return new ControlClient(control);
}

describe('PUT /v1/ports/NAME/workers', () => {
  it('gives queue pairs to the workers named, in turn', async () => {
    const client = await served();
    expect((await client.port('vale0:vm1')).workers).toEqual([0, 1, 2]);
    expect((await client.movePort('vale0:vm1', [3, 1])).workers).toEqual([3, 1, 3]);
    expect((await client.port('vale0:vm1')).workers).toEqual([3, 1, 3]);
    expect((await client.port('vale0:h')).workers).toEqual([3]);
  });

  it.each([[[]], [[4]], [[0, -1]], [[0.5]]])('refuses %j and moves nothing', async (workers) => {
    const client = await served();
    await expect(client.movePort('vale0:vm1', workers)).rejects.toMatchObject({
      code: 'value_invalid',
    });
    expect((await client.port('vale0:vm1')).workers).toEqual([0, 1, 2]);
  });
});

describe('spinUs', () => {
  it('is auto, a number, or refused', async () => {
    const client = await served();
    expect((await client.port('vale0:h')).settings.spinUs).toBe('auto');
    expect((await client.setPort('vale0:h', { spinUs: 70 })).settings.spinUs).toBe(70);
    const polled = await client.polling('vale0', { mode: 'adaptive', spinUs: 'auto' });
    for (const { settings } of polled) expect(settings.spinUs).toBe('auto');
    await expect(
      client.setPort('vale0:h', { spinUs: 'often' as unknown as 'auto' }),
    ).rejects.toMatchObject({ code: 'value_invalid' });
  });
});
