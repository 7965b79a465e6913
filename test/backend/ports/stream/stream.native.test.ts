/** Stream ports over real sockets: QEMU's framing, and peers that break it or do not read. */

import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../../../native/boundary/index.ts';
import { until } from '../../support.ts';
import { RecordingLog } from '../../vhost-user/support.ts';
import {
  connected,
  counted,
  frame,
  framed,
  linkRig,
  listenAt,
  notConnected,
  StreamPeer,
  same,
  settledStats,
} from '../support.ts';

async function pair(settings: { more?: boolean; polling?: 'busy' | 'event' } = {}, workers = 1) {
  const rig = await linkRig(workers);
  const ports = [await rig.stream('a'), await rig.stream('b')] as const;
  for (const port of ports) await port.set({ ...defaultSettings, ...settings });
  const a = await StreamPeer.connect(rig.path('a'));
  const b = await StreamPeer.connect(rig.path('b'));
  for (const port of ports) await connected(port);
  return { rig, ports, a, b };
}

describe('frames of a stream', () => {
  it.each([
    { polling: 'busy', more: true },
    { polling: 'event', more: false },
  ] as const)('of every length cross unchanged and in order, %o', async (settings) => {
    const { a, b, ports } = await pair(settings);
    const lengths = [14, 59, 60, 61, 115, 116, 117, 1514, 9014, 65_535, 65_550];
    const sent = lengths.map((bytes, seed) => frame(bytes, seed));
    await a.write(framed(...sent));
    same(await b.received(sent.length), sent);
    await b.write(framed(...sent));
    same(await a.received(sent.length), sent);
    const { counters } = await settledStats(ports[0]);
    expect(counters.tx_frames).toBe(lengths.length);
    expect(counters.rx_frames).toBe(lengths.length);
  });

  it('are put together wherever the stream is cut', async () => {
    const { a, b } = await pair({ polling: 'event' });
    const one = framed(frame(60, 1), frame(100, 2));
    for (let cut = 1; cut < one.length; cut++) {
      await a.write(one.subarray(0, cut));
      // So that the pieces arrive separately; the test holds in any case.
      if (cut % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      await a.write(one.subarray(cut));
    }
    const got = await b.received(2 * (one.length - 1));
    for (const [index, seen] of got.entries()) {
      expect(seen).toEqual(index % 2 === 0 ? frame(60, 1) : frame(100, 2));
    }
  });

  it('too short and too long for the port are counted, and the next one passes', async () => {
    const { a, b, ports } = await pair();
    await ports[0].set({ maxFrameBytes: 1514 });
    await a.write(framed(frame(13), frame(1515), frame(1514, 9)));
    expect(await b.received(1)).toEqual([frame(1514, 9)]);
    const { drops } = await settledStats(ports[0]);
    expect([drops.tx_too_short, drops.tx_too_long]).toEqual([1, 1]);
  });

  it('of a flood in both directions arrive each once and in order', async () => {
    const { a, b } = await pair({ polling: 'event' }, 2);
    // As much as the backlog holds, so nothing may be lost, however late the peer reads.
    const many = Array.from({ length: 170 }, (_, seed) => frame(1514, seed));
    await Promise.all([a.write(framed(...many)), b.write(framed(...many))]);
    same(await a.received(many.length), many);
    same(await b.received(many.length), many);
  });
});

describe('a peer that breaks the framing', () => {
  it.each([
    ['stream_length_zero', Buffer.alloc(4)],
    ['stream_length_excessive', Buffer.from([0, 1, 0, 15])],
    ['stream_length_excessive', Buffer.from([0xff, 0xff, 0xff, 0xff])],
  ])('%s: loses its connection, and the port takes the next', async (code, bytes) => {
    const { rig, ports, a, b } = await pair();
    const [port] = ports;
    await a.write(Buffer.concat([framed(frame(60, 3)), bytes, framed(frame(60, 4))]));
    await until(
      () => a.ended,
      (ended) => ended,
    );
    await notConnected(port);
    expect(port.state().endpoint?.fault?.code).toBe(code);
    expect((await settledStats(port)).counters.queue_faults).toBe(1);
    expect(await b.received(1)).toEqual([frame(60, 3)]);

    const again = await StreamPeer.connect(rig.path('a'));
    await connected(port);
    expect(port.state().endpoint?.fault).toBeNull();
    await again.write(framed(frame(60, 5)));
    expect((await b.received(2))[1]).toEqual(frame(60, 5));
  });

  it('stream_truncated: ends in the middle of a frame', async () => {
    const { ports, a, b } = await pair();
    await a.write(framed(frame(60, 1)).subarray(0, 30));
    a.socket.end();
    await notConnected(ports[0]);
    expect(ports[0].state().endpoint?.fault?.code).toBe('stream_truncated');
    expect(b.frames).toEqual([]);
  });

  it('that just leaves is not a fault', async () => {
    const { ports, a } = await pair();
    a.socket.end();
    await notConnected(ports[0]);
    expect(ports[0].state().endpoint?.fault).toBeNull();
    expect((await settledStats(ports[0])).counters.queue_faults).toBe(0);
  });
});

describe('a peer that does not read', () => {
  it('costs its own frames only, counted, and gets whole ones when it reads again', async () => {
    const { rig, a, b, ports } = await pair({ polling: 'event' });
    await rig.stream('c');
    const c = await StreamPeer.connect(rig.path('c'));
    await connected(rig.backend.port({ switch: 'v', port: 'c' }));
    b.socket.pause();
    const many = Array.from({ length: 2000 }, (_, seed) => frame(1514, seed));
    // In pieces that the backlog of c holds: however late c reads, it loses nothing.
    const piece = 100;
    for (let sent = 0; sent < many.length; sent += piece) {
      await a.write(framed(...many.slice(sent, sent + piece)));
      await c.received(sent + piece);
    }
    same(c.frames, many);
    const { counters, drops } = await settledStats(ports[1]);
    expect(drops.rx_backlog_full).toBeGreaterThan(0);
    expect(counters.rx_frames + drops.rx_backlog_full).toBe(many.length);
    b.socket.resume();
    const got = await b.received(counters.rx_frames);
    same(got, many.slice(0, counters.rx_frames));
    // And the port works as before.
    await a.write(framed(frame(60, 77)));
    expect((await b.received(counters.rx_frames + 1)).at(-1)).toEqual(frame(60, 77));
  });

  it('who leaves takes what waited for it along, and the next one starts afresh', async () => {
    const { rig, a, b, ports } = await pair({ polling: 'event' });
    b.socket.pause();
    await a.write(framed(...Array.from({ length: 2000 }, (_, seed) => frame(1514, seed))));
    await counted(ports[1], ({ drops }) => drops.rx_backlog_full, 1);
    b.socket.destroy();
    await notConnected(ports[1]);
    const next = await StreamPeer.connect(rig.path('b'));
    await connected(ports[1]);
    await a.write(framed(frame(60, 9)));
    expect(await next.received(1)).toEqual([frame(60, 9)]);
  });
});

describe('connections of a stream port', () => {
  it('without a peer, frames for it are counted', async () => {
    const rig = await linkRig();
    await rig.stream('a');
    const port = await rig.stream('b');
    const a = await StreamPeer.connect(rig.path('a'));
    await a.write(framed(frame(60)));
    expect(await counted(port, ({ drops }) => drops.rx_not_connected, 1)).toBe(1);
  });

  it('a second peer is turned away while the first is there', async () => {
    const { rig, a, b } = await pair();
    const second = await StreamPeer.connect(rig.path('a'));
    await until(
      () => second.ended,
      (ended) => ended,
    );
    await a.write(framed(frame(60, 8)));
    expect(await b.received(1)).toEqual([frame(60, 8)]);
  });

  it('are told of in the words of a peer, in both roles', async () => {
    const log = new RecordingLog();
    const rig = await linkRig(1, log);
    await rig.stream('a');
    await StreamPeer.connect(rig.path('a'));
    await rig.stream('nobody', { role: 'client' });
    await until(
      async () => {
        const second = await StreamPeer.connect(rig.path('a'));
        await until(
          () => second.ended,
          (ended) => ended,
        );
        return log.lines.map(({ message }) => message).join('\n');
      },
      (said) => said.includes('a second peer was turned away') && said.includes('for the peer ('),
    );
    expect(log.lines.map(({ message }) => message).join('\n')).not.toContain('front-end');
  });

  it('as a client it connects, and connects again', async () => {
    const rig = await linkRig();
    await rig.stream('b');
    const b = await StreamPeer.connect(rig.path('b'));
    const port = await rig.stream('a', { role: 'client' });
    const { server, peers } = await listenAt(rig.path('a'));
    await connected(port);
    await until(
      () => peers.length,
      (count) => count === 1,
    );
    await peers[0]?.write(framed(frame(60, 1)));
    await b.received(1);
    peers[0]?.socket.destroy();
    await until(
      () => peers.length,
      (count) => count === 2,
    );
    await connected(port);
    await peers[1]?.write(framed(frame(60, 2)));
    expect(await b.received(2)).toEqual([frame(60, 1), frame(60, 2)]);
    for (const peer of peers) peer.socket.destroy();
    server.close();
  });

  it('over TCP, both roles', async () => {
    const rig = await linkRig();
    const server = await rig.stream('s', { address: 'tcp:127.0.0.1:0' });
    const address = server.state().endpoint?.address ?? '';
    // On a switch of its own: two ports of one switch that are each other's peer make a loop.
    const client = await rig.backend.addPort({
      name: { switch: 'w', port: 'c' },
      device: { kind: 'stream', address, role: 'client' },
      settings: {},
    });
    await connected(server);
    await connected(client);
    await rig.stream('b');
    const peer = await StreamPeer.connect(rig.path('b'));
    await peer.write(framed(frame(60, 1)));
    await counted(client, ({ counters }) => counters.tx_frames, 1);
    expect((await settledStats(server)).counters.rx_frames).toBe(1);
  });

  it('its socket file has the mode it is told, and goes with the port', async () => {
    const rig = await linkRig();
    const port = await rig.stream('a', { mode: 0o620 });
    const { stat } = await import('node:fs/promises');
    expect((await stat(rig.path('a'))).mode & 0o777).toBe(0o620);
    await port.close();
    await expect(stat(rig.path('a'))).rejects.toThrow('ENOENT');
  });

  it('refuses a network address that is taken, with what to do', async () => {
    const rig = await linkRig();
    const first = await rig.stream('a', { address: 'tcp:127.0.0.1:0' });
    const address = first.state().endpoint?.address ?? '';
    await expect(rig.stream('b', { address })).rejects.toThrow(
      `${address}: another program uses that port: choose another`,
    );
  });
});
