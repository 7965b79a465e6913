/**
 * Protocol feature bits: vhost-user (as of QEMU 11.1 and September 2026), "Protocol features".
 * Keys without VHOST_USER_PROTOCOL_F_.
 */

import { frozen } from '../table.ts';

/** One protocol feature bit. */
export interface ProtocolFeatureRow {
  readonly bit: number;
  readonly text: string;
}

export const protocolFeatures = frozen({
  MQ: { bit: 0, text: 'the backend tells how many queues it has' },
  LOG_SHMFD: { bit: 1, text: 'the dirty-page log comes as a file descriptor' },
  RARP: { bit: 2, text: 'the backend announces the guest after a migration' },
  REPLY_ACK: { bit: 3, text: 'any request can ask for an answer' },
  MTU: { bit: 4, text: 'the front-end tells the MTU' },
  /** Named SLAVE_REQ before QEMU 8.0. */
  BACKEND_REQ: { bit: 5, text: 'the backend has a channel for requests of its own' },
  CROSS_ENDIAN: { bit: 6, text: 'the byte order of legacy rings can be set' },
  CRYPTO_SESSION: { bit: 7, text: 'crypto devices only' },
  PAGEFAULT: { bit: 8, text: 'post-copy migration through userfaultfd' },
  CONFIG: { bit: 9, text: 'the backend owns the configuration space' },
  /** Named SLAVE_SEND_FD before QEMU 8.0. */
  BACKEND_SEND_FD: { bit: 10, text: 'the backend sends descriptors over its channel' },
  HOST_NOTIFIER: { bit: 11, text: 'doorbells of hardware are mapped into the guest' },
  INFLIGHT_SHMFD: { bit: 12, text: 'descriptors in flight are recorded in shared memory' },
  RESET_DEVICE: { bit: 13, text: 'the device can be reset without a new connection' },
  INBAND_NOTIFICATIONS: { bit: 14, text: 'kicks and calls as messages, for simulators' },
  CONFIGURE_MEM_SLOTS: { bit: 15, text: 'memory regions come and go one by one' },
  STATUS: { bit: 16, text: 'the device status is told to the backend' },
  XEN_MMAP: { bit: 17, text: 'memory of Xen guests' },
  SHARED_OBJECT: { bit: 18, text: 'objects (dma-buf) shared among backends' },
  DEVICE_STATE: { bit: 19, text: 'the backend saves and loads its own state' },
  GET_VRING_BASE_INFLIGHT: { bit: 20, text: 'requests in flight survive the stop of a ring' },
  GPA_ADDRESSES: { bit: 21, text: 'ring addresses are guest-physical' },
  SHMEM: { bit: 22, text: 'the backend maps files into shared memory of the device' },
  GET_VRING_BASE_SKIP_DRAIN: { bit: 23, text: 'a ring can be stopped without draining it' },
} as const satisfies Record<string, ProtocolFeatureRow>);
export type ProtocolFeatureName = keyof typeof protocolFeatures;

/** The 64-bit mask of some protocol features. */
export function protocolFeatureMask(names: readonly ProtocolFeatureName[]): bigint {
  return names.reduce((mask, name) => mask | (1n << BigInt(protocolFeatures[name].bit)), 0n);
}

/** The names in a mask, in the order of their bits; bits that no row has are left out. */
export function protocolFeatureNames(mask: bigint): ProtocolFeatureName[] {
  return Object.entries(protocolFeatures)
    .filter(([, row]) => ((mask >> BigInt(row.bit)) & 1n) === 1n)
    .map(([name]) => name as ProtocolFeatureName);
}
