/** Kinds of port and what is behind them: see README.md. */

export type { CommonState, EndpointContext, PortEndpoint } from './endpoint.ts';
export type { FrameMaker, FramesBackend, HostReport, Kind } from './kind.ts';
export {
  attachedBy,
  type EndpointState,
  type KindName,
  kindOf,
  kinds,
  portKinds,
} from './kinds.ts';
export type { Fact } from './text.ts';
