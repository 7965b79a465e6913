/** Kinds of port and what is behind them: see README.md. */

export type { EndpointContext, EndpointState, PortEndpoint } from './endpoint.ts';
export type { FramesBackend, Kind } from './kind.ts';
export { type KindName, kindOf, kinds, portKinds } from './kinds.ts';
export type { Fact } from './text.ts';
