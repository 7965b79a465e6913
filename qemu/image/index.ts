/** The guest image: kernel, modules, busybox and agent in an initramfs. */

export { buildGuestImage, type GuestImage, type GuestImageOptions } from './build.ts';
export type { GuestKernel } from './kernel.ts';
