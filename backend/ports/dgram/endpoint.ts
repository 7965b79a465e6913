/**
 * A dgram port: one frame a datagram, QEMU's `-netdev dgram` at the other end.
 *
 * There is no connection: the port is ready once its socket is there, and what is sent while nobody
 * listens is counted as dropped.
 */

import { stat } from 'node:fs/promises';
import type { DatapathEvent } from '../../../native/boundary/index.ts';
import { ValenicError } from '../../errors.ts';
import { type InetAddress, listenError, parseInet, resolveInet } from '../../socket/address.ts';
import { SocketFile } from '../../socket/file.ts';
import { refuseAbstract } from '../../socket/path.ts';
import { Reach } from '../../socket/reach.ts';
import { codeOf } from '../../system-error.ts';
import type { CommonState, EndpointContext, PortEndpoint } from '../endpoint.ts';
import type { DgramSpec } from './spec.ts';

/** A bound datagram socket of ours. */
interface Bound {
  readonly fd: number;
  close(): void;
}

/** What a port sends would come back to its switch. */
function ownPeer(peer: string): ValenicError {
  const sentence = `peer ${peer} is the port's own address: give that of the other end`;
  return new ValenicError('value_invalid', sentence);
}

/** By whatever names. What is not there is no file of ours. */
async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((path) => stat(path).catch(() => null)));
  return a != null && b != null && a.dev === b.dev && a.ino === b.ino;
}

export class DgramEndpoint implements PortEndpoint {
  readonly #spec: DgramSpec;
  readonly #context: EndpointContext;
  #file: SocketFile<Bound> | null = null;
  #reach: Reach | null = null;
  /** Nobody can reach the socket. */
  #notice: string | null = null;
  #connected = false;

  constructor(spec: DgramSpec, context: EndpointContext) {
    this.#spec = spec;
    this.#context = context;
  }

  async start(): Promise<void> {
    const { datapath, port } = this.#context;
    const { address, peer } = this.#spec;
    const [local, remote] = [parseInet(address, 'udp'), parseInet(peer, 'udp')];
    if (local !== null && remote !== null) {
      const fds = [await this.#openUdp(local, remote)];
      await datapath.command('link.attach', { port, fds });
    } else {
      refuseAbstract(peer);
      const file = await this.#openUnix();
      this.#file = file;
      if (await isSameFile(peer, address)) throw ownPeer(peer);
      await this.#attach(file);
      this.#watch(file);
    }
    this.#connected = true;
  }

  async close(): Promise<void> {
    const { datapath, port } = this.#context;
    await this.#reach?.close();
    if (this.#connected) await datapath.command('link.detach', { port });
    this.#connected = false;
    await this.#file?.close();
    this.#file = null;
  }

  /** Datagrams have no end. */
  handleEvent(_event: DatapathEvent): void {}

  state(): CommonState {
    const { address, peer } = this.#spec;
    const [connected, notice] = [this.#connected, this.#notice];
    return { address, peerAddress: peer, connected, fault: null, notice };
  }

  async #openUdp(local: InetAddress, remote: InetAddress): Promise<number> {
    const { addon } = this.#context;
    const { address, peer } = this.#spec;
    try {
      return addon.openUdp(await resolveInet(local), await resolveInet(remote));
    } catch (error) {
      throw codeOf(error) === 'ELOOP' ? ownPeer(peer) : listenError(address, error);
    }
  }

  #openUnix(): Promise<SocketFile<Bound>> {
    const { addon } = this.#context;
    const { address, mode = 0o600, group } = this.#spec;
    const options = { addon, path: address, mode, group };
    return SocketFile.open(options, (path, permissions) => {
      const fd = addon.bindUnixDatagram(path, permissions);
      return { fd, close: () => addon.closeFd(fd) };
    });
  }

  async #attach(file: SocketFile<Bound>): Promise<void> {
    const { addon, datapath, port } = this.#context;
    const fds = [addon.duplicateFd(file.listener.fd)];
    await datapath.command('link.attach', { port, fds, peer: this.#spec.peer });
  }

  #watch(file: SocketFile<Bound>): void {
    const { log, onChange, datapath, port } = this.#context;
    this.#reach = new Reach({
      ...{ file, log },
      onRenewed: async () => {
        await datapath.command('link.detach', { port });
        await this.#attach(file);
      },
      onChange: (notice) => {
        this.#notice = notice;
        onChange();
      },
    });
  }
}
