/**
 * The least a vhost-user back-end must answer for QEMU to start a device on it. It moves no
 * packets: Node cannot receive descriptors, and drops those that come. For tests of QEMU's
 * command line.
 *
 * @spec vhost-user (QEMU 7.2, docs/interop/vhost-user.rst)
 */

import { connect, createServer, type Server, type Socket } from 'node:net';

const headerBytes = 12;
/** VIRTIO_F_VERSION_1, VHOST_USER_F_PROTOCOL_FEATURES, VIRTIO_NET_F_MRG_RXBUF, _F_MQ. */
const features = (1n << 32n) | (1n << 30n) | (1n << 15n) | (1n << 22n);
/** VHOST_USER_PROTOCOL_F_MQ. */
const protocolFeatures = 1n << 0n;

export class SmallVhostBackend {
  /** Names of the requests that came, in order. */
  readonly requests: number[] = [];
  readonly #queues: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor(queues: number) {
    this.#queues = queues;
  }

  async listen(path: string): Promise<void> {
    const server = createServer((socket) => this.#serve(socket));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(path, resolve));
  }

  /** For our role `client`: QEMU listens. */
  async connect(path: string): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const socket = await new Promise<Socket | null>((resolve) => {
        const trying = connect(path, () => resolve(trying));
        trying.once('error', () => resolve(null));
      });
      if (socket !== null) return this.#serve(socket);
      if (attempt > 200) throw new Error(`nobody listens at ${path}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.disconnect();
    this.#server?.close();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let pending = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= headerBytes) {
        const size = pending.readUInt32LE(8);
        if (pending.length < headerBytes + size) return;
        this.#answer(socket, pending.readUInt32LE(0), pending.subarray(headerBytes));
        pending = pending.subarray(headerBytes + size);
      }
    });
  }

  #answer(socket: Socket, request: number, payload: Buffer): void {
    this.requests.push(request);
    const u64 = (value: bigint): void => {
      const body = Buffer.alloc(8);
      body.writeBigUInt64LE(value);
      reply(socket, request, body);
    };
    if (request === 1) u64(features); // GET_FEATURES
    if (request === 15) u64(protocolFeatures); // GET_PROTOCOL_FEATURES
    if (request === 17) u64(BigInt(this.#queues)); // GET_QUEUE_NUM
    // GET_VRING_BASE: the ring's number and its next index, 0.
    if (request === 11)
      reply(socket, request, Buffer.concat([payload.subarray(0, 4), Buffer.alloc(4)]));
  }
}

function reply(socket: Socket, request: number, body: Buffer): void {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(request, 0);
  header.writeUInt32LE(0x5, 4); // version 1, reply
  header.writeUInt32LE(body.length, 8);
  socket.write(Buffer.concat([header, body]));
}
