/** Talks to `hostile_attackers`: descriptors that Node cannot make, and hot loops on them. */

import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { NativeFdSocket } from '../../native/boundary/index.ts';
import { addon } from '../backend/vhost-user/support.ts';

const program = join(resolve(import.meta.dirname, '../..'), 'build/test/hostile/hostile_attackers');

/** test/hostile/attackers/main.cpp says what each does. */
export type AttackerWord =
  | 'blocking'
  | 'crowd'
  | 'fill'
  | 'linger'
  | 'fuse'
  | 'fight'
  | 'flip'
  | 'pound';

export class Attackers {
  readonly #child: ChildProcess;
  readonly #socket: NativeFdSocket;
  /** Wakes whoever waits for an answer: a socket that was closed here says nothing more. */
  #wake = (): void => {};
  #closed = false;
  readonly close = (): void => {
    this.#closed = true;
    this.#socket.close();
    this.#child.kill('SIGKILL');
    this.#wake();
  };

  private constructor(child: ChildProcess, socket: NativeFdSocket) {
    this.#child = child;
    this.#socket = socket;
  }

  static start(): Attackers {
    const [ours, theirs] = addon.socketPair();
    const line = ['--pdeathsig', 'KILL', '--', program];
    const child = spawn('setpriv', line, { stdio: ['ignore', 'ignore', 'inherit', theirs] });
    addon.closeFd(theirs);
    return new Attackers(child, addon.adoptFdSocket(ours));
  }

  /**
   * @param fds  Go to the other process, and stay open here.
   * @returns What it made. @throws what it could not do.
   */
  async ask(word: AttackerWord, numbers: readonly (number | bigint)[] = [], fds: number[] = []) {
    const line = Buffer.from(`${[word, ...numbers].join(' ')}\n`.padEnd(lineBytes, ' '));
    if (this.#socket.send(line, fds) !== lineBytes) throw new Error(`${word} was not taken`);
    for (;;) {
      const answer = this.#socket.receive(lineBytes);
      if (answer === null) {
        await new Promise<void>((done) => {
          this.#wake = done;
          this.#socket.onceReadable(done);
        });
        if (this.#closed) throw new Error(`${word}: the attackers were sent away`);
        continue;
      }
      const text = answer.bytes.toString('latin1').trim();
      if (text !== 'ok') throw new Error(`${word}: ${text || 'the attackers are gone'}`);
      return answer.fds;
    }
  }
}

/** Of a line either way: as many, so that descriptors belong to the line they came with. */
const lineBytes = 128;
