/**
 * File descriptors that came with a message: taken by whoever keeps them, or closed with the
 * message.
 */

import type { NativeAddon } from '../../native/boundary.ts';

/** The descriptor functions of the addon, as far as the vhost-user session needs them. */
export type FdFunctions = Pick<NativeAddon, 'closeFd' | 'duplicateFd' | 'fdKind'>;

/** Owns the descriptors of one message. */
export class FdBag {
  readonly #addon: Pick<NativeAddon, 'closeFd'>;
  #fds: number[] = [];

  constructor(addon: Pick<NativeAddon, 'closeFd'>, fds: readonly number[] = []) {
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
