/**
 * The control socket: bound by one daemon only, never left behind, and made anew when somebody
 * removes its file. The file is guarded as those of ports are (backend/socket/file.ts).
 */

import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { NativeAddon } from '../../native/boundary/index.ts';
import { ValenicError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { PeerLog } from '../log.ts';
import { SocketFile, type SocketFunctions } from '../socket/file.ts';
import { Reach } from '../socket/reach.ts';
import { systemText } from '../system-error.ts';

type Addon = SocketFunctions & Pick<NativeAddon, 'duplicateFd'>;

/** Requests in hand get this long to be answered when the daemon ends. */
const closeGraceMs = 1000;
/** Only its owner may connect. */
const socketMode = 0o600;

export class ControlSocket {
  readonly path: string;
  readonly #addon: Addon;
  readonly #file: SocketFile;
  #server: Server | null = null;
  /** Listens on a file that was made again, and passes connections to the server. */
  #second: NetServer | null = null;
  readonly #handed = new Set<Socket>();
  #reach: Reach | null = null;
  /** Of a server that listens, e.g. no descriptor is left. */
  #onError: (error: Error) => void = () => {};

  private constructor(path: string, addon: Addon, file: SocketFile) {
    this.path = path;
    this.#addon = addon;
    this.#file = file;
  }

  /**
   * Takes the path: from here on no other daemon can. Who connects waits for listen().
   *
   * @throws {ValenicError} `socket_in_use`, `socket_failed`.
   */
  static async claim(addon: Addon, path: string): Promise<ControlSocket> {
    try {
      const file = await SocketFile.listen({ addon, path, mode: socketMode });
      return new ControlSocket(path, addon, file);
    } catch (error) {
      throw refused(path, error);
    }
  }

  /** Answers requests from now on. @throws {ValenicError} `socket_failed`. */
  async listen(server: Server, log: Logger): Promise<void> {
    await this.#listenOn(server);
    this.#server = server;
    const peers = new PeerLog(log, { control: this.path });
    this.#onError = (error) =>
      peers.peer('warn', 'accept', `no command is accepted: ${systemText(error)}`);
    server.on('error', this.#onError);
    this.#reach = new Reach({
      file: this.#file,
      log: peers,
      onRenewed: () => this.#listenAgain(server),
      onChange: () => {},
    });
  }

  /** Stops answering and removes the files. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    await this.#reach?.close();
    if (server !== null) {
      const closed = Promise.all([server, this.#second].map(ended));
      server.closeIdleConnections();
      const timer = setTimeout(() => {
        server.closeAllConnections();
        for (const socket of this.#handed) socket.destroy();
      }, closeGraceMs);
      await closed;
      clearTimeout(timer);
    }
    await this.#file.close();
  }

  /** By a descriptor: given a path, Node would remove any file there when it closes. */
  async #listenOn(server: NetServer): Promise<void> {
    const listening = once(server, 'listening');
    server.listen({ fd: this.#addon.duplicateFd(this.#file.listener.fd) });
    try {
      await listening;
    } catch (error) {
      throw refused(this.path, error);
    }
  }

  async #listenAgain(server: Server): Promise<void> {
    const second = createServer((socket) => {
      this.#handed.add(socket);
      socket.once('close', () => this.#handed.delete(socket));
      server.emit('connection', socket);
    });
    await this.#listenOn(second);
    second.on('error', this.#onError);
    this.#second?.close();
    this.#second = second;
  }
}

function ended(server: NetServer | null): Promise<void> {
  return new Promise((resolve) => {
    if (server === null) resolve();
    else server.close(() => resolve());
  });
}

function refused(path: string, error: unknown): ValenicError {
  const why = error instanceof Error ? error.message : String(error);
  if (error instanceof ValenicError && error.code === 'socket_in_use') {
    const advice = 'stop it, or use another --control PATH';
    return new ValenicError('socket_in_use', `a daemon already answers at ${path}: ${advice}`);
  }
  return new ValenicError('socket_failed', `control socket ${why}`, { cause: error });
}
