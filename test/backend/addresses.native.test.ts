/** Addresses on the real datapath: two hosts with one address, and a table that is full. */

import { describe, expect, it } from 'vitest';
import type { Backend, Port } from '../../backend/index.ts';
import { testBackend, until } from './support.ts';

const mac = '52:54:00:00:0a:01';

async function hostPort(backend: Backend, port: string): Promise<Port> {
  return backend.addPort({
    ...{ name: { switch: 'vale0', port }, device: { kind: 'host' }, settings: {} },
  });
}

/** A log that keeps its warnings. */
function listener() {
  const warnings: string[] = [];
  const warn = (_: object, message: string) => void warnings.push(message);
  return { warnings, log: { debug() {}, info() {}, error() {}, warn } };
}

/** A frame a millisecond or so, for nobody, until it is stopped. */
const chatter = {
  ...{ stream: 1, frameBytes: 60, ratePps: 1000, count: 0n },
  ...{ destination: '52:54:00:00:0f:0f', source: mac },
};

describe('two hosts with one address', () => {
  it('are noticed in the log and at both ports, until one of them is silent', async () => {
    const { warnings, log } = listener();
    const backend = await testBackend({ log });
    const [a, b] = [await hostPort(backend, 'a'), await hostPort(backend, 'b')];
    const bystander = await hostPort(backend, 'c');
    await a.startSource(chatter);
    await b.startSource(chatter);
    for (const port of [a, b]) {
      const { notices } = await until(
        () => port.state(),
        (state) => state.notices.length > 0,
      );
      expect(notices[0]).toContain(`the address ${mac} moved between vale0:a and vale0:b`);
    }
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('two hosts have this address');
    expect(bystander.state().notices).toEqual([]);

    await b.stopSource();
    for (const port of [a, b]) {
      await until(
        () => port.state().notices,
        (notices) => notices.length === 0,
        60_000,
      );
    }
    expect(warnings).toHaveLength(1);
  }, 90_000);

  it('are noticed also while commands come without a pause', async () => {
    const backend = await testBackend();
    const [a, b] = [await hostPort(backend, 'a'), await hostPort(backend, 'b')];
    await a.startSource(chatter);
    await b.startSource(chatter);
    await until(
      async () => {
        await a.macs();
        return a.state().notices;
      },
      (notices) => notices.length > 0,
      30_000,
    );
    await b.stopSource();
  }, 60_000);
});
