/** The package as its user gets it: made by `npm pack`, installed in a folder that was empty. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanEnv, inFolder, npm, openFolder, pack, root } from './npm.ts';

const description = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
const isRoot = process.getuid?.() === 0;

let top = '';
let remove = async (): Promise<void> => {};
/** Where the tarball was unpacked as a dependency, and as a program for everybody. */
let user = '';
let everybody = '';

beforeAll(async () => {
  ({ path: top, remove } = await openFolder());
  chmodSync(top, 0o755);
  const tarball = await pack(top);
  [user, everybody] = [join(top, 'user'), join(top, 'everybody')];
  mkdirSync(user);
  // engine-strict: a dependency that refuses this Node is an error, and not a warning.
  await npm(user, 'install', '--engine-strict', tarball);
  await npm(top, 'install', '--global', '--engine-strict', '--prefix', everybody, tarball);
});
afterAll(() => remove());

const installed = (...path: readonly string[]): string =>
  join(user, 'node_modules/valenic', ...path);

/** Every file of the installed package, from its root. */
function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

describe('the tarball', () => {
  it('has every file that package.json names', () => {
    const leaves = (value: string | object): readonly string[] =>
      typeof value === 'string' ? [value] : Object.values(value).flatMap(leaves);
    const { bin, man, exports } = description;
    const missing = leaves({ bin, man, exports }).filter((path) => !existsSync(installed(path)));
    expect(missing).toEqual([]);
  });

  it('has the licence, and neither sources nor tests', () => {
    expect(readFileSync(installed('LICENSE'), 'utf8')).toContain('Apache License');
    const files = filesOf(installed()).filter((path) => !path.startsWith('node_modules/'));
    expect(files.filter((path) => /^(test|setup|native|backend)\//.test(path))).toEqual([]);
  });

  it('has every page that its pages link to', () => {
    const pages = filesOf(installed()).filter(
      (path) => path.endsWith('.md') && !path.startsWith('node_modules/'),
    );
    expect(pages.length).toBeGreaterThan(10);
    const broken = pages.flatMap((page) =>
      [...readFileSync(installed(page), 'utf8').matchAll(/\]\(([^)#\s]+)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^https?:/.test(target))
        .map((target) => normalize(join(dirname(page), target)))
        .filter((target) => !existsSync(installed(target)))
        .map((target) => `${page} -> ${target}`),
    );
    expect(broken).toEqual([]);
  });
});

/** The programs of the library's guide. */
function guidePrograms(): readonly string[] {
  const guide = readFileSync(installed('docs/guide/library.md'), 'utf8');
  return [...guide.matchAll(/^```ts\n(.*?)^```/gms)].map(([, shown = '']) => shown);
}

describe('the library', () => {
  const names = Object.keys(description.exports).map((path) => path.replace('.', 'valenic'));

  it.each(names)('can be imported as %s', async (name) => {
    const attributes = name.endsWith('.json') ? ", { with: { type: 'json' } }" : '';
    writeFileSync(
      join(user, 'import.mjs'),
      `const it = await import('${name}'${attributes});\nconsole.log(Object.keys(it).length);\n`,
    );
    const { stdout, stderr } = await inFolder(user, process.execPath, 'import.mjs');
    expect(stderr).toBe('');
    expect(Number(stdout)).toBeGreaterThan(0);
  });

  it('has types that a strict program and the guide compile against', async () => {
    mkdirSync(join(user, 'node_modules/@types'), { recursive: true });
    const types = join(user, 'node_modules/@types/node');
    if (!existsSync(types)) symlinkSync(join(root, 'node_modules/@types/node'), types);
    const modules = names.filter((name) => !name.endsWith('.json'));
    const programs = guidePrograms();
    expect(programs).toHaveLength(2);
    for (const [at, shown] of programs.entries())
      writeFileSync(join(user, `guide${at}.mts`), shown);
    writeFileSync(
      join(user, 'program.mts'),
      `${modules.map((name, at) => `import * as m${at} from '${name}';`).join('\n')}
import { createSwitch, type LinkSpec, type PacketSpec, type UserSpec } from 'valenic';
const packet: PacketSpec = { kind: 'packet', interface: 'eth1' };
const user: UserSpec = { kind: 'user' };
export const links: readonly LinkSpec[] = [packet, user];
export const modules = [${modules.map((_, at) => `m${at}`).join(', ')}];
await using vale = await createSwitch({ name: 'vale0' });
await vale.addPort('a', { kind: 'vhost-user', path: '/tmp/a.sock' });
`,
    );
    const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023'];
    options.push(
      '--lib',
      'es2023,esnext.disposable',
      '--types',
      'node',
      'program.mts',
      'guide0.mts',
      'guide1.mts',
    );
    const { stdout } = await inFolder(user, join(root, 'node_modules/.bin/tsc'), ...options);
    expect(stdout).toBe('');
  });

  it('serves one vhost-user port alone, as the guide shows it', async () => {
    const [, shown = ''] = guidePrograms();
    const path = join(user, 'vm1.sock');
    writeFileSync(join(user, 'alone.mjs'), shown.replace('/tmp/vm1.sock', path));
    const { stdout, stderr } = await inFolder(user, process.execPath, 'alone.mjs');
    expect({ stdout, stderr }).toEqual({ stdout: 'false\n', stderr: '' });
    expect(existsSync(path)).toBe(false);
  });

  it('switches', async () => {
    writeFileSync(
      join(user, 'switch.mjs'),
      `import { createSwitch } from 'valenic';
const vale = await createSwitch({ name: 'vale0' });
const port = await vale.addPort('h', { kind: 'host' });
await port.polling('busy');
console.log(port.name, port.settings.polling);
await vale.close();
`,
    );
    const { stdout, stderr } = await inFolder(user, process.execPath, 'switch.mjs');
    expect({ stdout, stderr }).toEqual({ stdout: 'vale0:h busy\n', stderr: '' });
  });
});

/** A daemon started by a command line, its process, and what ended it. */
async function serve(folder: string, command: string, words: readonly string[]) {
  const child = spawn(command, words, {
    cwd: folder,
    env: { ...cleanEnv, XDG_RUNTIME_DIR: folder, HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let told = '';
  child.stderr.on('data', (chunk: Buffer) => {
    told += chunk;
  });
  const ended = once(child, 'exit').then(([status]) => status as number | null);
  const line = once(createInterface({ input: child.stdout }), 'line');
  const ready = await Promise.race([line, ended]);
  if (!Array.isArray(ready)) throw new Error(`the daemon ended with ${ready}: ${told}`);
  return { child, ended };
}

describe('the program', () => {
  it.each([
    ['--version', description.version],
    ['--help', 'Usage: valenic'],
  ])('answers npx valenic %s', async (option, text) => {
    const { code, stdout } = await inFolder(user, 'npx', 'valenic', option);
    expect(code).toBe(0);
    expect(stdout).toContain(text);
  });

  it('serves, and the one that was started is the one that SIGTERM ends', async () => {
    const control = join(user, 'control.sock');
    const valenic = 'node_modules/.bin/valenic';
    const { child, ended } = await serve(user, valenic, ['--json', '--control', control, 'serve']);
    const command = (...words: readonly string[]) =>
      inFolder(user, valenic, '--control', control, ...words);
    expect(await command('port', 'add', 'vale0:a,vhost-user=a.sock')).toMatchObject({ code: 0 });
    expect((await command('port', 'show', 'vale0:a')).stdout).toMatch(/not connected/);
    expect(existsSync(join(user, 'a.sock'))).toBe(true);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(existsSync(join(user, 'a.sock'))).toBe(false);
    expect(existsSync(control)).toBe(false);
  });
});

describe('installed for everybody', () => {
  it('has its manual page where man(1) looks', () => {
    expect(lstatSync(join(everybody, 'share/man/man1/valenic.1')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(everybody, 'share/man/man1/valenic.1'), 'utf8')).toContain('.TH');
  });

  it('serves a user who may write nothing of it', async ({ skip }) => {
    skip(!isRoot, 'another user is for root to become');
    const home = join(top, 'home');
    mkdirSync(home, { mode: 0o777 });
    chmodSync(home, 0o777);
    const before = filesOf(everybody);
    const valenic = join(everybody, 'bin/valenic');
    const words = [...asNobody, valenic, '--json', 'serve', '--port', 'vale0:a,vhost-user=a.sock'];
    const { child, ended } = await serve(home, 'setpriv', words);
    // The cache of this user is root's folder: what `guest run` says tells where it would write.
    const variables = [`HOME=${home}`, `XDG_RUNTIME_DIR=${home}`, `XDG_CACHE_HOME=${top}`];
    const nobody = (...line: readonly string[]) =>
      inFolder(home, 'setpriv', ...asNobody, 'env', ...variables, valenic, ...line);
    const guest = await nobody('guest', 'run', '--port', 'vale0:a');
    expect(guest.code).toBe(1);
    expect(guest.stderr).toContain(`cannot be made: EACCES: permission denied, mkdir '${top}/`);
    const { code, stdout, stderr } = await nobody('doctor', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('EACCES');
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(filesOf(everybody)).toEqual(before);
  });
});

describe('a fresh clone', () => {
  it('takes npm ci', async () => {
    const clone = join(top, 'clone');
    const made = await inFolder(top, 'git', 'clone', '--quiet', root, clone);
    expect(made.stderr).toBe('');
    await npm(clone, 'ci', '--ignore-scripts');
    expect(existsSync(join(clone, 'node_modules/fastify/package.json'))).toBe(true);
  });
});
