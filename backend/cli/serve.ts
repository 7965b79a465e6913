/** `valenic serve`: the daemon, in the foreground. */

import { once } from 'node:events';
import type { Command } from 'commander';
import { type Logger, pino } from 'pino';
import {
  type PartialServeConfig,
  parsePort,
  parseSwitch,
  readConfigFile,
  readValue,
  type ServeConfig,
  type ServeKey,
  serveConfig,
  serveField,
  serveKeyNames,
  serveKeys,
  serveValues,
} from '../config/index.ts';
import { Daemon } from '../daemon/index.ts';
import { ValenicError } from '../errors.ts';
import { socketPath } from '../socket/path.ts';
import { plural } from '../text.ts';
import type { Cli } from './io.ts';
import { logText, lostLine } from './log-text.ts';
import { takeProcessWords } from './process-words.ts';

/** How long the end of the daemon waits for the reader of the log. */
const lastWordsMs = 500;

/** Besides these the keys of serveKeys, by their fields. */
interface ServeOptions {
  readonly config?: string;
  readonly port?: readonly string[];
  readonly switch?: readonly string[];
  readonly [field: string]: unknown;
}

/** A stop takes milliseconds, and seconds where a peer makes it wait. */
const stopGraceMs = 10_000;

const collect = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  text,
];

export function addServeCommand(program: Command, cli: Cli): void {
  const command = program
    .command('serve')
    .description('run the daemon until SIGTERM or SIGINT; its log goes to stderr')
    .option('--config <file>', 'YAML or JSON; the command line takes precedence')
    .option('--port <port>', 'a port to start with; may be given more than once', collect)
    .option('--switch <switch>', 'settings of a switch, e.g. vale0,mtu=9000; repeatable', collect);
  for (const key of serveKeyNames) {
    const { flags, meaning, kind, given }: ServeKey = serveKeys[key];
    const unless = given === undefined ? '' : ` (default ${given})`;
    command.option(flags, `${meaning}: ${kind.allowed}${unless}`);
  }
  command.action((options: ServeOptions) => serve(options, cli));
}

async function serve(options: ServeOptions, cli: Cli): Promise<void> {
  const said = optionsSaid(options, cli.control);
  const file = options.config === undefined ? [] : [await readConfigFile(options.config)];
  const config = serveConfig([said, ...file]);
  const sink = cli.io.openLog?.((lines, code) => asWritten(cli, lostLine(lines, code)));
  const out = sink ?? cli.io.stderr;
  const log = pino(
    { level: config.log, base: null },
    { write: (line) => out.write(asWritten(cli, line)) },
  );
  const release = cli.io.ownsProcess === true ? takeProcessWords(log) : () => {};
  try {
    await run(config, log, cli);
  } finally {
    release();
    await sink?.close(lastWordsMs);
  }
}

/** A line of the log, as written to stderr. */
function asWritten(cli: Cli, line: string): string {
  return cli.io.terminal === true ? logText(line) : line;
}

async function run(config: ServeConfig, log: Logger, cli: Cli): Promise<void> {
  const daemon = await Daemon.start({ config, log });
  if (cli.io.ownsProcess === true)
    daemon.endAfterSignal(stopGraceMs, (line) => asWritten(cli, line));
  const ports = daemon.backend.ports().map(({ name }) => name);
  const { controlPath: control } = daemon;
  log.info({ control, ports }, `ready: ${plural(ports.length, 'port')}`);
  // For scripts: the line comes when everything answers.
  if (cli.json) cli.data({ control, ports }, () => '');
  const lost = new Promise<string>((resolve) => daemon.backend.once('lost', resolve));
  const asked = cli.asked.aborted ? null : once(cli.asked, 'abort');
  const sentence = await Promise.race([lost, asked]);
  log.info('stopping');
  const lostAll = typeof sentence === 'string';
  await daemon.close().catch((error: unknown) => {
    if (!lostAll) throw error; // What cannot be told to a datapath that is gone.
  });
  if (lostAll) throw new ValenicError('datapath_lost', sentence);
  log.info('stopped');
}

/** What the command line says, and nothing of what it does not. */
function optionsSaid(options: ServeOptions, control: string | undefined): PartialServeConfig {
  const switches = options.switch?.map(parseSwitch);
  return {
    ...serveValues((key, kind) => {
      const text = options[serveField(key)];
      return typeof text === 'string' ? readValue(kind, `--${key}`, text) : undefined;
    }),
    ...(control !== undefined && { control: socketPath(control, process.cwd()) }),
    ...(switches && { switches }),
    ports: (options.port ?? []).map((text) => parsePort(text)),
  };
}
