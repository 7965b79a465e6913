/** The library: `import { createSwitch } from 'valenic'`. */

export type {
  DropReason,
  FaultCode,
  HostSource,
  PollingMode,
  PortCounter,
  PortSettings,
} from '../native/boundary/index.ts';
export { Backend, type BackendEvents, type BackendOptions, createBackend } from './backend.ts';
export { createSwitch, OwnSwitch } from './create-switch.ts';
export { type ErrorCode, errorCodes, ValenicError } from './errors.ts';
export type { HostReport, Port, PortState } from './port.ts';
export type {
  Device,
  DgramSpec,
  Forward,
  HostSpec,
  LinkSpec,
  PacketSpec,
  PortInput,
  PortName,
  PortSpec,
  StreamSpec,
  TapSpec,
  UserSpec,
  VhostUserSpec,
} from './ports/spec.ts';
export { defaultSettings } from './ports/spec.ts';
export {
  difference,
  dropped,
  dropsThatHappened,
  isLoss,
  lost,
  type PortStats,
} from './stats/stats.ts';
export { Switch } from './switch.ts';
