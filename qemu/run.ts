/** Runs a short program to its end, with a deadline. */

import { spawn } from 'node:child_process';

export interface RunResult {
  /** Exit status; null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stdoutBytes: Buffer;
  readonly stderr: string;
  /** The deadline passed, or `stopWhen` said enough; it was killed by its pid. */
  readonly killed: boolean;
}

/** What a program says beyond this is cut; nothing run here says as much. */
const maxOutputBytes = 8 << 20;

/**
 * Runs `file` without a shell and without a terminal.
 *
 * @param stopWhen  Called for each output on stderr; true ends the program at once.
 * @throws the operating system's error when the program cannot be started (ENOENT …).
 */
export function run(
  file: string,
  args: readonly string[],
  options: {
    readonly timeoutMs: number;
    readonly cwd?: string;
    /** Ours when absent. */
    readonly env?: NodeJS.ProcessEnv;
    readonly stopWhen?: (stderr: string) => boolean;
  },
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    const out: Buffer[] = [];
    let outBytes = 0;
    let stderr = '';
    let killed = false;
    const kill = (): void => {
      killed = true;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(kill, options.timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => {
      outBytes += chunk.length;
      if (outBytes <= maxOutputBytes) out.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < maxOutputBytes) stderr += chunk.toString('utf8');
      if (options.stopWhen?.(stderr) ?? false) kill();
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      const stdoutBytes = Buffer.concat(out);
      resolve({ code, stdout: stdoutBytes.toString('utf8'), stdoutBytes, stderr, killed });
    });
  });
}
