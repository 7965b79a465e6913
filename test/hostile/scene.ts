/** What an attack works with: the daemon, and what it opens there, closed when it is over. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PortDetail } from '../../backend/daemon/index.ts';
import { codeOf } from '../../backend/system-error.ts';
import { addon, Frontend } from '../backend/vhost-user/support.ts';
import { Attackers } from './attackers.ts';
import type { Daemon } from './daemon.ts';
import { Guest, type GuestOptions } from './guest.ts';

/** Until a thing that must come is there: with a sanitizer, on a busy machine. */
const comesWithinMs = 20_000;

/** Ports of `vale0`: those of every daemon, and a row's own. */
export type PortName = 'x' | 'y' | 's' | (string & {});

export class Scene {
  readonly daemon: Daemon;
  /** How long an attack lasts that could go on for ever. */
  readonly seconds: number;
  readonly #opened: (() => Promise<unknown> | unknown)[] = [];
  #attackers: Attackers | null = null;
  /** The connection that was opened last. */
  last: Frontend | null = null;
  /** The attack is being ended from outside. */
  over = false;

  constructor(daemon: Daemon, seconds: number) {
    this.daemon = daemon;
    this.seconds = seconds;
  }

  /** Runs when the attacker leaves, the last first. */
  later(work: () => Promise<unknown> | unknown): void {
    this.#opened.push(work);
  }

  /** The attacker leaves. */
  async leave(): Promise<void> {
    this.over = true;
    for (const work of this.#opened.splice(0).reverse()) await work();
  }

  /** A connection to a vhost-user port that has said nothing yet. */
  async frontend(port: PortName = 'x'): Promise<Frontend> {
    const path = this.daemon.path(port);
    const frontend = new Frontend(await this.#letIn(() => addon.connectFdSocket(path)));
    this.last = frontend;
    this.later(() => frontend.close());
    return frontend;
  }

  /** A guest whose rings run. */
  async guest(options: GuestOptions = {}, port: PortName = 'x'): Promise<Guest> {
    const guest = await Guest.start(await this.frontend(port), options);
    this.later(() => guest.close());
    return guest;
  }

  /** A peer of the stream port. */
  async stream(path = this.daemon.path('s')): Promise<Socket> {
    const socket = await this.#letIn(() => opened(path));
    this.later(() => socket.destroy());
    return socket;
  }

  /** What is done in C++: descriptors that Node cannot make, and loops it is too slow for. */
  attackers(): Attackers {
    this.#attackers ??= Attackers.start();
    const { close } = this.#attackers;
    this.later(() => close());
    return this.#attackers;
  }

  /** Again and again, for the seconds of the attack. */
  async repeat(work: (round: number) => Promise<unknown> | unknown): Promise<void> {
    const end = performance.now() + this.seconds * 1000;
    for (let round = 0; performance.now() < end && !this.over; ++round) {
      await work(round);
      // The other side of a socket in this process has its turn.
      if (round % 16 === 15) await sleep(0);
    }
  }

  /** Tries again while too many wait at the door: a daemon on a busy machine lets them in later. */
  async #letIn<T>(connect: () => T | Promise<T>): Promise<T> {
    const end = performance.now() + comesWithinMs;
    for (;;) {
      try {
        return await connect();
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN' || this.over || performance.now() > end) throw error;
        await sleep(5);
      }
    }
  }

  port(name: string): Promise<PortDetail> {
    return this.daemon.control.port(`vale0:${name}`);
  }

  /** Looks until it is as it should be. @throws what was seen last. */
  async until<T>(what: string, look: () => T | Promise<T>, good: (seen: T) => boolean): Promise<T> {
    const end = performance.now() + comesWithinMs;
    for (;;) {
      const seen = await look();
      if (good(seen)) return seen;
      if (performance.now() > end || this.over) {
        throw new Error(`${what} did not come; last seen: ${JSON.stringify(seen)}`);
      }
      await sleep(20);
    }
  }
}

/** Connected. @throws why it is not: EAGAIN where too many wait to be let in. */
async function opened(path: string): Promise<Socket> {
  const socket = connect(path);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}
