/** The configuration file, and how it and the command line add up. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  parseConfig,
  parsePort,
  readConfigFile,
  serveConfig,
} from '../../../backend/config/index.ts';
import { ValenicError } from '../../../backend/errors.ts';

function refusal(text: string): string {
  try {
    parseConfig(text, 'v.yaml');
  } catch (error) {
    if (error instanceof ValenicError && error.code === 'config_invalid') return error.message;
    throw error;
  }
  return 'accepted';
}

describe('the configuration file', () => {
  it('says everything in YAML', () => {
    const config = parseConfig(
      [
        'workers: 2',
        'cpus: 2,4-5  # two are enough',
        'polling: event',
        'mac-table: 65536',
        'control: run/c.sock',
        'log: warn',
        'switches: ["vale0,mtu=9000", { name: v, mtu: none }, { name: w }]',
        'ports:',
        '  - vale0:vm1,vhost-user=vm1.sock',
        '  - name: vale0:vm2',
        '    vhost-user: /run/vm2.sock',
        '    mode: 0660',
        '    queues: 2',
        '    more: false',
        '    moderation: 32/50',
        '  - { name: vale0:h, host: true }',
        '  - { name: vale0:g, host, up: off }',
        '  - { name: vale0:u, user, forward: [tcp:80:80, tcp:81:81] }',
      ].join('\n'),
      '/etc/valenic/v.yaml',
    );
    expect(config).toEqual({
      workers: 2,
      cpus: [2, 4, 5],
      polling: 'event',
      macTable: 65_536,
      control: '/etc/valenic/run/c.sock',
      log: 'warn',
      switches: [{ name: 'vale0', mtu: 9000 }, { name: 'v', mtu: 0 }, { name: 'w' }],
      ports: [
        parsePort('vale0:vm1,vhost-user=/etc/valenic/vm1.sock'),
        parsePort(
          'vale0:vm2,vhost-user=/run/vm2.sock,mode=0660,queues=2,more=off,moderation=32/50',
        ),
        parsePort('vale0:h,host'),
        parsePort('vale0:g,host,up=off'),
        parsePort('vale0:u,user,forward=tcp:80:80,forward=tcp:81:81'),
      ],
    });
  });

  it('says the same in JSON, indented by tabs', () => {
    const json = JSON.stringify(
      {
        workers: 3,
        cpus: [1, 2],
        ports: [
          'vale0:h,host',
          { name: 'vale0:vm1', 'vhost-user': '/a', mode: '0600', more: true, 'spin-us': 7 },
        ],
      },
      null,
      '\t',
    );
    expect(parseConfig(json, '/v.json')).toEqual({
      workers: 3,
      cpus: [1, 2],
      ports: [
        parsePort('vale0:h,host'),
        parsePort('vale0:vm1,vhost-user=/a,mode=0600,more=on,spin-us=7'),
      ],
    });
  });

  it('takes anchors and aliases', () => {
    const text =
      'ports:\n  - { name: v:a, host, budget: &b 8 }\n  - { name: v:c, host, budget: *b }';
    expect(parseConfig(text, '/v.yaml').ports).toEqual([
      parsePort('v:a,host,budget=8'),
      parsePort('v:c,host,budget=8'),
    ]);
  });

  it('may be empty', () => {
    expect(parseConfig('# nothing yet\n', 'v.yaml')).toEqual({ ports: [] });
  });

  it.each([
    ['workers: 16', 'v.yaml:1:10: workers=16 is not valid: give 1..15 workers'],
    ['workers: [4]', 'v.yaml:1:10: workers is not valid: give 1..15 workers'],
    ['mac-table: [128]', 'v.yaml:1:12: mac-table is not valid: give 64..1048576 addresses'],
    ['workers: many', 'v.yaml:1:10: workers=many is not valid: give 1..15 workers'],
    ['workers: 1.5', 'v.yaml:1:10: workers=1.5 is not valid: give 1..15 workers'],
    ['cpus: 5-2', 'v.yaml:1:7: cpus=5-2 is not valid: give CPU numbers like 2,4-7'],
    ['cpus: { a: 1 }', 'v.yaml:1:7: cpus is not valid: give CPU numbers like 2,4-7'],
    ['polling: idle', 'v.yaml:1:10: polling=idle is not valid: give busy, adaptive or event'],
    ['log: loud', 'v.yaml:1:6: log=loud is not valid: give debug, info, warn, error or silent'],
    ['control: 3', 'v.yaml:1:10: control must be the path of a socket'],
    ['switches: 3', 'v.yaml:1:11: switches must be a list of switches'],
    ['switches: ["v",w x]', 'v.yaml:1:16: "w x" is not a switch name: 1 to 32 letters'],
    ['switches:\n  - {name: v, mtu: 0}', 'v.yaml:2:5: mtu=0 is not valid: give 68..65535 bytes'],
    ['switches: ["v,mtv=9000"]', 'v.yaml:1:12: unknown key "mtv"; did you mean "mtu"?'],
    ['switches: ["v,mtu=68,mtu=69"]', 'v.yaml:1:12: mtu is given twice'],
    ['\n\nwokers: 2', 'v.yaml:3:1: unknown key "wokers"; did you mean "workers"?'],
    ['ports: vale0:h', 'v.yaml:1:8: ports must be a list of ports'],
    ['ports:\n  - 7', 'v.yaml:2:5: this is not valid: give a port like vale0:vm1,vhost-user=PATH'],
    [
      'ports:\n  - v:h,host\n  - v:p,ptnet=t',
      'v.yaml:3:5: v:p: ports of kind ptnet are not built in',
    ],
    ['ports:\n  - { host: on }', 'v.yaml:2:5: a port needs a name: vale0:vm1'],
    ['ports:\n  - { name: v:h, host: 3 }', 'v.yaml:2:5: host takes no value'],
    [
      'ports:\n  - { name: v:h, host: on, pooling: busy }',
      'v.yaml:2:5: unknown key "pooling"; did you mean "polling"?',
    ],
    ['ports:\n  - { name: v:h, host: {} }', 'v.yaml:2:5: this is not valid: give a port like'],
    ['ports: [v:h,host]', 'v.yaml:1:9: v:h has no kind'],
    ['ports: ["v:h,host", "v:h,host"]', 'v.yaml:1:21: v:h is there twice'],
    [
      'ports:\n  - v:a,vhost-user=/s\n  - v:b,vhost-user=/s',
      'v.yaml:3:5: v:a and v:b have the same socket /s: each port needs its own',
    ],
    ['- 1', 'v.yaml:1:1: the file is not a mapping: start with a line like "ports:"'],
    ['workers: 1\nworkers: 2', 'v.yaml:2:1: Map keys must be unique'],
    ['ports: [', 'v.yaml:1:'],
    ['workers: *b', 'v.yaml:1:1: Unresolved alias'],
  ])('refuses %j', (text, sentence) => {
    expect(refusal(text)).toContain(sentence);
  });

  it('is read from where it is', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'valenic-config-'));
    try {
      const file = join(folder, 'v.yaml');
      await writeFile(file, 'ports: ["v:p,vhost-user=p.sock"]\n');
      const { ports } = await readConfigFile(file);
      expect(ports).toEqual([parsePort(`v:p,vhost-user=${folder}/p.sock`)]);
      await expect(readConfigFile(join(folder, 'no.yaml'))).rejects.toMatchObject({
        code: 'file_not_found',
      });
      await expect(readConfigFile(folder)).rejects.toMatchObject({ code: 'config_invalid' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('command line, file and defaults', () => {
  const file = { workers: 2, log: 'warn', ports: [parsePort('v:a,host'), parsePort('v:b,host')] };
  const cli = { workers: 3, ports: [parsePort('v:b,vhost-user=/b'), parsePort('v:c,host')] };

  it('count in this order; one of the same name is replaced', () => {
    const given = [{ name: 'v', mtu: 1500 }];
    const inFile = [{ name: 'v', mtu: 9000 }, { name: 'w' }];
    const sources = [
      { ...cli, switches: given },
      { ...file, log: 'warn', switches: inFile },
    ] as const;
    expect(serveConfig(sources)).toEqual({
      workers: 3,
      cpus: [],
      polling: 'adaptive',
      datapath: 'inline',
      log: 'warn',
      switches: [{ name: 'w' }, { name: 'v', mtu: 1500 }],
      ports: [parsePort('v:a,host'), parsePort('v:b,vhost-user=/b'), parsePort('v:c,host')],
    });
  });

  it('are frozen', () => {
    const config = serveConfig([]);
    expect(Object.isFrozen(config) && Object.isFrozen(config.ports)).toBe(true);
  });

  it.each([
    ['name_in_use', [parsePort('v:a,host'), parsePort('v:a,host')]],
    ['socket_in_use', [parsePort('v:a,vhost-user=/s'), parsePort('v:b,vhost-user=/s')]],
  ])('refuse a clash: %s', (code, ports) => {
    expect(() => serveConfig([{ ports }])).toThrow(expect.objectContaining({ code }));
  });
});
