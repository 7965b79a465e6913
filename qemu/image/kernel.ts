/**
 * The guest kernel: given by the caller, in the cache, or Debian's cloud kernel fetched into it.
 */

import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { QemuError } from '../errors.ts';
import { cachedPackages, type Log, resolveMetaPackage, unpackedPackage } from './packages.ts';

export interface GuestKernel {
  /** The bzImage. */
  readonly image: string;
  /** As `uname -r` will say, e.g. 6.1.0-56-cloud-amd64. */
  readonly version: string;
  /** `…/lib/modules/<version>` */
  readonly modules: string;
}

/**
 * Debian's kernels. `cloud`, for virtual machines, is small and boots in two to three seconds under
 * TCG; `generic` has drivers for NICs like e1000, too, and takes twice as long.
 */
const flavours = {
  cloud: { meta: 'linux-image-cloud-amd64', cached: /^linux-image-[0-9].*-cloud-amd64$/ },
  generic: { meta: 'linux-image-amd64', cached: /^linux-image-[0-9][0-9.-]*-amd64$/ },
} as const;
export type KernelFlavour = keyof typeof flavours;

/**
 * The kernel from the cache, or fetched into it.
 *
 * What is in the cache is used without asking the network; delete the folder to get a newer one.
 */
export async function debianKernel(
  flavour: KernelFlavour,
  cacheDir: string,
  log: Log,
): Promise<GuestKernel> {
  const { meta, cached: pattern } = flavours[flavour];
  const cached = (await cachedPackages(cacheDir, pattern)).at(-1);
  if (cached !== undefined) return kernelIn(cached);
  const { name, apt } = await resolveMetaPackage(meta, cacheDir, log);
  return kernelIn(await unpackedPackage(name, apt, cacheDir, log));
}

/** The one kernel of an unpacked kernel package. */
async function kernelIn(root: string): Promise<GuestKernel> {
  const boot = await readdir(join(root, 'boot')).catch(() => []);
  const image = boot.find((file) => file.startsWith('vmlinuz-'));
  if (image === undefined) {
    throw new QemuError(
      'kernel_missing',
      `there is no kernel in ${root}: delete that folder and try again`,
    );
  }
  const version = image.slice('vmlinuz-'.length);
  // Debian 12 has /lib as a folder of its own; packages of merged-/usr systems use usr/lib.
  for (const lib of ['lib', 'usr/lib']) {
    const modules = join(root, lib, 'modules', version);
    if (await readable(modules)) return { image: join(root, 'boot', image), version, modules };
  }
  throw new QemuError('kernel_missing', `there are no modules for ${version} in ${root}`);
}

/** Refuses a kernel whose files are not there. */
export async function checkKernel(kernel: GuestKernel): Promise<GuestKernel> {
  for (const path of [kernel.image, kernel.modules]) {
    if (!(await readable(path))) {
      throw new QemuError('kernel_missing', `the kernel's ${path} is not there or not readable`);
    }
  }
  return kernel;
}

async function readable(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
