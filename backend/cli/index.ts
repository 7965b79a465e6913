/** The command line, callable in process: `runCli(['port', 'list'], io)`. */

import { Command, CommanderError } from 'commander';
import { usageSentence } from '../bench/values.ts';
import { packageVersion } from '../daemon/index.ts';
import { isErrorCode, ValenicError } from '../errors.ts';
import { addAttachCommands } from './attach.ts';
import { addBenchCommand } from './bench.ts';
import { addDoctorCommand } from './doctor.ts';
import { addExamples } from './examples.ts';
import { addGuestCommands } from './guest.ts';
import { Cli, type CliIo } from './io.ts';
import { addPortCommands } from './port.ts';
import { addServeCommand } from './serve.ts';
import { addStatsCommand } from './stats.ts';
import { addTrafficCommands } from './traffic.ts';

export type { CliIo } from './io.ts';

const epilogue = `
Ports are written SWITCH:PORT,KIND[,KEY=VALUE]..., e.g. vale0:vm1,vhost-user=/run/vm1.sock,queues=2.
Exit status: 0 done, 1 failed, 2 wrong usage, 3 no daemon answers, 4 not found.
The full manual: man valenic, or docs/man/valenic.1 in the package.`;

/**
 * Runs one command.
 *
 * @param argv  Without the program: `['port', 'list', '--json']`.
 * @returns The exit status. Errors go to stderr, as JSON with --json.
 */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  try {
    return await runProgram(argv, io);
  } catch (thrown) {
    const error = asValenicError(thrown);
    const { code, message } = error;
    const json = argv.includes('--json');
    io.stderr.write(json ? `${JSON.stringify({ code, message })}\n` : `valenic: ${message}\n`);
    if (code === 'internal' && thrown instanceof Error) io.stderr.write(`${thrown.stack}\n`);
    return error.exitStatus;
  }
}

async function runProgram(argv: readonly string[], io: CliIo): Promise<number> {
  let heldBack = '';
  const writeErr = (text: string): void => {
    // runCli() reports errors once.
    heldBack += text;
  };
  let status = 0;
  const program = createProgram(io, writeErr, (number) => {
    status = number;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return status;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    // A noun without its verb: its help says which there are.
    if (error.code === 'commander.help') {
      io.stderr.write(heldBack);
      return 2;
    }
    throw new ValenicError('usage', `${usageSentence(error)}; see --help`);
  }
}

/**
 * The tree of commands; the manual is made from it too.
 *
 * @param onStatus  Gets the exit status of a command that failed without an error.
 */
export function createProgram(
  io: CliIo,
  writeErr: (text: string) => void,
  onStatus: (status: number) => void = () => {},
): Command {
  const program = new Command('valenic')
    .description('a virtual NIC backend: guests on VALE switches over vhost-user')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print the help of a command')
    .option('--json', 'print data as JSON on stdout, errors as JSON on stderr')
    .option('--control <path>', "the daemon's control socket (or VALENIC_CONTROL)")
    .addHelpText('after', epilogue)
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr })
    .exitOverride();
  const cli = new Cli(io, () => program.opts());
  addServeCommand(program, cli);
  addPortCommands(program, cli);
  addTrafficCommands(program, cli);
  addStatsCommand(program, cli);
  addGuestCommands(program, cli);
  addAttachCommands(program, cli);
  addBenchCommand(program, cli, onStatus);
  addDoctorCommand(program, cli);
  addExamples(program);
  return program;
}

/** Rooms below have errors of their own, with codes from the same table. */
function asValenicError(thrown: unknown): ValenicError {
  if (thrown instanceof ValenicError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return new ValenicError(isErrorCode(code) ? code : 'internal', message, { cause: thrown });
}
