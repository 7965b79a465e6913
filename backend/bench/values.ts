/** Readers of option values, in commander's manner: they refuse with a sentence. */

import { closeSync, openSync } from 'node:fs';
import { type Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { ValueKind } from '../config/index.ts';
import { ValenicError } from '../errors.ts';
import { mustBeQemu } from '../named-file.ts';
import { codeOf } from '../system-error.ts';

export function numberIn(text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= low && value <= high) return value;
  throw new InvalidArgumentError(`give a number from ${low} to ${high}.`);
}

export function wholeIn(text: string, low: number, high: number): number {
  const value = numberIn(text, low, high);
  if (Number.isInteger(value)) return value;
  throw new InvalidArgumentError(`give a whole number from ${low} to ${high}.`);
}

/** As numberIn(), for an option's parser. */
export function numberFrom(low: number, high: number): (text: string) => number {
  return (text) => numberIn(text, low, high);
}

/** As wholeIn(), for an option's parser. */
export function wholeFrom(low: number, high: number): (text: string) => number {
  return (text) => wholeIn(text, low, high);
}

/** A value of the tables, as everywhere else it is written. */
export function tableValue<T>({ allowed, read }: ValueKind<T>): (text: string) => T {
  return (text) => {
    const value = read(text);
    if (value !== undefined) return value;
    throw new InvalidArgumentError(`give ${allowed}.`);
  };
}

export function oneOf<Name extends string>(names: readonly Name[]): (text: string) => Name {
  return (text) => {
    const name = names.find((candidate) => candidate === text);
    if (name !== undefined) return name;
    throw new InvalidArgumentError(`choose from ${names.join(', ')}.`);
  };
}

export function listOf<T>(parse: (text: string) => T): (text: string) => readonly T[] {
  return (text) => text.split(',').map((part) => parse(part.trim()));
}

/** `--cpu`: where two parties run; whether there are two is cpuPairOf()'s. */
export function cpuPairOption(description: string): Option {
  return new Option('--cpu <list>', description)
    .argParser(listOf(wholeFrom(0, 1023)))
    .default([1, 0], '1,0');
}

/** @throws {ValenicError} `usage`: not two of them. */
export function cpuPairOf(cpus: readonly number[]): readonly [number, number] {
  const [first, second] = cpus;
  if (first !== undefined && second !== undefined && cpus.length === 2) return [first, second];
  throw new ValenicError('usage', '--cpu: give two CPUs, as in --cpu 1,0');
}

/**
 * The options of a command without subcommands.
 *
 * @throws {ValenicError} `usage`; @returns null when help was printed.
 */
export function parseWords<Options>(
  command: Command,
  argv: readonly string[],
  write: (text: string) => void,
): Options | null {
  try {
    command.exitOverride().configureOutput({ writeOut: write, writeErr: () => {} });
    return command.parse([...argv], { from: 'user' }).opts() as Options;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return null;
    throw new ValenicError('usage', `${usageSentence(error)}; see ${command.name()} --help`);
  }
}

/** What commander found wrong, in one line without a full stop. */
export function usageSentence({ message }: CommanderError): string {
  return message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .replace(/\.$/, '');
}

/** Of `--qemu`. @throws {ValenicError} `file_not_found`. */
export function namedQemu(program: string): string {
  mustBeQemu(program);
  return program;
}

/** @throws {ValenicError} `file_not_found`: its folder is not there; `value_invalid`. */
export function refuseUnwritable(path: string, option = '--output'): void {
  try {
    closeSync(openSync(path, 'a'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const code = codeOf(error) === 'ENOENT' ? 'file_not_found' : 'value_invalid';
    throw new ValenicError(code, `${option} ${path} cannot be written: ${why}`);
  }
}
