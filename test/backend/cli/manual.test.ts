/** docs/man/valenic.1: fresh, whole, and well-formed. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { benchProgram } from '../../../backend/bench/options.ts';
import { examples } from '../../../backend/cli/examples.ts';
import { createProgram } from '../../../backend/cli/index.ts';
import { manualPath, manualText } from '../../../backend/cli/manual.ts';

const root = resolve(import.meta.dirname, '../../..');
const silent = { write: () => {} };
const program = createProgram({ stdout: silent, stderr: silent }, () => {});
const bench = benchProgram(
  () => {},
  () => {},
);

function leaves(command: Command, path: readonly string[]): readonly [string, Command][] {
  if (command.commands.length === 0) return [[path.join(' '), command]];
  return command.commands.flatMap((child) => leaves(child, [...path, child.name()]));
}

const commands = [
  ...leaves(program, []).filter(([name]) => name !== 'bench'),
  ...leaves(bench, ['bench']),
];

describe('the manual page', () => {
  const page = readFileSync(join(root, manualPath), 'utf8');

  it('is what the commands say', () => {
    expect(page, `${manualPath} is out of date: run \`npm run manual\``).toBe(manualText());
  });

  it.each(commands)('has the command %s, its arguments and its options', (name, command) => {
    const plain = page.replaceAll('\\-', '-');
    expect(plain).toContain(`\n.SS ${name}\n`);
    const flags = command.options.map((option) => option.flags);
    expect(flags.filter((flag) => !plain.includes(`\n.B ${flag}\n`))).toEqual([]);
    const words = command.registeredArguments.map((argument) => argument.name());
    expect(words.filter((word) => !plain.includes(`\n.I ${word}\n`))).toEqual([]);
  });

  it('is understood by groff without a warning', ({ skip }) => {
    const groff = spawnSync('groff', ['-man', '-ww', '-z', join(root, manualPath)]);
    skip(groff.error !== undefined, 'groff is not installed');
    expect(`${groff.stderr}`).toBe('');
    expect(groff.status).toBe(0);
  });
});

describe('the examples', () => {
  it('belong to commands that there are, and every command has some', () => {
    expect(Object.keys(examples).sort()).toEqual(commands.map(([name]) => name).sort());
  });

  it.each(Object.entries(examples))('of %s are ones that it understands', (name, lines) => {
    const command = commands.find(([found]) => found === name)?.[1];
    for (const line of lines) {
      expect(line.startsWith(`${name}`)).toBe(true);
      const words = line
        .slice(name.length)
        .trim()
        .split(' ')
        .filter((word) => word !== '');
      const { operands = [], unknown = ['all'] } = command?.parseOptions(words) ?? {};
      // Options of every command are the program's.
      expect(unknown.filter((word) => word !== '--json')).toEqual([]);
      const least = command?.registeredArguments.filter(({ required }) => required).length ?? 0;
      expect(operands.length).toBeGreaterThanOrEqual(least);
    }
  });
});
