/** The library: `import { createSwitch } from 'valenic'`. */

export type {
  DropReason,
  FaultCode,
  HostSource,
  PollingMode,
  PortCounter,
  PortSettings,
} from '../native/boundary/index.ts';
export { defaultSettings } from '../native/boundary/index.ts';
export { Backend, type BackendEvents, type BackendOptions, createBackend } from './backend.ts';
export { createSwitch, OwnSwitch } from './create-switch.ts';
export { type ErrorCode, errorCodes, ValenicError } from './errors.ts';
export type { Port, PortState } from './port.ts';
export type { DgramSpec } from './ports/dgram/spec.ts';
export type { HostSpec } from './ports/host/spec.ts';
export type { HostReport } from './ports/kind.ts';
export type { EndpointState } from './ports/kinds.ts';
export type { PacketSpec } from './ports/packet/spec.ts';
export type { Device, LinkSpec, PortInput, PortName, PortSpec } from './ports/spec.ts';
export type { StreamSpec } from './ports/stream/spec.ts';
export type { TapSpec } from './ports/tap/spec.ts';
export type { Forward, UserSpec } from './ports/user/spec.ts';
export type { VhostUserSpec } from './ports/vhost-user/spec.ts';
export {
  difference,
  dropped,
  dropsThatHappened,
  isLoss,
  lost,
  type PortStats,
} from './stats/stats.ts';
export { Switch } from './switch.ts';
