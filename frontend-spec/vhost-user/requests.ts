/**
 * Every request of vhost-user, both ways, one row each, as the specification stood in September
 * 2026 (QEMU after 11.1, docs/interop/vhost-user.rst). Keys without VHOST_USER_ and
 * VHOST_USER_BACKEND_.
 */

import { frozen } from '../table.ts';
import type { VirtioFeatureName } from '../virtio/features.ts';
import type { PayloadName } from './payloads.ts';
import type { ProtocolFeatureName } from './protocol-features.ts';

/** What a request needs, carries and does. */
export interface RequestRow {
  readonly id: number;
  readonly payload: PayloadName;
  /** Fewest and most file descriptors. */
  readonly fds: readonly [min: number, max: number];
  /** What is answered; `none`: nothing, unless REPLY_ACK asks for an acknowledgement. */
  readonly answer: PayloadName;
  /** The answer carries a file descriptor. */
  readonly answerFd?: true;
  /** The protocol feature without which the request must not come. */
  readonly needs?: ProtocolFeatureName;
  /** VHOST_USER_F_PROTOCOL_FEATURES must have been offered to the front-end, or accepted by it. */
  readonly needsProtocol?: 'offered' | 'accepted';
  /** The feature of the driver without which the request must not come. */
  readonly needsFeature?: VirtioFeatureName;
  /** What it brings to a stop when it succeeds. */
  readonly stops: 'nothing' | 'queue' | 'device' | 'connection';
  readonly served: boolean;
  /** Why it is not served yet. */
  readonly later?: string;
  /** The heading of the specification under which the request is explained. */
  readonly spec: string;
}

const front = 'Front-end message types';
const state = 'Ring states';
const migration = 'Migration';
const noLog = 'live migration with dirty-page logging is not built yet';
const noChannel = 'the backend never offers a channel of its own yet';
const notNet = 'not for network devices';

export const requests = frozen({
  GET_FEATURES: {
    id: 1,
    payload: 'none',
    fds: [0, 0],
    answer: 'u64',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  SET_FEATURES: {
    id: 2,
    payload: 'u64',
    fds: [0, 0],
    answer: 'none',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  SET_OWNER: {
    id: 3,
    payload: 'none',
    fds: [0, 0],
    answer: 'none',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  RESET_OWNER: {
    id: 4,
    payload: 'none',
    fds: [0, 0],
    answer: 'none',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  SET_MEM_TABLE: {
    id: 5,
    payload: 'memoryTable',
    fds: [1, 8],
    answer: 'none',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  SET_LOG_BASE: {
    id: 6,
    payload: 'log',
    fds: [1, 1],
    answer: 'u64',
    needs: 'LOG_SHMFD',
    stops: 'nothing',
    served: false,
    later: noLog,
    spec: migration,
  },
  SET_LOG_FD: {
    id: 7,
    payload: 'none',
    fds: [1, 1],
    answer: 'none',
    stops: 'nothing',
    served: false,
    later: noLog,
    spec: migration,
  },
  SET_VRING_NUM: {
    id: 8,
    payload: 'vringState',
    fds: [0, 0],
    answer: 'none',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  SET_VRING_ADDR: {
    id: 9,
    payload: 'vringAddr',
    fds: [0, 0],
    answer: 'none',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  SET_VRING_BASE: {
    id: 10,
    payload: 'vringState',
    fds: [0, 0],
    answer: 'none',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  GET_VRING_BASE: {
    id: 11,
    payload: 'vringState',
    fds: [0, 0],
    answer: 'vringState',
    stops: 'queue',
    served: true,
    spec: state,
  },
  SET_VRING_KICK: {
    id: 12,
    payload: 'u64',
    fds: [0, 1],
    answer: 'none',
    stops: 'nothing',
    served: true,
    spec: state,
  },
  SET_VRING_CALL: {
    id: 13,
    payload: 'u64',
    fds: [0, 1],
    answer: 'none',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  SET_VRING_ERR: {
    id: 14,
    payload: 'u64',
    fds: [0, 1],
    answer: 'none',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  GET_PROTOCOL_FEATURES: {
    id: 15,
    payload: 'none',
    fds: [0, 0],
    answer: 'u64',
    needsProtocol: 'offered',
    stops: 'nothing',
    served: true,
    spec: 'Communication',
  },
  SET_PROTOCOL_FEATURES: {
    id: 16,
    payload: 'u64',
    fds: [0, 0],
    answer: 'none',
    needsProtocol: 'offered',
    stops: 'nothing',
    served: true,
    spec: 'Communication',
  },
  GET_QUEUE_NUM: {
    id: 17,
    payload: 'none',
    fds: [0, 0],
    answer: 'u64',
    needs: 'MQ',
    stops: 'nothing',
    served: true,
    spec: 'Multiple queue support',
  },
  SET_VRING_ENABLE: {
    id: 18,
    payload: 'vringState',
    fds: [0, 0],
    answer: 'none',
    needsProtocol: 'accepted',
    stops: 'nothing',
    served: true,
    spec: state,
  },
  SEND_RARP: {
    id: 19,
    payload: 'u64',
    fds: [0, 0],
    answer: 'none',
    needs: 'RARP',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  NET_SET_MTU: {
    id: 20,
    payload: 'u64',
    fds: [0, 0],
    answer: 'none',
    needs: 'MTU',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  SET_BACKEND_REQ_FD: {
    id: 21,
    payload: 'none',
    fds: [1, 1],
    answer: 'none',
    needs: 'BACKEND_REQ',
    stops: 'nothing',
    served: false,
    later: noChannel,
    spec: 'Back-end communication',
  },
  IOTLB_MSG: {
    id: 22,
    payload: 'iotlb',
    fds: [0, 0],
    answer: 'u64',
    needsFeature: 'VIRTIO_F_ACCESS_PLATFORM',
    stops: 'nothing',
    served: false,
    later: 'VIRTIO_F_ACCESS_PLATFORM (guests behind an IOMMU) is not offered yet',
    spec: 'IOMMU support',
  },
  SET_VRING_ENDIAN: {
    id: 23,
    payload: 'vringState',
    fds: [0, 0],
    answer: 'none',
    needs: 'CROSS_ENDIAN',
    stops: 'nothing',
    served: false,
    later: 'only legacy guests of the other byte order need it',
    spec: front,
  },
  GET_CONFIG: {
    id: 24,
    payload: 'config',
    fds: [0, 0],
    answer: 'config',
    needs: 'CONFIG',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  SET_CONFIG: {
    id: 25,
    payload: 'config',
    fds: [0, 0],
    answer: 'none',
    needs: 'CONFIG',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  CREATE_CRYPTO_SESSION: {
    id: 26,
    payload: 'crypto',
    fds: [0, 0],
    answer: 'crypto',
    needs: 'CRYPTO_SESSION',
    stops: 'nothing',
    served: false,
    later: notNet,
    spec: front,
  },
  CLOSE_CRYPTO_SESSION: {
    id: 27,
    payload: 'u64',
    fds: [0, 0],
    answer: 'none',
    needs: 'CRYPTO_SESSION',
    stops: 'nothing',
    served: false,
    later: notNet,
    spec: front,
  },
  POSTCOPY_ADVISE: {
    id: 28,
    payload: 'none',
    fds: [0, 0],
    answer: 'none',
    answerFd: true,
    needs: 'PAGEFAULT',
    stops: 'nothing',
    served: false,
    later: 'post-copy migration is not built yet',
    spec: migration,
  },
  POSTCOPY_LISTEN: {
    id: 29,
    payload: 'none',
    fds: [0, 0],
    answer: 'none',
    needs: 'PAGEFAULT',
    stops: 'nothing',
    served: false,
    later: 'post-copy migration is not built yet',
    spec: migration,
  },
  POSTCOPY_END: {
    id: 30,
    payload: 'none',
    fds: [0, 0],
    answer: 'u64',
    needs: 'PAGEFAULT',
    stops: 'nothing',
    served: false,
    later: 'post-copy migration is not built yet',
    spec: migration,
  },
  GET_INFLIGHT_FD: {
    id: 31,
    payload: 'inflight',
    fds: [0, 0],
    answer: 'inflight',
    answerFd: true,
    needs: 'INFLIGHT_SHMFD',
    stops: 'nothing',
    served: false,
    later: 'nothing is in flight between batches, and no network front-end asks for it',
    spec: 'Inflight I/O tracking',
  },
  SET_INFLIGHT_FD: {
    id: 32,
    payload: 'inflight',
    fds: [1, 1],
    answer: 'none',
    needs: 'INFLIGHT_SHMFD',
    stops: 'nothing',
    served: false,
    later: 'nothing is in flight between batches, and no network front-end asks for it',
    spec: 'Inflight I/O tracking',
  },
  GPU_SET_SOCKET: {
    id: 33,
    payload: 'none',
    fds: [1, 1],
    answer: 'none',
    stops: 'nothing',
    served: false,
    later: notNet,
    spec: front,
  },
  RESET_DEVICE: {
    id: 34,
    payload: 'none',
    fds: [0, 0],
    answer: 'none',
    needs: 'RESET_DEVICE',
    stops: 'device',
    served: true,
    spec: front,
  },
  VRING_KICK: {
    id: 35,
    payload: 'vringState',
    fds: [0, 0],
    answer: 'none',
    needs: 'INBAND_NOTIFICATIONS',
    stops: 'nothing',
    served: false,
    later: 'kicks scale with traffic; the datapath takes them from descriptors only',
    spec: 'In-band notifications',
  },
  GET_MAX_MEM_SLOTS: {
    id: 36,
    payload: 'none',
    fds: [0, 0],
    answer: 'u64',
    needs: 'CONFIGURE_MEM_SLOTS',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  ADD_MEM_REG: {
    id: 37,
    payload: 'singleMemoryRegion',
    fds: [1, 1],
    answer: 'none',
    needs: 'CONFIGURE_MEM_SLOTS',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  REM_MEM_REG: {
    id: 38,
    payload: 'singleMemoryRegion',
    fds: [0, 1],
    answer: 'none',
    needs: 'CONFIGURE_MEM_SLOTS',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  SET_STATUS: {
    id: 39,
    payload: 'u64',
    fds: [0, 0],
    answer: 'none',
    needs: 'STATUS',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  GET_STATUS: {
    id: 40,
    payload: 'none',
    fds: [0, 0],
    answer: 'u64',
    needs: 'STATUS',
    stops: 'nothing',
    served: true,
    spec: front,
  },
  GET_SHARED_OBJECT: {
    id: 41,
    payload: 'sharedObject',
    fds: [0, 0],
    answer: 'none',
    answerFd: true,
    needs: 'SHARED_OBJECT',
    stops: 'nothing',
    served: false,
    later: notNet,
    spec: front,
  },
  SET_DEVICE_STATE_FD: {
    id: 42,
    payload: 'deviceState',
    fds: [1, 1],
    answer: 'u64',
    answerFd: true,
    needs: 'DEVICE_STATE',
    stops: 'nothing',
    served: false,
    later: 'the backend has no state of its own to carry yet; learned MACs are learned again',
    spec: 'Migrating back-end state',
  },
  CHECK_DEVICE_STATE: {
    id: 43,
    payload: 'none',
    fds: [0, 0],
    answer: 'u64',
    needs: 'DEVICE_STATE',
    stops: 'nothing',
    served: false,
    later: 'the backend has no state of its own to carry yet; learned MACs are learned again',
    spec: 'Migrating back-end state',
  },
  GET_SHMEM_CONFIG: {
    id: 44,
    payload: 'none',
    fds: [0, 0],
    answer: 'shmemConfig',
    needs: 'SHMEM',
    stops: 'nothing',
    served: false,
    later: 'network devices have no shared memory regions',
    spec: front,
  },
  GET_VRING_BASE_SKIP_DRAIN: {
    id: 45,
    payload: 'vringState',
    fds: [0, 0],
    answer: 'vringState',
    needs: 'GET_VRING_BASE_SKIP_DRAIN',
    stops: 'queue',
    served: true,
    spec: state,
  },
} as const satisfies Record<string, RequestRow>);
export type RequestName = keyof typeof requests;
export type ServedRequestName = {
  [Name in RequestName]: (typeof requests)[Name]['served'] extends true ? Name : never;
}[RequestName];

/**
 * What a backend may ask of the front-end, on the channel of SET_BACKEND_REQ_FD. None is sent yet.
 */
export interface BackendRequestRow {
  readonly id: number;
  readonly payload: PayloadName;
  readonly fds: readonly [min: number, max: number];
  readonly answer: PayloadName;
  readonly answerFd?: true;
  readonly needs?: ProtocolFeatureName;
  readonly needsFeature?: VirtioFeatureName;
  readonly served: boolean;
  readonly later?: string;
  readonly spec: string;
}
const back = 'Back-end message types';

export const backendRequests = frozen({
  IOTLB_MSG: {
    id: 1,
    payload: 'iotlb',
    fds: [0, 0],
    answer: 'none',
    needsFeature: 'VIRTIO_F_ACCESS_PLATFORM',
    served: false,
    later: noChannel,
    spec: back,
  },
  CONFIG_CHANGE_MSG: {
    id: 2,
    payload: 'none',
    fds: [0, 0],
    answer: 'none',
    needs: 'CONFIG',
    served: false,
    later: noChannel,
    spec: back,
  },
  VRING_HOST_NOTIFIER_MSG: {
    id: 3,
    payload: 'vringArea',
    fds: [0, 1],
    answer: 'none',
    needs: 'HOST_NOTIFIER',
    served: false,
    later: 'only hardware has doorbells to map',
    spec: back,
  },
  VRING_CALL: {
    id: 4,
    payload: 'vringState',
    fds: [0, 0],
    answer: 'none',
    needs: 'INBAND_NOTIFICATIONS',
    served: false,
    later: noChannel,
    spec: back,
  },
  VRING_ERR: {
    id: 5,
    payload: 'vringState',
    fds: [0, 0],
    answer: 'none',
    needs: 'INBAND_NOTIFICATIONS',
    served: false,
    later: noChannel,
    spec: back,
  },
  SHARED_OBJECT_ADD: {
    id: 6,
    payload: 'sharedObject',
    fds: [0, 0],
    answer: 'none',
    needs: 'SHARED_OBJECT',
    served: false,
    later: notNet,
    spec: back,
  },
  SHARED_OBJECT_REMOVE: {
    id: 7,
    payload: 'sharedObject',
    fds: [0, 0],
    answer: 'none',
    needs: 'SHARED_OBJECT',
    served: false,
    later: notNet,
    spec: back,
  },
  SHARED_OBJECT_LOOKUP: {
    id: 8,
    payload: 'sharedObject',
    fds: [0, 0],
    answer: 'u64',
    answerFd: true,
    needs: 'SHARED_OBJECT',
    served: false,
    later: notNet,
    spec: back,
  },
  SHMEM_MAP: {
    id: 9,
    payload: 'mmapRequest',
    fds: [1, 1],
    answer: 'none',
    needs: 'SHMEM',
    served: false,
    later: 'network devices have no shared memory regions',
    spec: back,
  },
  SHMEM_UNMAP: {
    id: 10,
    payload: 'mmapRequest',
    fds: [0, 0],
    answer: 'none',
    needs: 'SHMEM',
    served: false,
    later: 'network devices have no shared memory regions',
    spec: back,
  },
} as const satisfies Record<string, BackendRequestRow>);
export type BackendRequestName = keyof typeof backendRequests;
