/** What an operator reads about a worker that does not come back: which, how long, and where. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadAddon } from '../../backend/datapath/load.ts';
import type { Backend } from '../../backend/index.ts';
import { events } from '../../native/boundary/events.ts';
import {
  type DatapathEvent,
  type NativeAddon,
  type WorkerAct,
  workerActs,
} from '../../native/boundary/index.ts';
import { boundaryVersion } from '../../native/boundary/version.ts';
import { encodeMessage } from '../../native/boundary/wire.ts';
import { testBackend } from './support.ts';

const addon = loadAddon() as { -readonly [Key in keyof NativeAddon]: NativeAddon[Key] };
const { Datapath } = addon;

/** Plays an event of the datapath: a late worker cannot be made from here. */
let say: (event: DatapathEvent) => void;
/** Warnings, with what goes with them. */
let lines: { context: object; text: string }[];
let backend: Backend;
let port: number;

beforeEach(async () => {
  addon.Datapath = class extends Datapath {
    constructor(options: ConstructorParameters<typeof Datapath>[0]) {
      super(options);
      say = ({ event, ...values }) => {
        const { number, fields } = events[event];
        const head = { version: boundaryVersion, form: 'event', number, request: 0 } as const;
        options.onMessage(encodeMessage(head, fields, values).bytes);
      };
    }
  };
  lines = [];
  const warn = (context: object, text: string) => void lines.push({ context, text });
  backend = await testBackend({ log: { debug() {}, info() {}, warn, error() {} } });
  const name = { switch: 'vale0', port: 'vm1' };
  ({ id: port } = await backend.addPort({ name, device: { kind: 'host' } }));
});
afterEach(() => {
  addon.Datapath = Datapath;
});

const late = (fields: { port: number; act: WorkerAct; asleepMs?: number }) =>
  say({ event: 'worker_late', worker: 3, queue: 2, asleepMs: 3200, ...fields });

describe('a worker that is late', () => {
  it('is named, with how long, the port that keeps it, what follows and what to do', () => {
    late({ port, act: 'transmit' });
    expect(lines).toEqual([
      {
        context: { worker: 3, port: 'vale0:vm1', queue: 2, act: 'transmit', asleepMs: 3200 },
        text:
          'worker 3 has been asleep for 3 s while it delivers frames to vale0:vm1; commands are ' +
          'refused until it wakes up: it then closes that device; if it does not wake up, end ' +
          'the VMM of that device',
      },
    ]);
  });

  const acts = Object.keys(workerActs).filter((act) => act !== 'nothing') as WorkerAct[];
  it.each(acts)('says what it is at: %s', (act) => {
    late({ port, act, asleepMs: 61_000 });
    expect(lines[0]?.text).toContain(`asleep for 61 s while it ${workerActs[act]} vale0:vm1; `);
  });

  it('with nobody is told as that, with another remedy', () => {
    late({ port: 0, act: 'nothing' });
    expect(lines[0]?.text).toBe(
      'worker 3 has been asleep for 3 s while it looks for work; commands are refused until it ' +
        'wakes up: if it does not wake up, restart this daemon',
    );
  });

  it('with a port that was removed meanwhile is told too', async () => {
    await backend.removePort({ switch: 'vale0', port: 'vm1' });
    late({ port, act: 'notify' });
    expect(lines[0]?.text).toContain('while it calls a port that was removed; ');
  });

  it('is not a fault of the port', () => {
    const faults: unknown[] = [];
    backend.on('fault', (...fault) => faults.push(fault));
    late({ port, act: 'transmit' });
    expect(faults).toEqual([]);
  });
});
