/** `valenic doctor`: does this machine have what Valenic needs, and if not, what to do. */

import type { Command } from 'commander';
import { ValenicError } from '../errors.ts';
import { plural } from '../text.ts';
import { type CheckContext, checks, type Finding } from './checks.ts';
import type { Cli } from './io.ts';

export function addDoctorCommand(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description('check this machine, and say what to fix')
    .option('--qemu <program>', 'a QEMU other than the one in PATH')
    .action((options: Pick<CheckContext, 'qemu'>) => doctor(options, cli));
}

const marks = { ok: 'good', warning: 'warning', failed: 'bad' } as const;

async function doctor(options: Pick<CheckContext, 'qemu'>, cli: Cli): Promise<void> {
  const { control } = cli;
  const context: CheckContext = { ...options, ...(control !== undefined && { control }) };
  const findings: (Finding & { readonly name: string })[] = [];
  for (const { name, look } of checks) {
    const finding = { name, ...(await look(context)) };
    findings.push(finding);
    if (cli.json) continue;
    const { status, text, advice } = finding;
    const mark = cli.paint(marks[status], status.padEnd(8));
    const then = advice === undefined ? '' : `${' '.repeat(18)}-> ${advice}\n`;
    cli.data({}, () => `${mark}${name.padEnd(10)}${text}\n${then}`);
  }
  if (cli.json) cli.data({ checks: findings }, () => '');
  const bad = findings.filter(({ status }) => status === 'failed').length;
  if (bad === 0) return;
  throw new ValenicError(
    'doctor_found',
    `${plural(bad, 'check')} failed; what to do is shown above`,
  );
}
