/** iproute2's `ip`, for interfaces of the namespace of a run. */

import { runProgram } from '../peers/program.ts';

/** Runs `ip` with each of these in turn; what it was told, as one would type it. */
export async function ip(...commands: readonly string[]): Promise<string> {
  for (const command of commands) await runProgram(['ip', ...command.split(' ')]);
  return commands.map((command) => `ip ${command}`).join('; ');
}
