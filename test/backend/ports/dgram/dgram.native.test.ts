/** Dgram ports over real sockets: one frame a datagram. */

import { createSocket, type Socket } from 'node:dgram';
import { existsSync, readdirSync, symlinkSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { loadAddon } from '../../../../backend/datapath/load.ts';
import { ownLoopback, until } from '../../support.ts';
import {
  counted,
  frame,
  framed,
  type LinkRig,
  linkRig,
  StreamPeer,
  same,
  settledStats,
} from '../support.ts';

/** A dgram port whose datagrams go to another one, each on a switch of its own. */
async function tunnel(rig: LinkRig, one: string, other: string) {
  const add = (name: string, address: string, peer: string) =>
    rig.backend.addPort({
      name: { switch: name, port: 'd' },
      device: { kind: 'dgram', address, peer },
      settings: {},
    });
  const stream = async (name: string) => {
    const address = rig.path(name);
    await rig.backend.addPort({
      name: { switch: name, port: 's' },
      device: { kind: 'stream', address, role: 'server' },
      settings: {},
    });
    return StreamPeer.connect(address);
  };
  const ports = [await add('left', one, other), await add('right', other, one)] as const;
  return { ports, left: await stream('left'), right: await stream('right') };
}

const descriptors = (): number => readdirSync('/proc/self/fd').length;

function linkTo(path: string): string {
  symlinkSync(path, `${path}.link`);
  return `${path}.link`;
}

/** Of `ownLoopback`. */
const ownPort = 4733;

async function udpSocket(): Promise<{ socket: Socket; port: number; got: Buffer[] }> {
  const socket = createSocket('udp4');
  const got: Buffer[] = [];
  socket.on('message', (bytes) => void got.push(bytes));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { socket, port: socket.address().port, got };
}

describe('frames in datagrams', () => {
  it.each([
    ['a path', (rig: LinkRig) => [rig.path('d'), rig.path('./d')]],
    ['a link to a path', (rig: LinkRig) => [rig.path('d'), linkTo(rig.path('d'))]],
    ['an address', () => [`udp:127.0.0.1:${ownPort}`, `udp:127.0.0.1:${ownPort}`]],
    ['any address', () => [`udp:0.0.0.0:${ownPort}`, `udp:127.0.0.1:${ownPort}`]],
  ])('are not sent to %s of our own', async (_, ends) => {
    const rig = await linkRig();
    const [address = '', peer = ''] = ends(rig);
    const device = { kind: 'dgram', address, peer } as const;
    const name = { switch: 'v', port: 'd' };
    const before = descriptors();
    await expect(rig.backend.addPort({ name, device, settings: {} })).rejects.toThrow(
      `peer ${peer} is the port's own address: give that of the other end`,
    );
    expect(rig.backend.ports()).toEqual([]);
    expect(existsSync(rig.path('d'))).toBe(false);
    await until(descriptors, (now) => now <= before);
  });

  it('cross a UNIX socket unchanged, of every length', async () => {
    const rig = await linkRig();
    const { left, right } = await tunnel(rig, rig.path('l.d'), rig.path('r.d'));
    const sent = [14, 60, 116, 117, 1514, 9014, 65_550].map((bytes, seed) => frame(bytes, seed));
    await left.write(framed(...sent));
    same(await right.received(sent.length), sent);
    await right.write(framed(...sent));
    same(await left.received(sent.length), sent);
  });

  it('go to and come from one UDP peer, and from nobody else', async () => {
    const rig = await linkRig();
    const [peer, stranger] = [await udpSocket(), await udpSocket()];
    const port = await rig.add('d', {
      kind: 'dgram',
      address: `udp:${ownLoopback}:${ownPort}`,
      peer: `udp:localhost:${peer.port}`,
    });
    const receiver = await rig.stream('s');
    const stream = await StreamPeer.connect(rig.path('s'));
    // The kernel has the connection before the port does.
    await until(() => receiver.state().endpoint?.connected, Boolean);
    stranger.socket.send(frame(60, 1), ownPort, ownLoopback);
    peer.socket.send(frame(60, 2), ownPort, ownLoopback);
    same(await stream.received(1), [frame(60, 2)]);
    await stream.write(framed(frame(1514, 3), frame(65_550, 4), frame(60, 5)));
    same(
      await until(
        () => peer.got,
        (got) => got.length === 2,
      ),
      [frame(1514, 3), frame(60, 5)],
    );
    expect((await settledStats(port)).drops.rx_too_long).toBe(1);
    peer.socket.close();
    stranger.socket.close();
  });

  it('empty, too short and too long ones are counted', async () => {
    const rig = await linkRig();
    const peer = await udpSocket();
    const address = `udp:${ownLoopback}:${ownPort}`;
    const device = { kind: 'dgram', address, peer: `udp:127.0.0.1:${peer.port}` } as const;
    const port = await rig.add('d', device, { maxFrameBytes: 1514 });
    for (const bytes of [0, 13, 1515, 60_000]) {
      peer.socket.send(bytes === 0 ? Buffer.alloc(0) : frame(bytes), ownPort, ownLoopback);
    }
    await counted(port, ({ drops }) => drops.tx_too_short + drops.tx_too_long, 4);
    expect(port.stats().drops).toMatchObject({ tx_too_short: 2, tx_too_long: 2 });
    peer.socket.close();
  });
});

describe('the other end of a dgram port', () => {
  it('is counted as absent until it is there, and again after it left', async () => {
    const rig = await linkRig();
    const device = { kind: 'dgram', address: rig.path('d'), peer: rig.path('peer') } as const;
    const port = await rig.add('d', device);
    await rig.stream('s');
    const stream = await StreamPeer.connect(rig.path('s'));
    await stream.write(framed(frame(60)));
    await counted(port, ({ drops }) => drops.rx_not_connected, 1);
    const addon = loadAddon();
    for (const turn of [1, 2]) {
      const fd = addon.bindUnixDatagram(rig.path('peer'), 0o600);
      await stream.write(framed(frame(60)));
      await counted(port, ({ counters }) => counters.rx_frames, turn);
      addon.closeFd(fd);
      await (await import('node:fs/promises')).unlink(rig.path('peer'));
      await stream.write(framed(frame(60)));
      await counted(port, ({ drops }) => drops.rx_not_connected, turn + 1);
    }
  });

  it('that does not read costs its own frames only', async () => {
    const rig = await linkRig();
    const addon = loadAddon();
    const fd = addon.bindUnixDatagram(rig.path('peer'), 0o600);
    const port = await rig.add('d', {
      ...{ kind: 'dgram', address: rig.path('d'), peer: rig.path('peer') },
    });
    await rig.stream('s');
    const stream = await StreamPeer.connect(rig.path('s'));
    const many = Array.from({ length: 2000 }, (_, seed) => frame(1514, seed));
    await stream.write(framed(...many));
    const all = ({ counters, drops }: ReturnType<typeof port.stats>) =>
      counters.rx_frames + drops.rx_backlog_full;
    expect(await counted(port, all, many.length)).toBe(many.length);
    expect(port.stats().drops.rx_backlog_full).toBeGreaterThan(0);
    addon.closeFd(fd);
  });
});

describe('the socket of a dgram port', () => {
  it('has its mode, is guarded, and goes with the port', async () => {
    const rig = await linkRig();
    const device = { kind: 'dgram', address: rig.path('d'), peer: rig.path('p'), mode: 0o620 };
    const port = await rig.add('d', device as never);
    expect((await stat(rig.path('d'))).mode & 0o777).toBe(0o620);
    await expect(rig.add('e', device as never)).rejects.toThrow('listens there; choose another');
    await port.close();
    await expect(stat(rig.path('d'))).rejects.toThrow('ENOENT');
  });
});
