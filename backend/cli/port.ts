/** `valenic port add|remove|list|show|set|move|forget`. */

import type { Command } from 'commander';
import {
  numberList,
  parsePort,
  parsePortName,
  parseSettingWords,
  portText,
  readValue,
  settingKeys,
} from '../config/index.ts';
import { keysHelp } from '../config/key-texts.ts';
import type { PortAnswer } from '../daemon/index.ts';
import { nameText } from '../ports/spec.ts';
import { table } from '../text.ts';
import type { Cli } from './io.ts';
import { portDetailText, spinText, stateWord, troubleLines, workersText } from './port-text.ts';

export function addPortCommands(program: Command, cli: Cli): void {
  const port = program
    .command('port')
    .description('ports: add, remove, list, show, set, move, forget');
  port
    .command('add')
    .description('add a port to the running daemon, and its switch if there is none')
    .argument('<port>', 'e.g. vale0:vm1,vhost-user=/run/vm1.sock,queues=2 or vale0:h,host')
    .addHelpText('after', keysHelp)
    .action((text: string) => add(text, cli));
  port
    .command('remove')
    .description('remove a port: its guest loses the link, its socket is removed')
    .argument('<name>', 'e.g. vale0:vm1')
    .action((name: string) => remove(name, cli));
  port
    .command('list')
    .description('list all ports, in the order they were added')
    .action(() => list(cli));
  port
    .command('show')
    .description("show a port's rings, features, fault, counters and drops")
    .argument('<name>', 'e.g. vale0:vm1')
    .action((name: string) => show(name, cli));
  port
    .command('set')
    .description('change settings of a port under traffic')
    .argument('<name>', 'e.g. vale0:vm1')
    .argument('<key=value...>', `one of ${Object.keys(settingKeys).join(', ')}`)
    .action((name: string, words: readonly string[]) => set(name, words, cli));
  port
    .command('move')
    .description("give a port's queue pairs to other workers, under traffic")
    .argument('<name>', 'e.g. vale0:vm1')
    .argument('<workers>', 'workers of the queue pairs in turn, numbered from 0: 1, or 0,2-3')
    .action((name: string, workers: string) => move(name, workers, cli));
  port
    .command('forget')
    .description('forget the MAC addresses learned behind a port, sticky ones too')
    .argument('<name>', 'e.g. vale0:vm1')
    .action((name: string) => forget(name, cli));
}

async function add(text: string, cli: Cli): Promise<void> {
  // Read here too: a relative path starts from this folder, not from the daemon's.
  const port = await cli.client().addPort({ port: portText(parsePort(text)) });
  if (cli.json) cli.data(port, () => '');
  else cli.say(`${port.name} added${whereOf(port) === '-' ? '' : `: ${whereOf(port)}`}`);
}

async function remove(text: string, cli: Cli): Promise<void> {
  const name = nameText(parsePortName(text));
  await cli.client().removePort(name);
  if (cli.json) cli.data({ removed: name }, () => '');
  else cli.say(`${name} removed`);
}

async function list(cli: Cli): Promise<void> {
  const ports = await cli.client().ports();
  cli.data({ ports }, () => (ports.length === 0 ? '' : portTable(ports)));
  if (ports.length === 0 && !cli.json) cli.say('There are no ports: see valenic port add --help');
}

/** Also what `polling` and `more` answer with. */
export function portTable(ports: readonly PortAnswer[]): string {
  const rows = ports.map((port) => {
    const { polling, spinUs, more } = port.settings;
    const mode = polling === 'adaptive' ? `adaptive ${spinText(spinUs)}` : polling;
    return [port.name, port.kind, stateWord(port), mode, more ? 'on' : 'off', whereOf(port)];
  });
  const trouble = ports.flatMap(troubleLines).map((line) => `${line}\n`);
  const below = trouble.length === 0 ? '' : `\n${trouble.join('')}`;
  return `${table(['PORT', 'KIND', 'STATE', 'POLLING', 'MORE', 'AT'], rows)}${below}`;
}

/** Its socket, address or interface. */
function whereOf({ endpoint }: PortAnswer): string {
  return endpoint?.address ?? '-';
}

async function show(text: string, cli: Cli): Promise<void> {
  const port = await cli.client().port(nameText(parsePortName(text)));
  cli.data(port, () => portDetailText(port, cli));
}

async function move(text: string, workers: string, cli: Cli): Promise<void> {
  const name = nameText(parsePortName(text));
  const port = await cli.client().movePort(name, readValue(numberList, 'workers', workers));
  if (cli.json) cli.data(port, () => '');
  else cli.say(`${name}: ${workersText(port.workers)}`);
}

async function forget(text: string, cli: Cli): Promise<void> {
  const name = nameText(parsePortName(text));
  const { forgotten } = await cli.client().forgetMacs(name);
  if (cli.json) cli.data({ name, forgotten }, () => '');
  else cli.say(`${name}: addresses forgotten: ${forgotten}`);
}

async function set(text: string, words: readonly string[], cli: Cli): Promise<void> {
  const name = nameText(parsePortName(text));
  const port = await cli.client().setPort(name, parseSettingWords(words));
  cli.data(port, () => portTable([port]));
}
