/** A datapath behind a carrier: commands become messages here, and messages answers and events. */

import {
  type Carrier,
  type CommandName,
  type Commands,
  decodeAnswer,
  decodeEvent,
  descriptorsOf,
  type Encoded,
  encodeCommand,
  type Failure,
  type NativeAddon,
  type NativeDatapath,
  type PortEvent,
} from '../../native/boundary/index.ts';

/** How a carrier is had, and what becomes of what it cannot take. */
export interface CarrierPlace {
  readonly open: (onMessage: (message: Uint8Array) => void) => Carrier;
  /** Closes a descriptor of a command that was refused before it was sent. */
  readonly closeFd: (fd: number) => void;
}

/** The carrier that is in this process. */
export function addonCarrier(addon: NativeAddon, maxPorts?: number): CarrierPlace {
  return {
    open: (onMessage) =>
      new addon.Datapath({ onMessage, ...(maxPorts !== undefined && { maxPorts }) }),
    // Whoever made it may let its close wait.
    closeFd: (fd) => addon.closeForeignFd(fd, 0),
  };
}

/** A command that the datapath refused: as Node's own errors have it, and `code` as in Failure. */
export class RefusedError extends Error {
  readonly code: string;
  readonly errno?: number;
  readonly syscall?: string;

  constructor({ code, text, errno, doing }: Failure) {
    super(text);
    this.code = code;
    if (errno !== 0) this.errno = errno;
    if (doing !== '') this.syscall = doing;
  }
}

export class CarriedDatapath implements NativeDatapath {
  readonly #carrier: Carrier;
  readonly #closeFd: CarrierPlace['closeFd'];
  #request = 0;

  constructor({ open, closeFd }: CarrierPlace, onEvent: (event: PortEvent) => void) {
    this.#closeFd = closeFd;
    this.#carrier = open((message) => {
      const event = decodeEvent(message);
      if (event !== null && event.event !== 'ready') onEvent(event);
    });
  }

  get stats(): BigUint64Array {
    return this.#carrier.stats;
  }

  /** @throws {RefusedError | BoundaryError} */
  async command<Name extends CommandName>(
    name: Name,
    argument: Commands[Name][0],
  ): Promise<Commands[Name][1]> {
    const { bytes, descriptors } = this.#encode(name, argument);
    const result = decodeAnswer(name, await this.#carrier.send(bytes, descriptors));
    if ('failure' in result) throw new RefusedError(result.failure);
    return result.answer;
  }

  /** The descriptors are ours now, whatever else is wrong. */
  #encode<Name extends CommandName>(name: Name, argument: Commands[Name][0]): Encoded {
    try {
      return encodeCommand(name, argument, ++this.#request);
    } catch (error) {
      for (const fd of descriptorsOf(name, argument)) this.#closeFd(fd);
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#carrier.close();
  }
}
