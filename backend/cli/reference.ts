/** Pages of docs/reference that are made from tables here: `npm run manual` writes them. */

import {
  dropReasons,
  faults,
  portCounters,
  portCounterTexts,
  workerCounters,
  workerCounterTexts,
} from '../../native/boundary/index.ts';
import { fileKeyTexts, type KeyText, kindKeyTexts, settingTexts } from '../config/key-texts.ts';
import { apiRoutes } from '../daemon/routes-table.ts';
import { errorCodes } from '../errors.ts';
import { kindOf, portKinds } from '../ports/index.ts';

/** Every page, by its path. */
export function referencePages(): Readonly<Record<string, string>> {
  return {
    'docs/reference/ports.md': page('Ports', portsPage()),
    'docs/reference/config-file.md': page('The configuration file', configPage()),
    'docs/reference/counters.md': page('Counters, drops and faults', countersPage()),
    'docs/reference/control-api.md': page('The control API', apiPage()),
  };
}

function page(title: string, parts: readonly string[]): string {
  const mark = '<!-- GENERATED from tables by `npm run manual`. Do not edit. -->';
  return `${[`# ${title}`, mark, ...parts].join('\n\n')}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function keyTable(keys: readonly KeyText[]): string {
  const rows = keys.map(({ key, meaning, allowed, given }) => [
    `\`${key}\``,
    meaning,
    allowed,
    given === undefined ? '' : `\`${given}\``,
  ]);
  return table(['key', 'meaning', 'value', 'unless given'], rows);
}

function portsPage(): readonly string[] {
  return [
    'A port is written `SWITCH:PORT,KIND[,KEY=VALUE]...`, for `valenic port add`, for `--port`\n' +
      'of `valenic serve` and in the configuration file. A comma in a value is written twice; a\n' +
      'list of VLANs is written with `+`.',
    table(
      ['kind', 'what it leads to'],
      portKinds.map((kind) => [`\`${kindOf(kind).form}\``, kindOf(kind).text]),
    ),
    '## Settings of every kind',
    'These can change under traffic: `valenic port set NAME KEY=VALUE...`.',
    keyTable(settingTexts()),
    ...portKinds.flatMap((kind) => {
      const keys = kindKeyTexts(kind);
      if (keys.length === 0) return [];
      return [
        `## Keys of ${kind} ports`,
        'These are fixed when the port is added.',
        keyTable(keys),
      ];
    }),
  ];
}

function configPage(): readonly string[] {
  return [
    '`valenic serve --config FILE` reads YAML, which includes JSON. The command line takes\n' +
      'precedence: its settings override those of the file, its ports are added, and a port\n' +
      'replaces one of the same name in the file. A relative path starts from the folder of the\n' +
      'file.',
    keyTable(fileKeyTexts()),
    ['```yaml', ...exampleFile, '```'].join('\n'),
    'A port is a line as in [ports](ports.md), or a mapping with its `name`, kind and keys.',
  ];
}

/** Held against the parser by test/backend/cli/reference.test.ts. */
export const exampleFile = [
  'workers: 2',
  'cpus: 0,1',
  'polling: adaptive',
  'switches:',
  '  - { name: vale0, mtu: 9000 }',
  'ports:',
  '  - vale0:vm1,vhost-user=/run/valenic/vm1.sock',
  '  - { name: vale0:vm2, vhost-user: /run/valenic/vm2.sock, queues: 2, moderation: 32/50 }',
  '  - { name: vale0:net, user: on, forward: [tcp:8080:80] }',
] as const;

function countersPage(): readonly string[] {
  const drops = Object.entries(dropReasons).map(([name, row]) => [
    `\`${name}\``,
    row.at,
    row.text,
    'idle' in row ? 'no: nobody was there' : 'yes',
  ]);
  return [
    'TX and RX are as the guest sees them: TX is from the guest to the switch.',
    '## Of a port',
    table(
      ['counter', 'counts'],
      portCounters.map((name) => [`\`${name}\``, portCounterTexts[name]]),
    ),
    '## Of a worker',
    table(
      ['counter', 'counts'],
      workerCounters.map((name) => [`\`${name}\``, workerCounterTexts[name]]),
    ),
    '## Drop reasons',
    'Every frame that is not delivered is counted under one of these. A frame that nobody was\n' +
      'there to receive is not a loss: the column LOST of `valenic stats` does not count it.',
    table(['reason', 'counted at', 'why', 'loss'], drops),
    '## Faults',
    'A peer that breaks a rule closes the smallest thing that can be closed.',
    table(
      ['fault', 'closes', 'what happened'],
      Object.entries(faults)
        .filter(([name]) => name !== 'none')
        .map(([name, { closes, text }]) => [`\`${name}\``, closes, text]),
    ),
  ];
}

function apiPage(): readonly string[] {
  const routes = apiRoutes.map(({ method, path, body = '', answer }) => [
    `\`${method} ${path}\``,
    body,
    answer,
  ]);
  const errors = Object.entries(errorCodes).map(([code, { http, exit }]) => [
    `\`${code}\``,
    `${http}`,
    `${exit}`,
  ]);
  return [
    'HTTP with JSON on the control socket of `valenic serve`:\n' +
      '`curl --unix-socket /run/valenic/control.sock http://v/v1/ports`. `:name` is the name of\n' +
      'a port, `vale0:vm1`; polling, more, mtu and stats also take the name of a switch.',
    table(['request', 'body', 'answer'], routes),
    '## Errors',
    'An error is `{ code, message }`. The exit status is that of the command line: 1 it failed,\n' +
      '2 wrong usage, 3 no daemon answers, 4 not found (a port, a switch or a file).',
    table(['code', 'HTTP status', 'exit status'], errors),
  ];
}
