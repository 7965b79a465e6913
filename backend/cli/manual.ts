/** The manual page, made from the tree of commands and the tables of keys: `npm run manual`. */

import type { Argument, Command, Option } from 'commander';
import { benchProgram } from '../bench/options.ts';
import { type KeyText, kindKeyTexts, settingTexts } from '../config/key-texts.ts';
import { packageVersion } from '../daemon/index.ts';
import { errorCodes } from '../errors.ts';
import { kindOf, portKinds } from '../ports/index.ts';
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
  `valenic serve is the daemon. It listens on (or connects to) the vhost-user sockets of its ports,
maps the memory that guests share, and switches their Ethernet frames. It does not need root, a
kernel module or hugepages. The other commands talk to it over its control socket. valenic bench
measures rates with a backend of its own and does not need a daemon.`,
  `Data goes to standard output, messages to standard error.`,
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
  const rest = own.length === command.options.length ? '' : ' The options of bench g2g apply too.';
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
  const key = ({ key: name, meaning, allowed, given }: KeyText): string => {
    const unless = given === undefined ? '' : `; ${given} unless given`;
    return `.TP\n.BI ${roff(name)}= VALUE\n${roff(sentence(`${meaning}: ${allowed}${unless}`))}`;
  };
  return [
    ...paragraphs([
      'A port is written SWITCH:PORT,KIND[,KEY=VALUE]... A comma in a value is written twice.',
      'These settings can change under traffic, with valenic port set:',
    ]),
    ...settingTexts().map(key),
    ...portKinds.flatMap((kind) => {
      const { form, text } = kindOf(kind);
      const keys = kindKeyTexts(kind);
      const own = keys.length === 0 ? '' : ' These keys are fixed when the port is added:';
      return [
        ...paragraphs([`${form} is ${sentence(text).replace(/^./, (c) => c.toLowerCase())}${own}`]),
        ...keys.map(key),
      ];
    }),
  ];
}

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
  '.TP\n.B VALENIC_CONTROL\nThe control socket, unless \\-\\-control names one.',
  `.TP\n.B XDG_RUNTIME_DIR\nWithout either, the socket is valenic/control.sock in this folder, else
/run/valenic/control.sock for root, else /tmp/valenic\\-UID/control.sock.`,
  `.TP\n.B XDG_STATE_HOME\nThe daemon keeps the random part of the MAC addresses that it gives to
guests in valenic/installation in this folder, else in /var/lib for root, else in ~/.local/state.
A service of systemd keeps it in its STATE_DIRECTORY. In valenic/guests there, it keeps what the
running guests have, for the next daemon.`,
  `.TP\n.B XDG_CACHE_HOME\nThe kernel and image of our guests are kept in valenic/guest in this
folder, else in ~/.cache/valenic/guest.`,
  '.TP\n.B VALENIC_ADDON\nThe built datapath, if it is not in the package.',
  '.TP\n.B NO_COLOR\nIf it is set to anything, no colours are used.',
  '.SH SIGNALS',
  `SIGINT, SIGTERM and SIGHUP end valenic serve, guest run and stats \\-\\-watch with status 0. They
end valenic bench with status 1, after it has written the results so far. A second signal ends the
process at once.`,
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
