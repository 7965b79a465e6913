/**
 * Builds the guest image: a kernel, and an initramfs with its modules, busybox and the guest agent.
 *
 * The same inputs give the same bytes, and the file's name carries their hash: what is there is
 * used.
 */

import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { QemuError } from '../errors.ts';
import { findProgram } from '../locate.ts';
import { type CpioEntry, writeCpio } from './cpio.ts';
import { isStaticProgram } from './elf.ts';
import { checkKernel, debianKernel, type GuestKernel, type KernelFlavour } from './kernel.ts';
import { type KernelModule, resolveModules } from './modules.ts';
import { type Log, unpackedPackage } from './packages.ts';
import { programEntries } from './program.ts';

export interface GuestImage {
  readonly kernel: string;
  readonly initrd: string;
  readonly kernelVersion: string;
  /** The kernel's command line. */
  readonly append: string;
}

export interface GuestImageOptions {
  /** Packages and images are kept here. */
  readonly cacheDir: string;
  /** The guest agent: a static program. */
  readonly agent: string;
  /** A kernel that is already here, or which of Debian's; `cloud` when absent. */
  readonly kernel?: GuestKernel | KernelFlavour;
  /** Modules to load besides those for virtio-net and the agent's port. */
  readonly modules?: readonly string[];
  /** Programs of this system to have in it, with their libraries, e.g. `iperf3`. */
  readonly programs?: readonly string[];
  /** Words added to the kernel's command line. */
  readonly append?: string;
  readonly log?: Log;
}

/** What every guest needs; dependencies follow from the modules themselves. */
const baseModules = ['virtio_pci', 'virtio_net', 'virtio_console'] as const;

/**
 * console: everything the kernel says goes to the serial log. loglevel=5: warnings and worse, which
 * is what a crash report needs; each further line costs TCG a millisecond. panic=-1: a panic resets
 * at once, which ends QEMU (`-action reboot=shutdown`) and so becomes a crash report.
 * no_timer_check: the check counts ticks of a few milliseconds, and panics ("IO-APIC + timer
 * doesn't work") when a busy host runs nothing of the guest meanwhile.
 */
const baseAppend = 'console=ttyS0 loglevel=5 panic=-1 oops=panic no_timer_check net.ifnames=0';

const baseFolders = ['bin', 'dev', 'etc', 'modules', 'proc', 'root', 'sys', 'tmp'] as const;

/** Process 1. The agent takes its place, so its end is a kernel panic that the serial log shows. */
const initScript = `#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
for module in $($b cat /modules/order); do
  $b insmod /modules/$module.ko || echo "init: $module did not load"
done
exec /bin/valenic-agent
`;

/** What busybox's udhcpc calls; the agent reads /tmp/lease. */
const leaseScript = `#!/bin/busybox sh
b=/bin/busybox
case "$1" in
  deconfig)
    $b ip link set "$interface" up
    ;;
  bound | renew)
    $b ip addr flush dev "$interface"
    $b ip addr add "$ip/$mask" dev "$interface"
    [ -z "$router" ] || $b ip route add default via "\${router%% *}" dev "$interface"
    for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
    echo "$ip/$mask \${router:-none} $dns" >/tmp/lease
    ;;
esac
`;

/**
 * The image for these inputs, from the cache where it is there.
 *
 * @throws {QemuError} `kernel_missing` when kernel, module, busybox or agent cannot be had.
 */
export async function buildGuestImage(options: GuestImageOptions): Promise<GuestImage> {
  const log = options.log ?? ((): void => {});
  const cacheDir = resolve(options.cacheDir);
  await mkdir(cacheDir, { recursive: true }).catch((error: Error) => {
    throw new QemuError(
      'kernel_missing',
      `the folder for the guest's kernel and image cannot be made: ${error.message}`,
    );
  });
  const { kernel: wanted = 'cloud' } = options;
  const kernel =
    typeof wanted === 'string'
      ? await debianKernel(wanted, cacheDir, log)
      : await checkKernel(wanted);
  const modules = await resolveModules(kernel.modules, [
    ...baseModules,
    ...(options.modules ?? []),
  ]);
  const base = archiveEntries(
    modules,
    await readAgent(options.agent),
    await readBusybox(cacheDir, log),
  );
  const archive = writeCpio([...base, ...(await programsOf(options.programs ?? []))]);
  const hash = createHash('sha256').update(archive).digest('hex').slice(0, 16);
  const initrd = join(cacheDir, `initrd-${hash}.img`);
  const there = await stat(initrd).catch(() => null);
  if (there === null) {
    log(`writing the guest image ${initrd}`);
    // By one rename: a reader sees the whole file or none.
    const temporary = `${initrd}.${process.pid}`;
    await writeFile(temporary, gzipSync(archive, { level: 6 }));
    await rename(temporary, initrd);
  }
  const append = [baseAppend, options.append].filter(Boolean).join(' ');
  return { kernel: kernel.image, initrd, kernelVersion: kernel.version, append };
}

function archiveEntries(
  modules: readonly KernelModule[],
  agent: Buffer,
  busybox: Buffer,
): readonly CpioEntry[] {
  const order = Buffer.from(modules.map((module) => `${module.name}\n`).join(''));
  return [
    ...baseFolders.map((path) => ({ kind: 'directory', path }) as const),
    // Process 1 gets its standard output from here, before devtmpfs is mounted.
    { kind: 'device', path: 'dev/console', major: 5, minor: 1 },
    { kind: 'file', path: 'bin/busybox', bytes: busybox, executable: true },
    { kind: 'link', path: 'bin/sh', target: 'busybox' },
    { kind: 'file', path: 'bin/valenic-agent', bytes: agent, executable: true },
    { kind: 'file', path: 'bin/dhcp-lease', bytes: Buffer.from(leaseScript), executable: true },
    { kind: 'file', path: 'init', bytes: Buffer.from(initScript), executable: true },
    { kind: 'file', path: 'modules/order', bytes: order },
    ...modules.map(
      ({ name, bytes }) => ({ kind: 'file', path: `modules/${name}.ko`, bytes }) as const,
    ),
  ];
}

/** Several programs share libraries: each path is in the archive once. */
async function programsOf(names: readonly string[]): Promise<readonly CpioEntry[]> {
  const entries = new Map<string, CpioEntry>();
  for (const name of names) {
    for (const entry of await programEntries(name, new Set(baseFolders))) {
      entries.set(entry.path, entry);
    }
  }
  return [...entries.values()];
}

async function readAgent(path: string): Promise<Buffer> {
  const bytes = await readFile(path).catch(() => null);
  if (bytes === null) {
    throw new QemuError(
      'kernel_missing',
      `the guest agent ${path} is not built: run "npm run build"`,
    );
  }
  if (!isStaticProgram(bytes)) {
    throw new QemuError('kernel_missing', `the guest agent ${path} is not a static 64-bit program`);
  }
  return bytes;
}

/** The system's busybox where it is a static one, else Debian's package. */
async function readBusybox(cacheDir: string, log: Log): Promise<Buffer> {
  const installed = findProgram('busybox');
  const bytes = installed === null ? null : await readFile(installed);
  if (bytes !== null && isStaticProgram(bytes)) return bytes;
  const root = await unpackedPackage('busybox-static', { options: [] }, cacheDir, log);
  for (const path of ['bin/busybox', 'usr/bin/busybox']) {
    const fetched = await readFile(join(root, path)).catch(() => null);
    if (fetched !== null) return fetched;
  }
  throw new QemuError(
    'kernel_missing',
    `there is no busybox in ${root}: delete that folder and try again`,
  );
}
