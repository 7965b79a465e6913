/** User ports with the real NAT, and a guest by hand on a stream port of the same switch. */

import { existsSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Port } from '../../../../backend/index.ts';
import { userArgs } from '../../../../backend/ports/user/endpoint.ts';
import type { UserSpec } from '../../../../backend/ports/user/spec.ts';
import { ownLoopback, until } from '../../support.ts';
import { answerOf, arp, discover, offered, type Station, syn } from '../packets.ts';
import { framed, type LinkRig, linkRig, notConnected, StreamPeer } from '../support.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Counts who connects. */
async function serverAt(host: string): Promise<{ port: number; accepted: () => number }> {
  let accepted = 0;
  const server = createServer((socket) => {
    accepted++;
    socket.on('error', () => {});
    socket.destroy();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return { port: (server.address() as AddressInfo).port, accepted: () => accepted };
}

const guest: Station = { mac: '525400000001', address: '10.0.2.15' };
const gateway: Station = { mac: '52550a000202', address: '10.0.2.2' };

async function rigWith(spec: Partial<UserSpec> = {}): Promise<{
  rig: LinkRig;
  port: Port;
  peer: StreamPeer;
}> {
  const rig = await linkRig();
  const port = await rig.add('net', { kind: 'user', ...spec });
  await rig.stream('s');
  const peer = await StreamPeer.connect(rig.path('s'));
  return { rig, port, peer };
}

const processOf = (port: Port): number => port.state().endpoint?.peer?.pid ?? 0;

/** The first frame that `read` understands; asks again, as a guest would. */
async function asked<T>(peer: StreamPeer, question: Buffer, read: (frame: Buffer) => T | null) {
  await peer.write(framed(question));
  const found = await until(
    () => peer.frames.map(read).find((one) => one !== null) ?? null,
    (one) => one !== null,
  );
  return found as T;
}

describe('a user port', () => {
  it('gives each guest an address of its own', async () => {
    const { peer } = await rigWith();
    const addresses = [];
    for (const mac of ['525400000001', '525400000002']) {
      addresses.push(await asked(peer, discover(mac), (frame) => offered(frame, mac)));
    }
    expect(addresses).toEqual(['10.0.2.15', '10.0.2.16']);
  });

  it('has the network that it is told', async () => {
    const { peer, port } = await rigWith({ network: '10.77.0.0/16' });
    const read = (frame: Buffer) => offered(frame, guest.mac);
    expect(await asked(peer, discover(guest.mac), read)).toBe('10.77.0.15');
    expect(port.state().endpoint).toMatchObject({ address: '10.77.0.0/16', connected: true });
  });

  it("refuses the host's loopback, whichever way a guest writes it", async () => {
    const { peer } = await rigWith();
    const { port, accepted } = await serverAt('127.0.0.1');
    await peer.write(framed(arp(guest, gateway.address)));
    for (const address of ['127.0.0.1', '0.0.0.0', '10.0.2.3']) {
      await peer.write(framed(syn(guest, { ...gateway, address }, port)));
    }
    // Refused with words at the gateway; by then the others have been looked at.
    const answer = await asked(peer, syn(guest, gateway, port), answerOf);
    expect(answer).toMatchObject({ kind: 'icmp', what: 3 });
    expect(accepted()).toBe(0);
  });

  it("opens the host's loopback at the gateway by the key", async () => {
    const { peer } = await rigWith({ hostLoopback: true });
    const { port, accepted } = await serverAt('127.0.0.1');
    await peer.write(framed(arp(guest, gateway.address)));
    await asked(peer, syn(guest, gateway, port), (frame) => {
      const answer = answerOf(frame);
      return answer?.kind === 'tcp' && answer.what === 0x12 ? answer : null;
    });
    await until(accepted, (count) => count === 1);
  });

  it('leads a port of the host to a guest', async () => {
    const hostPort = 8080;
    const one = {
      protocol: 'tcp',
      hostAddress: ownLoopback,
      hostPort,
      guestPort: 80,
    } as const;
    const { peer } = await rigWith({ forwards: [one] });
    await asked(peer, arp(guest, gateway.address), (frame) =>
      frame.readUInt16BE(12) === 0x0806 && frame[21] === 2 ? frame : null,
    );
    const client = connect(hostPort, ownLoopback);
    client.on('error', () => {});
    const seen = await until(
      () => peer.frames.map(answerOf).find((answer) => answer?.kind === 'tcp'),
      (answer) => answer !== undefined,
    );
    expect(seen).toMatchObject({ what: 2, from: '10.0.2.2', toPort: 80 });
    client.destroy();
  });

  it('says which port is taken, and leaves nothing behind', async () => {
    const rig = await linkRig();
    const { port } = await serverAt('127.0.0.1');
    const forwards = [
      { protocol: 'tcp', hostAddress: '127.0.0.1', hostPort: port, guestPort: 80 } as const,
    ];
    const place = `tcp port ${port} of 127.0.0.1`;
    await expect(rig.add('net', { kind: 'user', forwards })).rejects.toMatchObject({
      code: 'forward_failed',
      message: `${place} cannot be forwarded: another program uses it: choose another`,
    });
    expect(rig.backend.ports()).toEqual([]);
  });

  it('is started again when its process dies, and nothing else suffers', async () => {
    const { port, peer } = await rigWith();
    const first = processOf(port);
    process.kill(first, 'SIGKILL');
    await notConnected(port);
    expect(port.state().endpoint?.fault).toMatchObject({ code: 'user_ended' });
    const second = await until(
      () => processOf(port),
      (pid) => pid !== 0 && pid !== first,
    );
    expect(second).not.toBe(first);
    expect(port.state().endpoint?.fault).toBeNull();
    const read = (frame: Buffer) => offered(frame, guest.mac);
    expect(await asked(peer, discover(guest.mac), read)).toBe('10.0.2.15');
  });

  it('has no rights that its daemon has', async () => {
    const { port } = await rigWith();
    const status = readFileSync(`/proc/${processOf(port)}/status`, 'utf8');
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(status).toMatch(/^CapPrm:\t0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    if (process.geteuid?.() === 0) expect(status).not.toMatch(/^Uid:.*\t0(\t|$)/m);
  });

  it('takes its process along', async () => {
    const { rig, port } = await rigWith();
    const pid = processOf(port);
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    await rig.backend.removePort(port.spec.name);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});

describe('the arguments of the NAT', () => {
  it('name every end in full', () => {
    const one = { protocol: 'udp', hostAddress: '0.0.0.0', hostPort: 53, guestPort: 5353 } as const;
    const forwards = [one, { ...one, hostPort: 54, guestAddress: '10.9.0.99' }];
    expect(
      userArgs({ kind: 'user', network: '10.9.0.0/16', forwards, hostLoopback: true }),
    ).toEqual([
      ...['--fd', '3', '--network', '10.9.0.0/16', '--host-loopback'],
      ...['--forward', 'udp:0.0.0.0:53:10.9.0.15:5353'],
      ...['--forward', 'udp:0.0.0.0:54:10.9.0.99:5353'],
    ]);
    expect(userArgs({ kind: 'user' })).toEqual(['--fd', '3', '--network', '10.0.2.0/24']);
  });
});
