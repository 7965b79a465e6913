/** GET_VRING_BASE_SKIP_DRAIN: stops a ring as GET_VRING_BASE does, where it was negotiated. */

import { describe, expect, it } from 'vitest';
import type { ProtocolFeatureName } from '../../../frontend-spec/index.ts';
import { rig } from './support.ts';

/** A rig whose ring 0 runs. */
async function running(...protocol: ProtocolFeatureName[]) {
  const made = rig();
  await made.frontend.negotiate(['VIRTIO_F_VERSION_1'], ['REPLY_ACK', 'MQ', ...protocol]);
  await made.frontend.shareMemory();
  await made.frontend.setUpRing(0);
  await made.frontend.settled();
  return made;
}

describe('GET_VRING_BASE_SKIP_DRAIN', () => {
  it('stops the ring and answers where: there is nothing to drain', async () => {
    const { frontend, datapath, session } = await running('GET_VRING_BASE_SKIP_DRAIN');
    datapath.base = 4711;
    const answer = await frontend.ask('GET_VRING_BASE_SKIP_DRAIN', { index: 0, num: 0 });
    expect(answer).toEqual(Buffer.from('0000000067120000', 'hex'));
    expect(datapath.names(0).at(-1)).toBe('vhost.ring.stop');
    expect(session.device.rings.at(0).running).toBe(false);
  });

  it('is refused where its feature was not negotiated', async () => {
    const { frontend, ended } = await running();
    await frontend.send('GET_VRING_BASE_SKIP_DRAIN', { index: 0, num: 0 });
    expect(await frontend.refused()).toBe(true);
    expect(await ended).toMatchObject({ code: 'request_not_negotiated' });
  });
});
