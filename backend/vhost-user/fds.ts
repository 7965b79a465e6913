/**
 * File descriptors that came with a message: taken by whoever keeps them, or closed with the
 * message.
 */

import type { NativeAddon } from '../../native/boundary/index.ts';

/** What the vhost-user session does with descriptors. None of it waits for what is behind them. */
export interface FdFunctions extends Pick<NativeAddon, 'duplicateFd' | 'fdKind'> {
  closeFd(fd: number): void;
  /** May never be answered. */
  fileSystemOf(fd: number): Promise<string>;
}

/**
 * Descriptors that may wait to be closed, of one port: more than one message brings is the fault of
 * its front-end, which is left alone until they are.
 */
const mostWaiting = 64;

/** For descriptors that a front-end of this port sends. */
export function foreignFds(addon: NativeAddon, port: number): FdFunctions {
  return {
    duplicateFd: (fd) => addon.duplicateFd(fd),
    fdKind: (fd) => addon.fdKind(fd),
    closeFd: (fd) => addon.closeForeignFd(fd, port),
    fileSystemOf: (fd) => addon.fileSystemOf(fd, port),
  };
}

/** True while what earlier front-ends of this port sent does not get closed. */
export function fdsAreStuck(addon: NativeAddon, port: number): boolean {
  return addon.foreignFdsWaiting(port) > mostWaiting;
}

/** Owns the descriptors of one message. */
export class FdBag {
  readonly #addon: Pick<FdFunctions, 'closeFd'>;
  #fds: number[] = [];

  constructor(addon: Pick<FdFunctions, 'closeFd'>, fds: readonly number[] = []) {
    this.#addon = addon;
    this.#fds = [...fds];
  }

  get count(): number {
    return this.#fds.length;
  }

  /** Looks without taking. */
  peek(index: number): number | undefined {
    return this.#fds[index];
  }

  add(fds: readonly number[]): void {
    this.#fds.push(...fds);
  }

  /** All of them, in their order; the caller owns them now. */
  takeAll(): number[] {
    const taken = this.#fds;
    this.#fds = [];
    return taken;
  }

  closeAll(): void {
    for (const fd of this.takeAll()) this.#addon.closeFd(fd);
  }
}
