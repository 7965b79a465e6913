/** `valenic/qmp`: a typed client of QEMU's machine protocol. Depends on nothing else of Valenic. */

export { QmpClient, type QmpConnectOptions } from './client.ts';
export * from './protocol.ts';
