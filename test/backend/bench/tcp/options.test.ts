import { describe, expect, it } from 'vitest';
import { HugePages } from '../../../../backend/bench/peers/hugepages.ts';
import { namespaceWords } from '../../../../backend/bench/tcp/namespace.ts';
import { addressesOf } from '../../../../backend/bench/tcp/network.ts';
import { peerNetworks, tcpTestpmdWords } from '../../../../backend/bench/tcp/networks.ts';
import { parseTcpOptions } from '../../../../backend/bench/tcp/options.ts';
import { ownWords } from '../../../../backend/bench/tcp/own.ts';
import { flowOf, iperfWords, type TcpTest } from '../../../../backend/bench/tcp/traffic.ts';

const parse = (test: TcpTest, ...words: string[]) => {
  const options = parseTcpOptions(test, words, () => {});
  if (options === null) throw new Error('help');
  return options;
};

describe('valenic bench tcp, udp, latency: their options', () => {
  it('are all peers, five pairs of three seconds, guest to guest and guest to host', () => {
    const names = peerNetworks.map(({ system }) => system).toSorted();
    const options = parse('tcp');
    expect(options).toMatchObject({ pairs: 5, seconds: 3, scenarios: ['g2g', 'g2h'], add: [] });
    expect(options).toMatchObject({ polling: 'adaptive', output: 'valenic-tcp.html' });
    expect(options.peers.toSorted()).toEqual(names);
  });
  it('go on from the rows of files', () => {
    expect(parse('udp', '--add', 'a.json,b.json').add).toEqual(['a.json', 'b.json']);
  });
  it.each([
    ['another peer', 'tcp', ['--peer', 'ovs-dpdk'], /tap-bridge, qemu-stream/],
    ['another scenario', 'tcp', ['--scenario', 'h2h'], /choose from g2g, g2h, h2g/],
    ['part of a second', 'tcp', ['--seconds', '1.5'], /whole number/],
    ['no pair', 'udp', ['--pairs', '0'], /from 1 to 1000/],
    ['a host that asks', 'latency', ['--scenario', 'h2g'], /choose from g2g, g2h/],
    ['one CPU', 'tcp', ['--cpu', '1'], /give two CPUs/],
  ] as const)('refuse %s', (_, test, words, sentence) => {
    expect(() => parse(test, ...words)).toThrow(sentence);
  });
});

describe('the networks of a comparison', () => {
  const hugePages = HugePages.take(0, { count: '/none', meminfo: '/none', compact: '/none' });

  it('have a subnet each', () => {
    expect(addressesOf(3)).toEqual({
      ...{ subnet: '10.78.3.0/24', a: '10.78.3.1', b: '10.78.3.2', host: '10.78.3.254' },
    });
  });
  it('ours is a switch with two guests and the host', () => {
    const line = ownWords('valenic', '/run', 'event').join(' ');
    expect(line).toContain('--port vale0:a,vhost-user=/run/a.sock --port vale0:b,vhost-user=');
    expect(line).toContain('--port vale0:host,tap=valenic-own --polling event');
  });
  it('testpmd offers segmentation, hands checksums on, and is bound to no single CPU', () => {
    const ground = { folder: '/run', workerCpu: 1, otherCpu: 0, hugePages } as const;
    const words = tcpTestpmdWords({ ...ground, polling: 'event' }, ['/run/a', '/run/b']);
    const line = words.join(' ');
    expect(line).toContain('--lcores 0@(0,1),1@(0,1)');
    expect(line).toContain('--vdev=net_vhost1,iface=/run/b,queues=1,tso=1,legacy-ol-flags=1');
    expect(line).toContain('--forward-mode=io');
  });
  it('are set up in a network namespace, without root in a user namespace too', () => {
    expect(namespaceWords(['tcp'], true).slice(0, 3)).toEqual(['unshare', '--net', '--']);
    expect(namespaceWords(['tcp'], false).join(' ')).toMatch(/--user --map-root-user -- .* tcp$/);
  });
});

describe('iperf3', () => {
  it('is told scenario and kind of traffic', () => {
    const tcp = iperfWords('tcp', 'g2g', '10.78.0.2', 3).join(' ');
    expect(tcp).toBe('iperf3 --client 10.78.0.2 --port 5201 --time 3 --interval 0 --json');
    expect(iperfWords('udp', 'h2g', 'x', 1).join(' ')).toMatch(
      /--udp --bitrate 0 --length 1448 --reverse$/,
    );
  });
  it('says what arrived', () => {
    const received = { bytes: 1000, seconds: 2, sender: true };
    const sent = { bytes: 5000, seconds: 2 };
    const output = JSON.stringify({ end: { sum_sent: sent, sum_received: received } });
    expect(flowOf(output)).toMatchObject({ bytes: 1000, seconds: 2, lostShare: null });
  });
  it('and of datagrams what did not', () => {
    const sum = { bytes: 1000, seconds: 2, lost_percent: 25 };
    expect(flowOf(JSON.stringify({ end: { sum } }))).toMatchObject({ bytes: 750, lostShare: 0.25 });
  });
  it.each([['not JSON'], ['{"error":"unable to connect"}'], ['{"end":{}}']])(
    'gives no figure for %s',
    (output) => expect(flowOf(output)).toBeNull(),
  );
});
