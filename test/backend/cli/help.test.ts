/** Every word of the help: what it lists is there, and what it says is taken. */

import { type Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { benchProgram, measurable } from '../../../backend/bench/options.ts';
import { createProgram, runCli } from '../../../backend/cli/index.ts';

const silent = { write: () => {} };

interface Leaf {
  readonly name: string;
  readonly command: Command;
}

function leaves(command: Command, path: readonly string[] = []): readonly Leaf[] {
  if (command.commands.length === 0) return [{ name: path.join(' '), command }];
  return command.commands.flatMap((child) => leaves(child, [...path, child.name()]));
}

const program = createProgram({ stdout: silent, stderr: silent }, () => {});
const bench = benchProgram(
  () => {},
  () => {},
);
const all = [
  ...leaves(program).filter(({ name }) => name !== 'bench'),
  ...leaves(bench, ['bench']),
];

async function cli(...words: readonly string[]) {
  let [out, err] = ['', ''];
  const status = await runCli(words, {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    env: { VALENIC_CONTROL: '/nonexistent/control.sock' },
  });
  return { status, out, err };
}

/** The words that a command does not know. When it refuses a value, it knows the option. */
function unknownOf(command: Command, words: readonly string[]): readonly string[] {
  try {
    return command.exitOverride().parseOptions([...words]).unknown;
  } catch (error) {
    if (error instanceof CommanderError && error.code === 'commander.invalidArgument') return [];
    throw error;
  }
}

describe('the help', () => {
  it.each(all)('of $name is printed, and begins with the whole command', async ({ name }) => {
    const { status, out, err } = await cli(...name.split(' '), '--help');
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toMatch(new RegExp(`^Usage: valenic ${name}( |$)`, 'm'));
  });

  it('lists every measurement of bench, and no other', async () => {
    const { out } = await cli('--help');
    const listed = /^ +bench .*?measure: ([^;]+);/ms.exec(out)?.[1]?.split(/,\s+/);
    expect(listed).toEqual([...measurable]);
    expect([...measurable].sort()).toEqual(bench.commands.map((one) => one.name()).sort());
  });

  it.each(all)('of $name names options that $name takes', ({ command }) => {
    for (const option of command.options) {
      const value = option.required ? ['x'] : [];
      const words = [option.long ?? option.short ?? '', ...value];
      expect(unknownOf(command, words), option.flags).toEqual([]);
    }
  });

  it('of the daemon has --cpus beside --cpu, as the file has cpu beside cpus', () => {
    const serve = all.find(({ name }) => name === 'serve')?.command;
    expect(serve?.options.map(({ flags }) => flags)).toContain('--cpu, --cpus <list>');
  });
});

describe('a slip', () => {
  it.each([
    [['prot', 'list'], 'Did you mean port?'],
    [['port', 'lsit'], 'Did you mean list?'],
    [['serve', '--wokers', '2'], 'Did you mean --workers?'],
    [['serve', '--polling', 'bsy'], 'did you mean "busy"?'],
    [['polling', 'vale0', 'evnt'], 'did you mean "event"?'],
    [['more', 'vale0', 'offf'], 'did you mean "off"?'],
    [['serve', '--port', 'v:a,vhost-user=/a,polng=busy'], 'did you mean "polling"?'],
    [['serve', '--port', 'v:a,vhsot-user=/a'], 'did you mean "vhost-user"?'],
    [['serve', '--port', 'v:a,host,poll=busy'], 'did you mean "polling"?'],
    [['serve', '--port', 'v:a,host,trunk=10,20'], 'e.g. trunk=10+20'],
    [['serve', '--port', 'v:a,vhost-user=/a,role=sever'], 'did you mean "server"?'],
    [['serve', '--switch', 'v,mut=9000'], 'did you mean "mtu"?'],
    [['serve', '--log', 'wran'], 'did you mean "warn"?'],
    [['qemu-args', 'v:a', '--accel', 'kmv'], 'did you mean "kvm"?'],
    [['qemu-args', 'v:a', '--model', 'e100'], 'did you mean "e1000"?'],
    [['guest', 'rnu', '--port', 'v:a'], 'Did you mean run?'],
    [['bench', 'sweap'], 'sweep'],
    [['guest', 'run', '--port', 'v:a', '--memory', '1T'], 'a size like 512M or 2G'],
    [['guest', 'run', '--port', 'v:a', '--address', '10.0.0.300/24'], 'like 10.0.0.1/24'],
    [['guest', 'run', '--port', 'v:a', '--mac', '01:00:00:00:00:01'], 'a unicast MAC address'],
  ])('in %j is told, with what was meant', async (words, text) => {
    const { status, out, err } = await cli(...words);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toContain(text);
    expect(err.trim().split('\n')).toHaveLength(1);
  });
});

describe('the exit status', () => {
  it.each([
    ['a configuration', ['serve', '--config', '/nonexistent/c.yaml']],
    ['a kernel', ['guest', 'run', '--port', 'v:a', '--kernel', '/none/k', '--initrd', '/none/i']],
  ])('of %s that is not there is 4', async (_, words) => {
    expect((await cli(...words)).status).toBe(4);
  });
});
