/** The commands of one port of the datapath. */

import type { CommandName, Commands, NativeDatapath } from '../../native/boundary/index.ts';
import { datapathFault } from './faults.ts';

type PortCommandName = Exclude<
  { [Name in CommandName]: Commands[Name][0] extends { port: number } ? Name : never }[CommandName],
  undefined
>;
/** The argument of a command without the port's number. */
type Argument<Name extends PortCommandName> = Omit<Commands[Name][0], 'port'>;

export class PortCommands {
  readonly #datapath: NativeDatapath;
  readonly #port: number;

  constructor(datapath: NativeDatapath, port: number) {
    this.#datapath = datapath;
    this.#port = port;
  }

  /** @throws {PeerFault} what the datapath said against it, under the datapath's own code. */
  async run<Name extends PortCommandName>(
    name: Name,
    argument: Argument<Name>,
  ): Promise<Commands[Name][1]> {
    try {
      const whole = { port: this.#port, ...argument } as unknown as Commands[Name][0];
      return await this.#datapath.command(name, whole);
    } catch (error) {
      throw datapathFault(error, name);
    }
  }
}
