/** The text of a port and the words of `port set`: for each acceptance one refusal. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parsePort,
  parsePortName,
  parseSettingWords,
  parseTarget,
  portText,
} from '../../../backend/config/index.ts';
import { ValenicError } from '../../../backend/errors.ts';
import { kindForms, portKinds } from '../../../backend/ports/kinds.ts';
import type { PortSpec } from '../../../backend/ports/spec.ts';
import { pollingModes } from '../../../native/boundary/index.ts';

/** The error of `work`, as `code: sentence`. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ValenicError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}
const refused = (text: string) => refusal(() => parsePort(text, '/run'));

describe('an abstract socket', () => {
  it.each(['v:p,vhost-user=@x', 'v:p,stream=@x', 'v:p,dgram=@x,peer=/p', 'v:p,dgram=/p,peer=@x'])(
    'is refused in %s',
    (text) => {
      expect(refused(text)).toMatch(/^value_invalid: .*@x would be an abstract socket/);
    },
  );
});

describe('the text of a port', () => {
  it('is a name, a kind, and defaults', () => {
    expect(parsePort('vale0:vm1,vhost-user=/run/vm1.sock')).toEqual({
      name: { switch: 'vale0', port: 'vm1' },
      device: { kind: 'vhost-user', path: '/run/vm1.sock', role: 'server', queues: 1 },
      settings: {},
    });
  });

  it('takes every key, in any order', () => {
    const text =
      'v:p,polling=busy,mode=0660,vhost-user=a.sock,role=server,queues=16,spin-us=20,more=off,' +
      'moderation=32/50,group=kvm,mtu=9000,offloads=off,mac-limit=7,budget=64,max-frame=1514,' +
      'up=off,link-local=drop,vlan=10';
    expect(parsePort(text, '/run/x')).toEqual({
      name: { switch: 'v', port: 'p' },
      device: {
        kind: 'vhost-user',
        path: '/run/x/a.sock',
        role: 'server',
        queues: 16,
        mode: 0o660,
        group: 'kvm',
        offloads: false,
      },
      settings: {
        polling: 'busy',
        spinUs: 20,
        more: false,
        moderationFrames: 32,
        moderationUs: 50,
        macLimit: 7,
        budget: 64,
        maxFrameBytes: 1514,
        mtu: 9000,
        up: false,
        linkLocal: false,
        vlan: { mode: 'access', vlan: 10 },
      },
    });
  });

  it('takes a host port with settings', () => {
    expect(parsePort('vale0:h,host,budget=8')).toEqual({
      name: { switch: 'vale0', port: 'h' },
      device: { kind: 'host' },
      settings: { budget: 8 },
    });
  });

  it.each([
    ['stream=e.sock', { kind: 'stream', address: '/run/e.sock', role: 'server' }],
    [
      'stream=/s,role=server,mode=0660,group=kvm',
      { kind: 'stream', address: '/s', role: 'server', mode: 0o660, group: 'kvm' },
    ],
    [
      'stream=tcp:[::1]:5555,role=client',
      { kind: 'stream', address: 'tcp:[::1]:5555', role: 'client' },
    ],
    ['user', { kind: 'user' }],
    [
      'user,forward=tcp:8080:80,host-loopback=on,forward=udp:0.0.0.0:53:10.9.0.20:5353,' +
        'network=10.9.0.0/16',
      {
        kind: 'user',
        network: '10.9.0.0/16',
        hostLoopback: true,
        forwards: [
          { protocol: 'tcp', hostAddress: '127.0.0.1', hostPort: 8080, guestPort: 80 },
          {
            ...{ protocol: 'udp', hostAddress: '0.0.0.0', hostPort: 53 },
            ...{ guestAddress: '10.9.0.20', guestPort: 5353 },
          },
        ],
      },
    ],
    ['tap=tap0', { kind: 'tap', interface: 'tap0', queues: 1 }],
    ['tap=t,queues=4,persist=on', { kind: 'tap', interface: 't', queues: 4, persist: true }],
    ['packet=eth1', { kind: 'packet', interface: 'eth1', queues: 1 }],
    ['packet=eth1,queues=4', { kind: 'packet', interface: 'eth1', queues: 4 }],
  ])('takes %s', (text, device) => {
    const spec = parsePort(`v:p,${text}`, '/run');
    expect(spec.device).toEqual(device);
    expect(parsePort(portText(spec))).toEqual(spec);
  });

  it.each([
    ['stream', 'port_syntax: stream needs a place: stream=PATH, or stream=tcp:HOST:PORT'],
    ['stream=udp:h:1', 'value_invalid: stream=udp:h:1 is not valid: give a path or tcp:HOST:'],
    ['stream=tcp:h:65536', 'value_invalid: stream=tcp:h:65536 is not valid'],
    ['stream=/s,role=client,mode=0600', 'with role=client the socket file belongs to the peer'],
    ['stream=tcp:h:1,mode=0600', 'port_syntax: mode is for a socket file, and an address has none'],
    ['stream=/s,queues=2', 'queues is for vhost-user and tap and packet ports, not for stream'],
    ['tap', 'port_syntax: tap needs an interface: tap=NAME'],
    ['user=x', 'port_syntax: user takes no value'],
    ['user,forward=tcp:80', 'give tcp or udp:[HOST-ADDRESS:]PORT:[GUEST-ADDRESS:]PORT'],
    ['user,forward=tcp:0:80', 'value_invalid: forward=tcp:0:80 is not valid'],
    ['user,forward=tcp:80:65536', 'value_invalid: forward=tcp:80:65536 is not valid'],
    ['user,forward=tcp:1.2.3:80:80', 'value_invalid: forward=tcp:1.2.3:80:80 is not valid'],
    ['user,forward=tcp:8:1,forward=tcp:8:2', 'tcp:127.0.0.1:8 is forwarded twice'],
    ['user,network=10.0.2.1/24', 'give an IPv4 network of length 8 to 26, like 10.0.2.0/24'],
    ['user,network=10.0.2.0/27', 'value_invalid: network=10.0.2.0/27 is not valid'],
    ['user,host-loopback=on,host-loopback=on', 'port_syntax: host-loopback is given twice'],
    ['tap=sixteen-letters!', 'value_invalid: tap=sixteen-letters! is not valid'],
    ['tap=a/b', 'an interface\'s name has 1 to 15 characters, no "/", ":" or "%"'],
    ['tap=..', 'value_invalid: tap=.. is not valid'],
    ['tap=t,role=client', 'role is for vhost-user and stream ports, not for tap'],
    ['tap=t,persist=maybe', 'give on or off'],
    ['packet', 'port_syntax: packet needs an interface: packet=NAME'],
    ['packet=a/b', 'value_invalid: packet=a/b is not valid'],
    ['packet=eth0,persist=on', 'persist is for tap ports, not for packet'],
  ])('refuses %s', (text, sentence) => {
    expect(refused(`v:p,${text}`)).toContain(sentence);
  });

  it('reads two commas as one of the path', () => {
    const { device } = parsePort('vale0:vm1,vhost-user=/run/a,,b.sock,queues=2');
    expect(device).toMatchObject({ path: '/run/a,b.sock', queues: 2 });
  });

  it('turns moderation off', () => {
    expect(parsePort('v:p,host,moderation=off').settings).toEqual({
      moderationFrames: 1,
      moderationUs: 0,
    });
  });

  it.each([
    ['', 'port_syntax: "" is not a port name: write SWITCH:PORT, e.g. vale0:vm1'],
    ['vm1,host', 'port_syntax: "vm1" is not a port name: write SWITCH:PORT, e.g. vale0:vm1'],
    ['a:b:c,host', 'port_syntax: "a:b:c" is not a port name: write SWITCH:PORT, e.g. vale0:vm1'],
    ['vale0:,host', 'port_syntax: "vale0:" is not a port name: both parts are 1 to 32 letters'],
    [`vale0:${'x'.repeat(33)},host`, 'is not a port name: both parts are 1 to 32 letters'],
    ['vale0:../x,host', 'is not a port name: both parts are 1 to 32 letters'],
    ['v:p', `port_syntax: v:p has no kind: add one of ${kindForms.join(', ')}`],
    ['v:p,polling=busy', 'v:p has no kind: add one of vhost-user=PATH, host, '],
    ['v:p,host,vhost-user=/a', 'port_syntax: v:p is both host and vhost-user: choose'],
    ['v:p,host=1', 'port_syntax: host takes no value'],
    [
      'v:p,host,queues=2',
      'port_syntax: queues is for vhost-user and tap and packet ports: a host port has no socket',
    ],
    ['v:p,vhost-user', 'port_syntax: vhost-user needs a path: vhost-user=PATH'],
    ['v:p,vhost-user=', 'port_syntax: vhost-user needs a path: vhost-user=PATH'],
    ['v:p,vhost-user=/a,', 'port_syntax: there is an empty item: write KEY=VALUE between commas'],
    ['v:p,vhost-user=/a,=3', 'port_syntax: there is an empty item'],
    ['v:p,vhost-user=/a,queues', 'port_syntax: queues needs a value: queues=VALUE'],
    ['v:p,vhost-user=/a,queues=1,queues=2', 'port_syntax: queues is given twice'],
    ['v:p,host,host', 'port_syntax: host is given twice'],
    [
      'v:p,vhost-user=/a,role=client,mode=0660',
      'port_syntax: mode is for role=server: with role=client the socket file belongs to the VMM',
    ],
    ['v:p,vhost-user=/a,role=client,group=kvm', 'port_syntax: group is for role=server'],
  ])('refuses "%s"', (text, sentence) => {
    expect(refused(text)).toContain(sentence);
  });

  it.each([
    ['v:p,vhost-usr=/a', 'key_unknown: unknown key "vhost-usr"; did you mean "vhost-user"?'],
    ['v:p,host,pooling=busy', 'key_unknown: unknown key "pooling"; did you mean "polling"?'],
    ['v:p,host,spin_us=3', 'key_unknown: unknown key "spin_us"; did you mean "spin-us"?'],
    ['v:p,vhost-user=/a,queue=2', 'key_unknown: unknown key "queue"; did you mean "queues"?'],
    ['v:p,host,colour=red', 'key_unknown: unknown key "colour"; "valenic port add --help" lists'],
    ['v:p,host,constructor=1', 'key_unknown: unknown key "constructor"; "valenic port add --help"'],
    ['v:p,host,__proto__=1', 'key_unknown: unknown key "__proto__"; "valenic port add --help"'],
  ])('says of "%s" what was probably meant', (text, sentence) => {
    expect(refused(text)).toContain(sentence);
  });

  it.each(['netmap', 'ptnet=/d'])('says that %s is not built in yet', (kind) => {
    expect(refused(`v:p,${kind}`)).toBe(
      `not_built_in: v:p: ports of kind ${kind.split('=')[0]} are not built in; these are: ` +
        portKinds.join(', '),
    );
  });

  it.each([
    ['polling=bussy', 'give busy, adaptive or event'],
    ['polling=', 'polling has no value: give busy, adaptive or event'],
    ['spin-us=1000001', 'give 0..1000000 microseconds, or auto for what pays with its traffic'],
    ['spin-us=automatic', 'give 0..1000000 microseconds, or auto for what pays with its traffic'],
    ['spin-us=-1', 'give 0..1000000 microseconds'],
    ['spin-us=1e3', 'give 0..1000000 microseconds'],
    ['spin-us= 1', 'give 0..1000000 microseconds'],
    ['more=yes', 'give on or off'],
    ['more=constructor', 'give on or off'],
    [
      'moderation=32',
      'give FRAMES/MICROSECONDS, 1..1024 frames and 0..1000000 microseconds, or off',
    ],
    ['moderation=0/50', 'give FRAMES/MICROSECONDS'],
    ['moderation=1025/50', 'give FRAMES/MICROSECONDS'],
    ['moderation=32/1000001', 'give FRAMES/MICROSECONDS'],
    ['moderation=32/50/1', 'give FRAMES/MICROSECONDS'],
    ['budget=0', 'give 1..256 frames'],
    ['budget=257', 'give 1..256 frames'],
    ['mac-limit=65537', 'give 0..65536 addresses'],
    ['max-frame=59', 'give 60..65550 bytes'],
    ['up=maybe', 'give on or off'],
    ['link-local=on', 'give forward or drop'],
    ['role=both', 'give server or client'],
    ['queues=0', 'give 1..16 queue pairs'],
    ['queues=17', 'give 1..16 queue pairs'],
    ['mode=0888', 'give octal permissions, 0 to 0777'],
    ['mode=01777', 'give octal permissions, 0 to 0777'],
    ['group=a b', 'give the name of a group'],
    ['mtu=67', 'give 68..65535 bytes, or none for any length'],
    ['mtu=65536', 'give 68..65535 bytes, or none for any length'],
    ['mtu=0', 'give 68..65535 bytes, or none for any length'],
  ])('refuses %s with what is allowed', (item, sentence) => {
    const answer = refused(`v:p,vhost-user=/a,${item}`);
    expect(answer).toContain('value_invalid: ');
    expect(answer).toContain(sentence);
  });

  it('refuses a socket path longer than a socket can have', () => {
    const path = `/${'x'.repeat(107)}`;
    expect(refused(`v:p,vhost-user=${path}`)).toBe(
      `value_invalid: ${path} has 108 bytes: the path of a socket may have at most 107`,
    );
    expect(refused(`v:p,vhost-user=${path.slice(0, 107)}`)).toBe('accepted');
  });

  const names = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/);
  const oneVlan = fc.integer({ min: 1, max: 4094 });
  /** In order, and apart. */
  const vlanRanges = fc
    .uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 9 })
    .map((numbers) =>
      numbers
        .sort((a, b) => a - b)
        .map((number): [number, number] => [number * 4, number * 4 + (number % 3)]),
    );
  const settings = fc.record(
    {
      polling: fc.constantFrom(...pollingModes),
      spinUs: fc.oneof(fc.nat(1_000_000), fc.constant('auto' as const)),
      more: fc.boolean(),
      budget: fc.integer({ min: 1, max: 256 }),
      macLimit: fc.nat(65_536),
      maxFrameBytes: fc.integer({ min: 60, max: 65_550 }),
      mtu: fc.oneof(fc.integer({ min: 68, max: 65_535 }), fc.constant(0)),
      up: fc.boolean(),
      linkLocal: fc.boolean(),
      vlan: fc.oneof(
        fc.constant({ mode: 'none' as const }),
        fc.record({ mode: fc.constantFrom('access' as const, 'tunnel' as const), vlan: oneVlan }),
        fc.record({ mode: fc.constant('trunk' as const), vlans: vlanRanges }),
        fc.record({ mode: fc.constant('trunk' as const), vlans: vlanRanges, native: oneVlan }),
      ),
    },
    { requiredKeys: [] },
  );
  const device = fc.oneof(
    fc.constant({ kind: 'host' as const }),
    fc.record({
      kind: fc.constant('vhost-user' as const),
      path: fc.stringMatching(/^\/[ -.0-~]{1,60}$/).filter((path) => !/^\/\.{1,2}$/.test(path)),
      role: fc.constant('server' as const),
      queues: fc.integer({ min: 1, max: 16 }),
      mode: fc.nat(0o777),
      group: fc.constant('kvm'),
      offloads: fc.boolean(),
    }),
  );
  it('reads back what portText writes', () => {
    fc.assert(
      fc.property(names, names, device, settings, (home, port, made, set) => {
        const spec = { name: { switch: home, port }, device: made, settings: set } as PortSpec;
        expect(parsePort(portText(spec))).toEqual(spec);
      }),
    );
  });

  it('answers any text with a port or with a sentence', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const answer = refused(text);
        expect(answer).toMatch(
          /^(accepted$|port_syntax: |key_unknown: |value_invalid: |not_built)/,
        );
      }),
    );
  });
});

describe('names', () => {
  it('of ports and switches', () => {
    expect(parsePortName('vale0:vm-1.a_b')).toEqual({ switch: 'vale0', port: 'vm-1.a_b' });
    expect(parseTarget('vale0:vm1')).toEqual({ switch: 'vale0', port: 'vm1' });
    expect(parseTarget('vale0')).toEqual({ switch: 'vale0' });
  });

  it('refuses what is neither', () => {
    expect(refusal(() => parseTarget('a b'))).toBe(
      'port_syntax: "a b" names neither a switch (vale0) nor a port (vale0:vm1)',
    );
    expect(refusal(() => parseTarget('vale0:'))).toContain('is not a port name');
  });
});

describe('the words of port set', () => {
  it('are settings', () => {
    expect(parseSettingWords(['polling=event', 'moderation=8/20'])).toEqual({
      polling: 'event',
      moderationFrames: 8,
      moderationUs: 20,
    });
  });

  it.each([
    ['queues=2', 'value_invalid: queues is fixed when a port is added'],
    ['vhost-user=/a', 'value_invalid: vhost-user is fixed when a port is added'],
    ['budgt=2', 'key_unknown: unknown key "budgt"; did you mean "budget"?'],
    ['more', 'port_syntax: more needs a value: more=VALUE'],
  ])('refuses %s', (word, sentence) => {
    expect(refusal(() => parseSettingWords([word]))).toContain(sentence);
  });

  it('refuses a key twice', () => {
    expect(refusal(() => parseSettingWords(['more=on', 'more=off']))).toBe(
      'port_syntax: more is given twice',
    );
  });
});
