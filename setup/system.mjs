// What a fresh machine lacks: Debian packages and npm's. Plain JavaScript without dependencies,
// since it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Debian packages by what they are for. */
export const packages = {
  build: [
    'g++',
    'cmake',
    'ninja-build',
    'nlohmann-json3-dev',
    'libslirp-dev',
    'libc6-dev',
    'dpkg-dev',
  ],
  guests: ['qemu-system-x86', 'busybox-static', 'xz-utils', 'zstd'],
  tests: [
    'doctest-dev',
    'clang-14',
    'clang-format-14',
    'clang-tidy-14',
    'libclang-rt-14-dev',
    'gcovr',
    'valgrind',
    'dpdk-dev', // Debian's package of dpdk-testpmd.
    'linux-libc-dev',
    'git',
    'curl',
    'groff-base', // Reads the manual page.
    'procps',
    'iproute2',
    'iperf3',
    'tshark',
    'libvirt-clients', // Its schema judges the XML that we print.
    'libvirt-daemon', // Starts a domain of it, in session mode.
    'libvirt-daemon-driver-qemu',
    'libxml2-utils',
    'g++-aarch64-linux-gnu',
    'qemu-user',
  ],
};

/** An end with one sentence for the person at the keyboard. */
export class SetupFailure extends Error {
  constructor(sentence, exitCode = 1) {
    super(sentence);
    this.exitCode = exitCode;
  }
}

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new SetupFailure(
    `Node ${process.versions.node} is too old: install Node 20.19 or newer and run this again.`,
  );
}

/** Runs a command in the checkout with its output shown; throws when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (result.status === 0) return;
  const why = result.error?.message ?? `exit code ${result.status ?? result.signal}`;
  throw new SetupFailure(`This failed (${why}): ${command} ${args.join(' ')}`);
}

function missingPackages(names) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own format language.
  const query = spawnSync('dpkg-query', ['-W', '-f=${Package} ${db:Status-Status}\n', ...names], {
    encoding: 'utf8',
  });
  if (query.error) return [];
  const installed = new Set(
    query.stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name));
}

/** Installs what the groups lack: as root through apt, else it prints the command to run. */
export function ensurePackages(...groups) {
  const missing = missingPackages(groups.flatMap((group) => packages[group]));
  if (missing.length === 0) return;
  const install = ['install', '-y', '--no-install-recommends', ...missing];
  if (process.getuid() !== 0) {
    throw new SetupFailure(
      `System packages are missing. Run this, then try again:\n  sudo apt-get ${install.join(' ')}`,
    );
  }
  console.error(`Installing system packages: ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-qq'], { env, stdio: ['ignore', 2, 2] });
  run('apt-get', ['-qq', ...install], { env, stdio: ['ignore', 'ignore', 2] });
}

function newer(a, b) {
  return existsSync(b) && existsSync(a) && statSync(a).mtimeMs > statSync(b).mtimeMs;
}

/** npm's packages, when there are none yet or package-lock.json changed since. */
export function ensureNodeModules() {
  const mark = join(root, 'node_modules/.package-lock.json');
  if (existsSync(mark) && !newer(join(root, 'package-lock.json'), mark)) return;
  console.error('Installing npm packages');
  // Not `npm ci`: it refuses a lock file whose optional packages for other platforms are not
  // offered.
  run('npm', ['install', '--no-audit', '--no-fund', '--no-save', '--loglevel=error'], {
    stdio: ['ignore', 2, 2],
  });
}

/** Runs `main` and turns a failure into its sentence and exit code. */
export async function runMain(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    console.error(error.message);
    process.exitCode = error.exitCode;
  }
}

export function packageVersion() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
}
