/** A guest on demand: QEMU found and driven, images built, agents spoken to. Knows no back-end. */

export * from './agent/index.ts';
export { agentPortName, guestArgv, nicArgv } from './argv.ts';
export {
  type AttachLink,
  type AttachOptions,
  type AttachPort,
  cloudHypervisorArgs,
  type LibvirtParts,
  libvirtParts,
  libvirtText,
  qemuArgsForPort,
  shellQuote,
} from './attach.ts';
export {
  descriptionFault,
  type GuestBoot,
  type GuestDescription,
  type GuestHost,
  type GuestNic,
  type GuestPaths,
  type InetPlace,
  type NicBackend,
  type NicFace,
  type NicModel,
  nicFault,
  nicModels,
  type SocketRole,
} from './description.ts';
export { QemuError, type QemuErrorCode, qemuErrorCodes } from './errors.ts';
export {
  buildGuestImage,
  type GuestImage,
  type GuestImageOptions,
  type GuestKernel,
} from './image/index.ts';
export { type Accel, type AccelCheck, checkKvm, chooseAccel } from './kvm.ts';
export { findProgram, locateQemu, qemuProgram } from './locate.ts';
export { Guest, type GuestExit, type StartGuestOptions, startGuest } from './process.ts';
export * from './qmp/index.ts';
export {
  atLeast,
  debian12Version,
  formatVersion,
  type QemuVersion,
  qemuVersion,
} from './version.ts';
