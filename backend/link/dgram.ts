/**
 * A dgram port: one frame a datagram, QEMU's `-netdev dgram` at the other end.
 *
 * There is no connection: the port is ready once its socket is there, and what is sent while nobody
 * listens is counted as dropped.
 */

import type { DatapathEvent } from '../../native/boundary.ts';
import type { DgramSpec } from '../port-spec.ts';
import { SocketFile } from '../vhost-user/socket-file.ts';
import { type InetAddress, parseInet, resolveInet } from './address.ts';
import type { LinkContext, LinkEndpoint, LinkState } from './link.ts';
import { listenError } from './stream.ts';

export class DgramLink implements LinkEndpoint {
  readonly #spec: DgramSpec;
  readonly #context: LinkContext;
  #file: { close(): Promise<void> } | null = null;
  #connected = false;

  constructor(spec: DgramSpec, context: LinkContext) {
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
      const fds = [await this.#openUnix()];
      await datapath.command('link.attach', { port, fds, peer });
    }
    this.#connected = true;
  }

  async close(): Promise<void> {
    const { datapath, port } = this.#context;
    if (this.#connected) await datapath.command('link.detach', { port });
    this.#connected = false;
    await this.#file?.close();
    this.#file = null;
  }

  /** Datagrams have no end. */
  handleEvent(_event: DatapathEvent): void {}

  state(): LinkState {
    const { address, peer } = this.#spec;
    const { connected } = { connected: this.#connected };
    return { address, peerAddress: peer, connected, fault: null, notice: null };
  }

  async #openUdp(local: InetAddress, remote: InetAddress): Promise<number> {
    const { addon } = this.#context;
    try {
      return addon.openUdp(await resolveInet(local), await resolveInet(remote));
    } catch (error) {
      throw listenError(this.#spec.address, error);
    }
  }

  async #openUnix(): Promise<number> {
    const { addon } = this.#context;
    const { address, mode = 0o600, group } = this.#spec;
    const options = { addon, path: address, mode, group };
    const file = await SocketFile.open(options, (path, permissions) => {
      const fd = addon.bindUnixDatagram(path, permissions);
      return { fd, close: () => addon.closeFd(fd) };
    });
    this.#file = file;
    return addon.duplicateFd(file.listener.fd);
  }
}
