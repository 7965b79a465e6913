/** The manual page, made from the tree of commands and the tables of keys: `npm run manual`. */

import type { Argument, Command, Option } from 'commander';
import { benchProgram } from '../bench/options.ts';
import { kindKeys, portKinds, settingKeys, socketKeys } from '../config/index.ts';
import { packageVersion } from '../daemon/index.ts';
import { errorCodes } from '../errors.ts';
import { defaultSettings } from '../port-spec.ts';
import { examples } from './examples.ts';
import { createProgram } from './index.ts';

/** Where it is kept. */
export const manualPath = 'docs/man/valenic.1';

const silent = { write: () => {} };

/** The whole page, in the man macros of groff_man(7). */
export function manualText(): string {
  const program = createProgram({ stdout: silent, stderr: silent }, () => {});
  const nouns = program.commands.filter((command) => command.name() !== 'bench');
  const bench = benchProgram(
    () => {},
    () => {},
  );
  const leaves = [...nouns, bench].flatMap((command) => leavesOf(command, []));
  const parts = [
    '.\\" GENERATED from backend/cli by `npm run manual`. Do not edit.',
    `.TH VALENIC 1 "" "Valenic ${packageVersion()}" "User Commands"`,
    // Left-aligned, words not broken: commands stay what one can type.
    '.ad l',
    '.nh',
    '.SH NAME',
    'valenic \\- a virtual NIC backend: guests on VALE switches over vhost\\-user',
    '.SH SYNOPSIS',
    ...leaves.flatMap(({ path, command }) => [synopsis(path, command), '.br']).slice(0, -1),
    '.SH DESCRIPTION',
    ...paragraphs(description),
    '.SH OPTIONS OF EVERY COMMAND',
    ...program.options.map(optionText),
    '.SH COMMANDS',
    ...leaves.flatMap(({ path, command }) => commandText(path, command, bench.commands[0])),
    '.SH PORTS',
    ...portsText(),
    '.SH EXIT STATUS',
    ...exitText(),
    ...ending,
  ];
  return `${parts.join('\n')}\n`;
}

interface Leaf {
  readonly path: readonly string[];
  readonly command: Command;
}

function leavesOf(command: Command, above: readonly string[]): readonly Leaf[] {
  const path = [...above, command.name()];
  if (command.commands.length === 0) return [{ path, command }];
  return command.commands.flatMap((child) => leavesOf(child, path));
}

const description = [
  `valenic serve is the daemon: it listens on (or connects to) the vhost-user sockets of its ports,
maps the memory that guests share, and switches their Ethernet frames. It needs no root, no kernel
module and no hugepages. The other commands talk to it over its control socket. valenic bench
measures rates with a backend of its own, and needs no daemon.`,
  `Data goes to standard output, words go to standard error.`,
];

/** @param first  The first of the measurements: the others tell only how they differ from it. */
function commandText(
  path: readonly string[],
  command: Command,
  first?: Command,
): readonly string[] {
  const shown = examples[path.join(' ')] ?? [];
  // Of those that take everything that the first one takes.
  const all = (first?.options ?? []).map(({ flags }) => flags);
  const like = all.every((flags) => command.options.some((option) => option.flags === flags));
  const told = command === first || !like ? [] : all;
  const own = command.options.filter(({ flags }) => path[0] !== 'bench' || !told.includes(flags));
  const rest = own.length === command.options.length ? '' : ' Options are those of bench g2g too.';
  return [
    `.SS ${roff(path.join(' '))}`,
    synopsis(path, command),
    '.PP',
    `${roff(sentence(command.description()))}${rest}`,
    ...command.registeredArguments.flatMap(argumentText),
    ...own.map(optionText),
    ...(shown.length === 0 ? [] : ['.PP', shown.length > 1 ? 'Examples:' : 'Example:']),
    ...(shown.length === 0 ? [] : ['.PP', '.RS 4', '.nf']),
    ...shown.map((line) => roff(`valenic ${line}`)),
    ...(shown.length === 0 ? [] : ['.fi', '.RE']),
  ];
}

function synopsis(path: readonly string[], command: Command): string {
  const words = command.registeredArguments.map(argumentWord);
  const options = command.options.some((option) => !option.mandatory) ? ['[OPTION]...'] : [];
  const needed = command.options.filter((option) => option.mandatory).map(({ flags }) => flags);
  const line = roff([...needed, ...words, ...options].join(' '));
  return `.B valenic ${roff(path.join(' '))}${line === '' ? '' : `\n${line}`}`;
}

function argumentWord(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function argumentText(argument: Argument): readonly string[] {
  return ['.TP', `.I ${roff(argument.name())}`, roff(sentence(argument.description))];
}

function optionText(option: Option): string {
  const choices = option.argChoices === undefined ? '' : ` (${option.argChoices.join(', ')})`;
  const given = option.defaultValue === undefined ? '' : `; ${option.defaultValue} unless given`;
  const text = roff(sentence(`${option.description}${choices}${given}`));
  return `.TP\n.B ${roff(option.flags)}\n${text}`;
}

function portsText(): readonly string[] {
  const defaults: Readonly<Record<string, string>> = {
    polling: defaultSettings.polling,
    'spin-us': `${defaultSettings.spinUs}`,
    more: defaultSettings.more ? 'on' : 'off',
    moderation: 'off',
    budget: `${defaultSettings.budget}`,
    'mac-limit': `${defaultSettings.macLimit}`,
    'max-frame': `${defaultSettings.maxFrameBytes}`,
    mtu: 'none',
    up: 'on',
    vlan: 'off',
    'link-local': 'forward',
    role: 'server',
    queues: '1',
    mode: '0600',
    network: '10.0.2.0/24',
    'host-loopback': 'off',
    io: 'auto',
  };
  const keys = (table: Readonly<Record<string, { readonly allowed: string }>>) =>
    Object.entries(table).map(([key, { allowed }]) => {
      const given = defaults[key] === undefined ? '' : `; ${defaults[key]} unless given`;
      const what = meanings[key] ?? '';
      return `.TP\n.BI ${roff(key)}= VALUE\n${roff(sentence(`${what}: ${allowed}${given}`))}`;
    });
  return [
    ...paragraphs([
      'A port is written SWITCH:PORT,KIND[,KEY=VALUE]... A comma in a value is written twice.',
      `Kinds: ${portKinds.join(', ')}. vhost-user=PATH is a guest's NIC on the socket PATH; host is
a source and sink of test frames in the daemon itself; stream=PATH and dgram=PATH are NICs of any
model behind QEMU's -netdev stream and dgram (or tcp:HOST:PORT, udp:HOST:PORT); tap=NAME is an
interface of the host, and packet=NAME the wire behind one that it has; user is NAT to networks
elsewhere, with DHCP and names, without privileges.`,
      'These keys can change under traffic, with valenic port set:',
    ]),
    ...keys(settingKeys),
    ...paragraphs(['These are fixed when a vhost-user port is added:']),
    ...keys(socketKeys),
    ...paragraphs([
      `stream ports have role, mode and group, dgram ports mode and group, tap ports queues,
and offloads, packet ports queues and io, and these:`,
    ]),
    ...keys({
      peer: kindKeys.dgram.peer,
      persist: kindKeys.tap.persist,
      io: kindKeys.packet.io,
    }),
    ...paragraphs(['user ports have these:']),
    ...keys(kindKeys.user),
  ];
}

const meanings: Readonly<Record<string, string>> = {
  polling: 'how the worker waits for frames of this port',
  'spin-us': 'adaptive: microseconds without work before the worker sleeps',
  more: 'whether frames are published and notified by the batch (on) or each alone (off)',
  moderation: 'the guest is interrupted after so many frames or microseconds',
  budget: 'frames taken from a queue before the next queue has its turn',
  'mac-limit': 'addresses that the switch learns behind this port',
  'max-frame': 'the longest frame in bytes',
  up: 'whether the port passes frames',
  vlan: 'the port sends and gets untagged frames of this VLAN alone (access)',
  trunk: 'the port sends and gets tagged frames of these VLANs; repeatable',
  native: "a trunk's untagged frames are of this VLAN; without it they are dropped",
  tunnel: 'frames of any kind, in this VLAN behind an 802.1ad tag (QinQ)',
  'link-local': 'whether LACP, LLDP, STP and their like pass',
  role: 'who listens on the socket: we (server), or the VMM (client)',
  queues: 'queue pairs',
  network: "the guests' network: its gateway is .2, its name server .3, the first guest .15",
  forward: 'a port of the host (127.0.0.1 unless named) that leads to the first guest; repeatable',
  'host-loopback': "whether the gateway's address leads to the host's own loopback",
  mode: 'permissions of the socket file',
  group: 'group of the socket file',
  mtu: 'the longest packet the port gets; a guest is told, an interface that is made is set to it',
  offloads: 'whether checksums and segmentation may be left to others',
  peer: 'where the other end of a dgram port is',
  persist: 'whether an interface that was made stays when the port goes',
  io: 'what a packet port goes through; auto: AF_XDP where that copies nothing and is harmless',
};

function exitText(): readonly string[] {
  const of = (exit: number): string =>
    Object.entries(errorCodes)
      .filter(([, row]) => row.exit === exit)
      .map(([code]) => code)
      .join(', ');
  const rows = [
    ['0', 'done'],
    ['1', `failed: ${of(1)}`],
    ['2', `wrong usage: ${of(2)}`],
    ['3', `no daemon answers: ${of(3)}`],
    ['4', `not found: ${of(4)}`],
  ];
  return [
    ...rows.map(([status = '', text = '']) => `.TP\n.B ${status}\n${roff(sentence(text))}`),
    ...paragraphs([
      'With --json an error is one object on standard error: its code and a message.',
    ]),
  ];
}

const ending: readonly string[] = [
  '.SH ENVIRONMENT',
  '.TP\n.B VALENIC_CONTROL\nThe control socket, where \\-\\-control does not name one.',
  `.TP\n.B XDG_RUNTIME_DIR\nWithout either the socket is valenic/control.sock in this folder, else
/run/valenic/control.sock for root, else /tmp/valenic\\-UID/control.sock.`,
  '.TP\n.B VALENIC_ADDON\nThe built datapath, where it is not in the package.',
  '.TP\n.B NO_COLOR\nNo colours when it is set to anything.',
  '.SH SIGNALS',
  `SIGINT, SIGTERM and SIGHUP end valenic serve, guest run and stats \\-\\-watch with status 0, and
valenic bench with status 1 after it wrote what it has. A second one ends the process at once.`,
  '.SH SEE ALSO',
  '.BR qemu\\-system\\-x86_64 (1),\n.BR dpdk\\-testpmd (1)',
];

function paragraphs(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => ['.PP', roff(text)]);
}

/** A description as a sentence. */
function sentence(text: string): string {
  const whole = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** Text that groff takes as it is: groff_man(7), "Hyphens, minus signs". */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .split('\n')
    .map((line) => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join('\n');
}
