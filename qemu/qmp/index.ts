/** `valenic/qmp`: a typed client of QEMU's machine protocol. Independent of the rest of Valenic. */

export { QmpClient, type QmpConnectOptions } from './client.ts';
export * from './protocol.ts';
