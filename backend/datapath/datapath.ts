/** The datapath with errors that an operator can read. */

import {
  type CommandName,
  type Commands,
  datapathLimits,
  dropReasons,
  faults,
  type NativeDatapath,
  type PortEvent,
} from '../../native/boundary/index.ts';
import { ValenicError } from '../errors.ts';
import { CarriedDatapath, type CarrierPlace } from './carried.ts';

/** A refusal of the datapath. `nativeCode`: a FaultCode or CommandError of the boundary. */
export class DatapathError extends ValenicError {
  readonly nativeCode: string;

  constructor(command: string, nativeCode: string, message: string, cause: unknown) {
    const code = nativeCode === 'name_in_use' ? 'name_in_use' : 'datapath_failed';
    super(code, `${command}: ${message}`, { cause });
    this.nativeCode = nativeCode;
  }
}

/**
 * Most ports of one process: 16 full switches. Each has a counter block for each worker in the
 * stats page: 8 KiB, taken when the port is made.
 */
export const maxPorts = datapathLimits.ports.most;

export class Datapath {
  readonly native: NativeDatapath;

  constructor(place: CarrierPlace, onEvent: (event: PortEvent) => void) {
    this.native = new CarriedDatapath(place, onEvent);
  }

  get stats(): BigUint64Array {
    return this.native.stats;
  }

  /** @throws {DatapathError} */
  async command<Name extends CommandName>(
    name: Name,
    argument: Commands[Name][0],
  ): Promise<Commands[Name][1]> {
    try {
      return await this.native.command(name, argument);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'internal';
      const message = error instanceof Error ? error.message : String(error);
      throw new DatapathError(name, code, message, error);
    }
  }

  close(): Promise<void> {
    return this.native.close();
  }
}

/** The sentence of a drop reason. */
export function dropText(reason: keyof typeof dropReasons): string {
  return dropReasons[reason].text;
}

/** The sentence of a fault. */
export function faultText(fault: keyof typeof faults): string {
  return faults[fault].text;
}
