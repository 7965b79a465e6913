/** The short way to one switch. */

import { type Backend, type BackendOptions, createBackend, type SwitchOptions } from './backend.ts';
import { Switch } from './switch.ts';

/** A switch with a back-end of its own, which `close` (or `await using`) ends. */
export class OwnSwitch extends Switch<Backend> {
  close(): Promise<void> {
    return this.backend.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Makes a switch, ready for ports.
 *
 * @example
 * await using vale = await createSwitch({ name: 'vale0', polling: 'adaptive' });
 * await vale.addPort('vm1', { kind: 'vhost-user', path: '/tmp/vm1.sock' });
 */
export async function createSwitch(
  options: BackendOptions & SwitchOptions & { readonly name?: string } = {},
): Promise<OwnSwitch> {
  const { name = 'vale0', ageingSeconds, mtu, ...rest } = options;
  const backend = await createBackend(rest);
  try {
    const made = await backend.createSwitch(name, {
      ...(ageingSeconds === undefined ? {} : { ageingSeconds }),
      ...(mtu === undefined ? {} : { mtu }),
    });
    return new OwnSwitch(backend, name, made.id);
  } catch (error) {
    await backend.close();
    throw error;
  }
}
