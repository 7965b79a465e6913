/** The lines of README and of the guide, as a reader types them, in their order, to one daemon. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guestCache } from '../../backend/xdg.ts';
import { run } from '../../qemu/run.ts';
import { until } from './lab.ts';
import { testImage } from './qemu/image.ts';
import { builtProgram, program } from './serve-process.ts';

const root = resolve(import.meta.dirname, '../..');
const pages = [
  'README.md',
  ...['ports', 'vlans', 'port-security'].map((name) => `docs/guide/${name}.md`),
];
const readme = pages.map(plainOf).join('\n');
const scripts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts;

/** Lines of fenced blocks without a language, without their comments. */
const lines = [...readme.matchAll(/^```\n(.*?)^```/gms)]
  .flatMap(([, block = '']) => block.split('\n'))
  .map((line) => line.replace(/\s+#.*$/, '').trim())
  .filter((line) => /^(npm|node|npx|valenic|bin\/valenic\.mjs|-)/.test(line));
const commands = lines.filter((line) => !line.startsWith('-') && !line.startsWith('npm '));
const qemuLines = lines.filter((line) => line.startsWith('-'));

/** A page without its blocks in a language: they are programs, not lines. */
function plainOf(path: string): string {
  return readFileSync(join(root, path), 'utf8').replace(/^```\w+\n.*?^```$/gms, '');
}

/** As root in a network of its own, where an eth1 can be made; else the lines with one are left. */
const asRoot = process.getuid?.() === 0;
if (!asRoot) console.error('not run: README lines with packet=eth1 need root, to make an eth1');

let dir = '';
let holder: ChildProcess | null = null;
let daemon: ChildProcess | null = null;
let told = '';

beforeAll(async () => {
  await builtProgram();
  await testImage();
  dir = mkdtempSync(join(tmpdir(), 'valenic-readme-'));
  chmodSync(dir, 0o755);
  if (!asRoot) return;
  holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
  const ours = readlinkSync('/proc/self/ns/net');
  await until(
    'the network',
    () => readlinkSync(`/proc/${holder?.pid}/ns/net`),
    (its) => its !== ours,
  );
  const up =
    'ip link set lo up && ip link add eth1 type veth peer name wire && ip link set eth1 up';
  const made = await run('nsenter', [...inNetwork(), 'sh', '-c', up], { timeoutMs: 10_000 });
  expect(made).toMatchObject({ code: 0, stderr: '' });
});
afterAll(async () => {
  await ended(daemon, 'SIGTERM');
  await ended(holder, 'SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

const inNetwork = (): readonly string[] => [`--net=/proc/${holder?.pid}/ns/net`];

async function ended(child: ChildProcess | null, signal: NodeJS.Signals): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}

/** A README line as words, with the test's folder for /tmp, and this checkout's program. */
function wordsOf(line: string): readonly string[] {
  const [, ...words] = line.replaceAll('/tmp/', `${dir}/`).split(/\s+/);
  // Without an end of its own, one reading is as good as many.
  return words.includes('--watch') ? [...words, '--interval', '0.05', '--count', '2'] : words;
}

function start(words: readonly string[]): ChildProcess {
  const line = ['setpriv', '--pdeathsig', 'KILL', '--', process.execPath, program, ...words];
  const whole = holder === null ? line : ['nsenter', ...inNetwork(), ...line];
  const [file = '', ...rest] = whole;
  return spawn(file, rest, {
    cwd: root,
    env: { ...process.env, VALENIC_CONTROL: '', XDG_RUNTIME_DIR: dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs it to its end, or until it said `enough`, and interrupts it then. */
async function typed(words: readonly string[], enough?: RegExp) {
  const child = start(words);
  let [out, err] = ['', ''];
  let asked = false;
  const look = (): void => {
    // Once: asking twice means not to shut the guest down first.
    if (asked || enough?.test(err) !== true) return;
    asked = child.kill('SIGINT');
  };
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk;
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    err += chunk;
    look();
  });
  const [code] = await once(child, 'close');
  return { code: code as number | null, out, err };
}

async function serve(words: readonly string[]): Promise<void> {
  const child = start(words);
  daemon = child;
  child.stderr?.on('data', (chunk: Buffer) => {
    told += chunk;
  });
  await until(
    'the daemon',
    () => ({ told, code: child.exitCode }),
    (seen) => seen.told.includes('ready') || seen.code !== null,
    60_000,
  );
  expect(child.exitCode, told).toBeNull();
}

describe('README', () => {
  it('has all pages with lines to type', () => {
    const guide = readdirSync(join(root, 'docs/guide')).map((name) => `docs/guide/${name}`);
    const toType = guide.filter((path) => /^```$/m.test(plainOf(path)));
    expect(toType.filter((path) => !pages.includes(path))).toEqual([]);
  });

  it('has commands, and names only scripts of npm that there are', () => {
    expect(commands.length).toBeGreaterThan(10);
    const wanted = lines.flatMap((line) => /^npm (?:run )?(\w+)/.exec(line)?.[1] ?? []);
    expect(wanted.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
    expect(guestCache()).not.toContain(root);
  });

  it('starts the daemon by the program itself, which a supervisor can end', () => {
    expect(readme).not.toMatch(/npx valenic/);
    expect(commands[0]).toMatch(/^bin\/valenic\.mjs serve /);
  });

  it.each(commands)('%s', async (line) => {
    const words = wordsOf(line);
    if (words[0] === 'serve') return serve(words);
    if (line.includes('packet=eth1') && !asRoot) return;
    const guest = words.join(' ').startsWith('guest run');
    const { code, out, err } = await typed(words, guest ? /The guest is up/ : undefined);
    expect({ code, out, err }).toMatchObject({ code: 0 });
    expect(`${out}${err}`).not.toContain('    at ');
  });

  it('has arguments that QEMU takes, and that connect to the port', async () => {
    const args = qemuLines.join(' ').replaceAll('/tmp/', `${dir}/`).split(/\s+/);
    const own = ['-m', '1G', '-S', '-nodefaults', '-display', 'none', '-M', 'q35'];
    const line = ['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64', ...own, ...args];
    const qemu = spawn('setpriv', line, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    qemu.stderr?.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    try {
      await until(
        'the front-end',
        async () => ({ ...(await typed(['port', 'show', 'vale0:a', '--json'])), said }),
        ({ out }) => (JSON.parse(out) as { endpoint: { connected: boolean } }).endpoint.connected,
      );
    } finally {
      await ended(qemu, 'SIGKILL');
    }
  });
});
