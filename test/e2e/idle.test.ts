/** Two guests that have nothing to say cost the back-end next to nothing. */

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { introduce, Lab, pinged, type Station } from './lab.ts';
import { ServeProcess } from './serve-process.ts';

/** The requirement: 2 % of one core over 30 s, all threads of the process together. */
const idleSeconds = 30;
const mostOfCore = 0.02;

let lab: Lab;
let serving: ServeProcess;
let a: Station;
let b: Station;

beforeAll(async () => {
  lab = await Lab.withoutBackend();
  const port = (name: string) => ['--port', `vale0:${name},vhost-user=${lab.socketOf(name)}`];
  serving = await ServeProcess.start(
    lab.dir,
    ...['--polling', 'event', ...port('a'), ...port('b')],
  );
  [a, b] = await Promise.all([lab.boot('a', { station: 1 }), lab.boot('b', { station: 2 })]);
  await introduce(a, b);
});
afterAll(async () => {
  await lab?.close();
  await serving?.stop();
});

describe('two booted, connected guests in event mode', () => {
  it('cost less than 2 % of a core while they are idle', async () => {
    for (const name of ['vale0:a', 'vale0:b']) {
      const { settings, endpoint } = await serving.port(name);
      expect(settings.polling).toBe('event');
      expect(endpoint).toMatchObject({ connected: true, fault: null, notice: null });
      expect(endpoint?.rings?.map(({ started }) => started)).toEqual([true, true]);
    }
    const before = await serving.cpuSeconds();
    await delay(idleSeconds * 1000);
    const spent = (await serving.cpuSeconds()) - before;
    console.log(`${spent.toFixed(2)} s of processor time in ${idleSeconds} s`);
    expect(spent / idleSeconds).toBeLessThan(mostOfCore);
  });

  it('reach each other at once when they wake', async () => {
    expect(await pinged(a, b, 3)).toBe(3);
    expect(await pinged(b, a, 3)).toBe(3);
  });
});
