/** Packed rings between real guests: they answer pings and move a checksummed payload. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  arrived,
  Counts,
  eth0,
  introduce,
  Lab,
  modestPps,
  pinged,
  type Station,
  until,
  wholeStream,
} from './lab.ts';

const frames = 1000;

describe.each([1, 2])('two guests with packed rings, %i queue pairs', (queues) => {
  let lab: Lab;
  let a: Station;
  let b: Station;

  beforeAll(async () => {
    lab = await Lab.create();
    const boot = async (name: string, station: number) => {
      await lab.addPort(name, { queues });
      return lab.boot(name, { station, queues, cpus: queues, nic: { packed: true } });
    };
    [a, b] = await Promise.all([boot('a', 1), boot('b', 2)]);
  });
  afterAll(() => lab?.close());

  it('negotiate them', () => {
    for (const name of ['a', 'b']) {
      const { endpoint } = lab.port(name).state();
      expect(endpoint?.features).toContain('VIRTIO_F_RING_PACKED');
      expect(endpoint?.rings).toHaveLength(2 * queues);
      expect(endpoint?.rings?.every((ring) => ring.started && ring.fault === null)).toBe(true);
    }
  });

  it('ping each other', async () => {
    await introduce(a, b);
    expect(await pinged(a, b, 5)).toBe(5);
    expect(await pinged(b, a, 5)).toBe(5);
  });

  it('send streams both ways, each whole and in order', async () => {
    const directions = [
      [a, b, 7001],
      [b, a, 7002],
    ] as const;
    for (const [from, to, port] of directions) {
      const counts = new Counts(lab.port(from.name), lab.port(to.name));
      const receiver = await to.agent.udpReceive(port);
      const target = { address: to.address, port, payloadBytes: 1400, stream: port };
      await from.agent.udpSend({ ...target, count: frames, ratePps: modestPps });
      await arrived(receiver, port, frames, counts);
      const report = await receiver.stop();
      expect(report.streams).toMatchObject([
        { stream: port, frames, gaps: 0, reordered: 0, corrupt: 0 },
      ]);
      expect(counts.drops()).toEqual({});
    }
  });

  it("drive them with the guest's poll-mode driver, and the kernel takes them back", async () => {
    const counts = new Counts(lab.port('a'), lab.port('b'));
    const receiver = await b.agent.pmdStart({ interface: eth0, ring: 'packed' });
    const frame = { interface: eth0, ring: 'packed', destination: b.mac, source: a.mac } as const;
    const what = { ...frame, frameBytes: 60, count: frames, ratePps: modestPps, stream: 9 };
    const sender = await a.agent.pmdStart(what);
    for (const name of ['a', 'b']) {
      // The driver restarts the device; its features come by another way than its answer.
      await until(
        `the features of ${name}`,
        () => lab.port(name).state().endpoint?.features ?? [],
        (features) => features.includes('VIRTIO_F_RING_PACKED'),
      );
    }
    await arrived(receiver, 9, frames, counts);
    expect((await sender.stop()).sent).toBe(frames);
    expect((await receiver.stop()).streams).toMatchObject([wholeStream(9, frames, 60)]);
    expect(counts.drops()).toEqual({});
    for (const { agent, address } of [a, b]) {
      const back = async () => (await agent.hello()).interfaces.some(({ name }) => name === eth0);
      await until('the interface', back, Boolean);
      await agent.configure({ interface: eth0, address: `${address}/24`, up: true });
    }
  });

  it('go on after their interface was down: the rings stop and start again', async () => {
    await b.agent.link(eth0, false);
    await b.agent.link(eth0, true);
    expect(await pinged(a, b, 3)).toBe(3);
    expect(
      lab
        .port('b')
        .state()
        .endpoint?.rings?.every(({ fault }) => fault === null),
    ).toBe(true);
  });
});

describe('a guest with packed rings whose back-end was away', () => {
  let lab: Lab;
  let a: Station;
  let b: Station;

  beforeAll(async () => {
    lab = await Lab.create();
    const boot = async (name: string, station: number) => {
      await lab.addPort(name);
      return lab.boot(name, { station, nic: { packed: true } });
    };
    [a, b] = await Promise.all([boot('a', 1), boot('b', 2)]);
    await introduce(a, b);
    expect(await pinged(a, b, 5)).toBe(5);
  });
  afterAll(() => lab?.close());

  const faults = () =>
    lab
      .port('b')
      .state()
      .endpoint?.rings?.map(({ started, fault }) => ({ started, fault }));
  const dead = { started: false, fault: 'packed_position_lost' };
  const alive = { started: true, fault: null };

  it('is shown as dead, with what to do', async () => {
    await lab.removePort('b');
    await lab.addPort('b');
    const isDead = (seen: ReturnType<typeof faults>) =>
      seen?.some(({ fault }) => fault === dead.fault) === true;
    await until('a ring dead', async () => faults(), isDead);
    expect(lab.port('b').state().endpoint?.fault).toMatchObject({
      code: 'packed_position_lost',
      remedy: expect.stringContaining('unbind and bind its virtio driver'),
    });
  });

  it('is not helped by its interface going down and up', async () => {
    await b.agent.link(eth0, false);
    await b.agent.link(eth0, true);
    expect(await pinged(a, b, 2)).toBe(0);
    expect(faults()).toContainEqual(dead);
  });

  it('is helped by its driver being unbound and bound', async () => {
    const where = '/sys/bus/virtio/drivers/virtio_net';
    const words = `cd ${where}; set virtio*; echo $1 > unbind; echo $1 > bind`;
    const driver = await b.agent.program('sh', '-c', words);
    await driver.finished(20_000);
    const back = async () => (await b.agent.hello()).interfaces.some(({ name }) => name === eth0);
    await until('the interface', back, Boolean);
    await b.agent.configure({ interface: eth0, address: `${b.address}/24`, up: true });
    await until(
      'both rings alive',
      async () => faults(),
      (seen) => JSON.stringify(seen) === JSON.stringify([alive, alive]),
    );
    expect(await pinged(a, b, 3)).toBe(3);
  });

  it('is helped by a reboot', async () => {
    await lab.removePort('b');
    await lab.addPort('b');
    await until(
      'a ring dead',
      async () => faults(),
      (seen) => seen?.some(({ fault }) => fault === dead.fault) === true,
    );
    await b.guest.reboot();
    await b.agent.configure({ interface: eth0, address: `${b.address}/24`, up: true });
    expect(await pinged(a, b, 3)).toBe(3);
  });
});
