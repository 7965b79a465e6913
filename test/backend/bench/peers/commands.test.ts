/** The command lines of the peers, and what is taken from the system for them. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Ground } from '../../../../backend/bench/peers/backend.ts';
import { type HugePageFiles, HugePages } from '../../../../backend/bench/peers/hugepages.ts';
import {
  ovsCommands,
  ovsEnvironment,
  ovsVersion,
  refusal,
} from '../../../../backend/bench/peers/ovs.ts';
import { serveWords } from '../../../../backend/bench/peers/own.ts';
import { measuredOf, shapeWords } from '../../../../backend/bench/peers/synthetic.ts';
import { dpdkVersion, testpmdWords } from '../../../../backend/bench/peers/testpmd.ts';
import {
  busyTimes,
  negotiatedMask,
  receivedCounts,
  VirtioUserFrontend,
} from '../../../../backend/bench/peers/virtio-user.ts';
import { workloads } from '../../../../backend/bench/peers/workload.ts';

const folder = mkdtempSync(join(tmpdir(), 'valenic-peers-test-'));
afterAll(() => rmSync(folder, { recursive: true }));
const files: HugePageFiles = {
  count: join(folder, 'count'),
  meminfo: join(folder, 'meminfo'),
  compact: join(folder, 'compact'),
};

function kernelHas(pages: number, free: number, sizeKiB = 2048): void {
  writeFileSync(files.count, `${pages}\n`);
  writeFileSync(
    files.meminfo,
    `MemTotal: 1 kB\nHugePages_Free:    ${free}\nHugepagesize:   ${sizeKiB} kB\n`,
  );
}
const pagesNow = () => Number(readFileSync(files.count, 'utf8'));

beforeEach(() => kernelHas(3, 1));
const ground = (wantedMiB: number): Ground => ({
  folder: '/run/x',
  workerCpu: 1,
  otherCpu: 0,
  hugePages: HugePages.take(wantedMiB, files),
});
const sockets = ['/run/x/a', '/run/x/b'] as const;
const workload = (name: string) => {
  const found = workloads.find((one) => one.name === name);
  if (found === undefined) throw new Error(name);
  return found;
};

describe('hugepages', () => {
  it('are added to those that others use, and given back', () => {
    const pages = HugePages.take(20, files);
    expect(pages).toMatchObject({ available: true, text: '10 of 2 MiB' });
    expect(pagesNow()).toBe(12);
    writeFileSync(files.count, '15'); // Somebody else took three meanwhile.
    pages.giveBack();
    expect(pagesNow()).toBe(6);
  });
  it('that are free already are used and stay', () => {
    kernelHas(16, 16);
    HugePages.take(20, files).giveBack();
    expect(pagesNow()).toBe(16);
  });
  it('that cannot be had are said, and change nothing', () => {
    const none = HugePages.take(20, { ...files, count: join(folder, 'nothing/here') });
    expect(none.available).toBe(false);
    expect(none.text).toMatch(/^none: /);
    none.giveBack();
  });
  it('of another size are left alone', () => {
    kernelHas(0, 0, 1048576);
    expect(HugePages.take(20, files).text).toBe('none: their default size is not 2 MiB');
  });
});

describe('testpmd', () => {
  it('has hugepages, the widest vectors, its worker on the CPU of the backend', () => {
    const line = testpmdWords(ground(20), sockets, 'mac', 64).join(' ');
    expect(line).toContain('--lcores 0@0,1@1 --main-lcore 0');
    expect(line).toContain('--socket-mem');
    expect(line).not.toContain('--no-huge');
    expect(line).toContain('--force-max-simd-bitwidth=512');
    expect(line).toContain('--vdev=net_vhost1,iface=/run/x/b,queues=1');
    expect(line).toContain('--forward-mode=mac --nb-cores=1 --burst=64');
  });
  it('says its version when it starts', () => {
    expect(dpdkVersion("EAL: RTE Version: 'DPDK 22.11.11'\n")).toBe('DPDK 22.11.11');
  });
  it('runs without hugepages where there are none', () => {
    kernelHas(0, 0, 4);
    const words = testpmdWords(ground(20), sockets, 'io', 32);
    expect(words).toContain('--no-huge');
    // EAL refuses to start with both.
    expect(words).not.toContain('--in-memory');
  });
});

describe("DPDK's virtio-user", () => {
  it('has both its threads on the CPU of the front-end, and says who is where', () => {
    const virtioUser = new VirtioUserFrontend(ground(20));
    const line = virtioUser.commandFor(workload('virtio-user-1500'), sockets).join(' ');
    expect(line).toContain('--lcores 0@0,1@0');
    expect(line).toContain('path=/run/x/a,queues=1,queue_size=1024,mac=52:54:00:00:04:01');
    expect(line).toContain('--eth-peer=0,52:54:00:00:04:02');
    expect(line).toContain('--rxd=1024 --txd=1024 --txfreet=1000 --mbcache=512');
    expect(line).toContain('--txpkts=1500');
  });
  it('says the features that it negotiated', () => {
    const said = 'virtio_negotiate_features(): features after negotiate = 0x110000000\n';
    expect(negotiatedMask(said)).toBe(0x1_1000_0000n);
    expect(negotiatedMask('testpmd>')).toBe(0n);
  });
  it('is read when its answer is whole', () => {
    const port = (frames: number) =>
      `  RX-packets: ${frames} RX-missed: 0 RX-bytes:  1\n  TX-packets: 1 TX-bytes: 60\n`;
    expect(receivedCounts(port(12) + port(34))).toEqual([12, 34]);
    const forwarded = '  RX-packets: 5   RX-dropped: 0   RX-total: 5\n';
    expect(receivedCounts(port(12) + forwarded + port(34))).toEqual([12, 34]);
    expect(receivedCounts(`${port(12)}  RX-packets: 3`)).toEqual([12]);
  });
  it('says how long it worked', () => {
    const said =
      '  CPU cycles/packet=262.09 (total cycles=1996250000 / total RX packets=7616578) ' +
      'at 1996 MHz Clock\n';
    expect(busyTimes(said)).toEqual([expect.closeTo(1000.1, 1)]);
    expect(busyTimes('testpmd> ')).toEqual([]);
  });
});

describe('Open vSwitch', () => {
  const commands = ovsCommands('/run/x', ground(20), '/usr/lib/vswitchd');
  it('keeps to its folder and to a network namespace of its own', () => {
    expect(commands.daemon.slice(0, 3)).toEqual(['unshare', '--net', '--']);
    const all = [commands.createDatabase, commands.database, ...commands.configure].flat();
    expect(all.filter((word) => /\/(etc|run\/openvswitch|var)\b/.test(word))).toEqual([]);
    expect(new Set(Object.values(ovsEnvironment('/run/x')))).toEqual(new Set(['/run/x']));
  });
  it('polls on the CPU of the backend and forwards by MAC address', () => {
    const line = commands.configure.flat().join(' ');
    expect(line).toContain('pmd-cpu-mask=0x2');
    expect(line).toContain('dpdk-lcore-mask=0x1');
    expect(line).toContain('datapath_type=netdev');
    expect(line).not.toContain('flow');
  });
  it('without hugepages gets ordinary memory, and is not told of sockets', () => {
    kernelHas(0, 0, 4);
    const line = ovsCommands('/run/x', ground(20), '/usr/lib/vswitchd').configure.flat().join(' ');
    expect(line).toContain('--no-huge -m 1024');
    expect(line).not.toContain('dpdk-socket-mem');
  });
  it('says what its build lacks, in the words of its answer', () => {
    const words = commands.widen[0] ?? [];
    const said = `ValenicError: ${words.join(' ')}: Unknown DPIF implementation.\novs-appctl: err`;
    expect(refusal(words, said)).toBe(
      'dpif-netdev/dpif-impl-set dpif_avx512: Unknown DPIF implementation.',
    );
  });
  it('says its version and that of its DPDK', () => {
    const said = 'ovs-vswitchd-dpdk (Open vSwitch) 3.1.0\nDPDK 22.11.11\n';
    expect(ovsVersion(said)).toBe('Open vSwitch 3.1.0, DPDK 22.11.11');
  });
});

describe('Valenic', () => {
  it('polls on the CPU of the backend, with two ports of one switch', () => {
    const line = serveWords('valenic.mjs', ground(20), '/run/x/control', sockets).join(' ');
    expect(line).toContain('--port vale0:a,vhost-user=/run/x/a --port vale0:b,vhost-user=/run/x/b');
    expect(line).toContain('--polling busy --cpu 1');
  });
});

describe('the synthetic front-end', () => {
  it.each([
    ['60-uni', '--flow 0>1 --frame 60 --ring 256 --burst 128'],
    ['60-bi', '--flow 0>1 --flow 1>0 --frame 60 --ring 256 --burst 128'],
    ['packed-uni', '--flow 0>1 --frame 60 --ring 256 --burst 128 --packed'],
    ['1500-touched', '--flow 0>1 --frame 1500 --ring 256 --burst 128 --touch'],
    ['1500-cached', '--flow 0>1 --frame 1500 --ring 256 --burst 128'],
    ['mergeable', '--flow 0>1 --frame 60 --ring 256 --burst 128 --mergeable'],
    ['indirect', '--flow 0>1 --frame 60 --ring 256 --burst 128 --indirect'],
    ['ring-1024', '--flow 0>1 --frame 60 --ring 1024 --burst 128'],
    ['latency', '--flow 0>1 --frame 60 --ring 256 --burst 128 --echo --window 1'],
  ])('plays %s', (name, line) => {
    expect(shapeWords(workload(name)).join(' ')).toBe(line);
  });
  it('plays loads at the rate it is told, and first as many round trips as go', () => {
    const words = (ratePps: number) => shapeWords(workload('latency-50'), ratePps).join(' ');
    expect(words(0)).toBe('--flow 0>1 --frame 60 --ring 256 --burst 128 --echo --window 64');
    expect(words(1234)).toBe('--flow 0>1 --frame 60 --ring 256 --burst 128 --echo --rate 1234');
  });
  it('is read from its lines', () => {
    const run = { run: 1, seconds: 0.5, sent: 6e6, received: 5e6, idleShare: 0.25 };
    const latencyNs = { p50: 1, p99: 2, p999: 3 };
    const lines = [
      { ready: true, features: '0x100000000' },
      { ...run, latencyNs },
      { total: true },
    ];
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    const features = ['VIRTIO_F_VERSION_1'];
    const rate = {
      mpps: 10,
      driverBusy: 0.75,
      latencyNs: null,
      sent: 6e6,
      received: 5e6,
      features,
    };
    expect(measuredOf(text, workload('60-uni'))).toEqual(rate);
    expect(measuredOf(text, workload('latency'))).toEqual({ ...rate, latencyNs });
    expect(measuredOf('{"ready":true}\n', workload('60-uni'))).toBeNull();
  });
});
