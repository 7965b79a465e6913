/** What an operator learns about a front-end: why it comes and goes, and what to do. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { withRemedy } from '../../../backend/fault-report.ts';
import { connectionFaults } from '../../../backend/vhost-user/faults.ts';
import {
  memoryNotSharedNotice,
  noMemoryNotice,
  VhostUserEndpoint,
  type VhostUserEndpointOptions,
} from '../../../backend/vhost-user/index.ts';
import { faults } from '../../../native/boundary/index.ts';
import { addon, eventually, Frontend, later, RecordingDatapath, RecordingLog } from './support.ts';

let path = '';
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'valenic-'));
  path = join(folder, 'vm1.sock');
  later(() => rmSync(folder, { recursive: true, force: true }));
});

describe('what a peer can do wrong', () => {
  const rows: Readonly<Record<string, { readonly text: string; readonly remedy?: string }>> = {
    ...{ ...connectionFaults, ...faults },
  };
  it.each(Object.keys(rows).filter((code) => code !== 'none'))('%s: says what to do', (code) => {
    const { text = '', remedy = '' } = rows[code] ?? {};
    expect(remedy).not.toBe('');
    expect(withRemedy(text, remedy)).toMatch(/^[a-zA-Z][^;]*; [a-z].*[a-zA-Z)"]$/);
  });
});

async function listening(options: Partial<VhostUserEndpointOptions> = {}) {
  const [datapath, log] = [new RecordingDatapath(), new RecordingLog()];
  const endpoint = new VhostUserEndpoint({
    ...{ addon, datapath, log, port: 3, name: 'vale0:vm1', path, role: 'server', queues: 1 },
    timings: { memoryNoticeMs: 30 },
    ...options,
  });
  later(() => endpoint.close());
  await endpoint.start();
  return { endpoint, datapath, log };
}

const connect = () => new Frontend(addon.connectFdSocket(path));
const gone = (endpoint: VhostUserEndpoint) =>
  eventually(() => expect(endpoint.state().connected).toBe(false));

/** As QEMU does when its guest has what the back-end lacks. */
async function leavesEarly(endpoint: VhostUserEndpoint): Promise<void> {
  const frontend = connect();
  await frontend.askU64('GET_FEATURES');
  await frontend.askU64('GET_PROTOCOL_FEATURES');
  await frontend.send('SET_PROTOCOL_FEATURES', { value: 1n });
  await frontend.askU64('GET_QUEUE_NUM');
  await frontend.settled();
  frontend.close();
  await gone(endpoint);
}

async function runs(): Promise<Frontend> {
  const frontend = connect();
  await frontend.negotiate();
  await frontend.shareMemory();
  await frontend.setUpRing(0);
  await frontend.settled();
  return frontend;
}

describe('a front-end that leaves once it heard the offer', () => {
  const told = (log: RecordingLog) =>
    log.lines.filter(({ message }) => message.includes('heard what the port offers'));

  it('is told once, with the offer and what to do, and shown from the second on', async () => {
    const { endpoint, log } = await listening({ queues: 2, offloads: false });
    await leavesEarly(endpoint);
    expect(endpoint.state().notice).toBeNull();
    for (let turn = 0; turn < 5; ++turn) await leavesEarly(endpoint);
    expect(told(log).map(({ level }) => level)).toEqual(['info', 'warn']);
    const { notice } = endpoint.state();
    expect(notice).toContain('2 queue pairs');
    expect(notice).toContain('VIRTIO_NET_F_MRG_RXBUF');
    expect(notice).not.toContain('VIRTIO_NET_F_CSUM');
    expect(notice).toMatch(/more queue pairs.*queues=N.*offloads=on/s);
  });

  it('is forgotten when one stays', async () => {
    const { endpoint, log } = await listening();
    for (let turn = 0; turn < 3; ++turn) await leavesEarly(endpoint);
    const frontend = await runs();
    frontend.close();
    await gone(endpoint);
    expect(endpoint.state().notice).toBeNull();
    expect(log.messages('info')).toContain('the front-end left');
    await leavesEarly(endpoint);
    expect(endpoint.state().notice).toBeNull();
    // One that stays now and then does not fill the log.
    expect(told(log).map(({ level }) => level)).toEqual(['info', 'warn', 'debug']);
  });
});

describe('a fault', () => {
  it("of an earlier connection is not the next one's", async () => {
    const { endpoint } = await listening();
    const bad = connect();
    await bad.send('SET_VRING_NUM', { index: 9, num: 256 });
    expect(await bad.refused()).toBe(true);
    await gone(endpoint);
    expect(endpoint.state().fault).toMatchObject({
      code: 'ring_index_invalid',
      remedy: 'give the port as many queue pairs as its guest has: queues=N',
    });
    const good = connect();
    await good.settled();
    expect(endpoint.state().fault).toBeNull();
    good.close();
    await gone(endpoint);
    expect(endpoint.state().fault).toBeNull();
  });

  it('of a ring: it is not shown as started', async () => {
    const { endpoint } = await listening();
    await runs();
    expect(endpoint.state().rings[0]).toMatchObject({ started: true, fault: null });
    endpoint.handleEvent({ event: 'ring_fault', port: 3, ring: 0, fault: 'chain_loops' });
    expect(endpoint.state().rings[0]).toMatchObject({ started: false, fault: 'chain_loops' });
    expect(endpoint.state().fault?.remedy).toContain('reset the device');
  });

  it('of a ring whose memory went with a new table', async () => {
    const { endpoint } = await listening();
    const frontend = await runs();
    await frontend.shareMemory(1 << 20, 0x1000_0000n);
    await frontend.settled();
    expect(endpoint.state()).toMatchObject({
      fault: {
        code: 'ring_address_unmapped',
        remedy: 'give every memory backend of the guest share=on',
      },
    });
    expect(endpoint.state().rings[0]).toMatchObject({ started: false });
    await frontend.shareMemory();
    await frontend.settled();
    expect(endpoint.state().fault).toBeNull();
    expect(endpoint.state().rings[0]).toMatchObject({ started: true, fault: null });
  });

  it('that is only a refusal is shown with what to do, and the connection stays', async () => {
    const { endpoint } = await listening({ mtu: 1500 });
    const frontend = connect();
    await frontend.negotiate(['VIRTIO_F_VERSION_1', 'VIRTIO_NET_F_MTU'], ['REPLY_ACK', 'MTU']);
    const answer = await frontend.ask('NET_SET_MTU', { value: 9000n }, { needReply: true });
    expect(answer?.readBigUInt64LE()).toBe(1n);
    expect(endpoint.state()).toMatchObject({
      ...{ connected: true, fault: null },
      refused: {
        code: 'mtu_invalid',
        text: expect.stringContaining('got 9000, allowed 68 to 1500'),
        remedy: expect.stringContaining('host_mtu=N'),
      },
    });
  });
});

describe('memory', () => {
  it('that never came is told as that, and not as memory that is not shared', async () => {
    const { endpoint } = await listening();
    const frontend = connect();
    await frontend.negotiate();
    await eventually(() => expect(endpoint.state().noMemory).toBe(true));
    expect(endpoint.state().notice).toBe(noMemoryNotice);
    expect(noMemoryNotice).toMatch(/^The driver started, but the front-end sent no memory/);
    await frontend.shareMemory();
    await frontend.settled();
    expect(endpoint.state()).toMatchObject({ noMemory: false, notice: null });
  });

  it('that is another than the driver writes to is told as not shared', async () => {
    const { endpoint } = await listening();
    await runs();
    endpoint.handleEvent({ event: 'memory_not_shared', port: 3, ring: 0 });
    expect(endpoint.state()).toMatchObject({ noMemory: true, notice: memoryNotSharedNotice });
  });
});
