import { describe, expect, it } from 'vitest';
import {
  type BackendRequestRow,
  backendRequests,
  payloads,
  protocolFeatures,
  type RequestRow,
  requests,
  virtioFeatures,
} from '../../frontend-spec/index.ts';

const front = Object.entries(requests) as [string, RequestRow][];
const back = Object.entries(backendRequests) as [string, BackendRequestRow][];

/** As docs/interop/vhost-user.rst gives them under "Front-end message types". */
const frontIds = {
  GET_FEATURES: 1,
  SET_FEATURES: 2,
  SET_OWNER: 3,
  RESET_OWNER: 4,
  SET_MEM_TABLE: 5,
  SET_LOG_BASE: 6,
  SET_LOG_FD: 7,
  SET_VRING_NUM: 8,
  SET_VRING_ADDR: 9,
  SET_VRING_BASE: 10,
  GET_VRING_BASE: 11,
  SET_VRING_KICK: 12,
  SET_VRING_CALL: 13,
  SET_VRING_ERR: 14,
  GET_PROTOCOL_FEATURES: 15,
  SET_PROTOCOL_FEATURES: 16,
  GET_QUEUE_NUM: 17,
  SET_VRING_ENABLE: 18,
  SEND_RARP: 19,
  NET_SET_MTU: 20,
  SET_BACKEND_REQ_FD: 21,
  IOTLB_MSG: 22,
  SET_VRING_ENDIAN: 23,
  GET_CONFIG: 24,
  SET_CONFIG: 25,
  CREATE_CRYPTO_SESSION: 26,
  CLOSE_CRYPTO_SESSION: 27,
  POSTCOPY_ADVISE: 28,
  POSTCOPY_LISTEN: 29,
  POSTCOPY_END: 30,
  GET_INFLIGHT_FD: 31,
  SET_INFLIGHT_FD: 32,
  GPU_SET_SOCKET: 33,
  RESET_DEVICE: 34,
  VRING_KICK: 35,
  GET_MAX_MEM_SLOTS: 36,
  ADD_MEM_REG: 37,
  REM_MEM_REG: 38,
  SET_STATUS: 39,
  GET_STATUS: 40,
  GET_SHARED_OBJECT: 41,
  SET_DEVICE_STATE_FD: 42,
  CHECK_DEVICE_STATE: 43,
  GET_SHMEM_CONFIG: 44,
  GET_VRING_BASE_SKIP_DRAIN: 45,
};

describe('requests: vhost-user, "Front-end message types"', () => {
  it('have the ids of the specification, and no other', () => {
    expect(Object.fromEntries(front.map(([name, row]) => [name, row.id]))).toEqual(frontIds);
  });

  it.each(front)('%s names payloads, features and a section that exist', (_, row) => {
    expect(payloads).toHaveProperty(row.payload);
    expect(payloads).toHaveProperty(row.answer);
    if (row.needs !== undefined) expect(protocolFeatures).toHaveProperty(row.needs);
    if (row.needsFeature !== undefined) expect(virtioFeatures).toHaveProperty(row.needsFeature);
    expect(row.spec).not.toBe('');
  });

  it.each(front)('%s is either served or says why it is not', (_, row) => {
    expect(row.later === undefined).toBe(row.served);
  });

  it.each(front)('%s carries no more descriptors than one message may have', (_, { fds }) => {
    expect(fds[0]).toBeLessThanOrEqual(fds[1]);
    expect(fds[1]).toBeLessThanOrEqual(8);
  });

  it('that get something are answered; that set something are not, unless asked to', () => {
    for (const [name, row] of front) {
      const gets = name.startsWith('GET_');
      if (gets) expect(row.answer !== 'none' || row.answerFd === true, name).toBe(true);
      if (/^SET_(?!LOG_BASE|DEVICE_STATE_FD)/.test(name)) expect(row.answer, name).toBe('none');
    }
  });

  it('bring a queue to rest with GET_VRING_BASE and the device with RESET_DEVICE only', () => {
    const stopping = front.filter(([, row]) => row.stops !== 'nothing');

    expect(stopping.map(([name, row]) => [name, row.stops])).toEqual([
      ['GET_VRING_BASE', 'queue'],
      ['RESET_DEVICE', 'device'],
      ['GET_VRING_BASE_SKIP_DRAIN', 'queue'],
    ]);
  });

  it('have their descriptors: one with ADD_MEM_REG, at most one with REM_MEM_REG', () => {
    expect(requests.ADD_MEM_REG.fds).toEqual([1, 1]);
    expect(requests.REM_MEM_REG.fds).toEqual([0, 1]);
  });

  it('are gated as the specification gates them', () => {
    const gates = Object.fromEntries(front.map(([name, row]) => [name, row.needs]));

    expect(gates).toMatchObject({
      GET_QUEUE_NUM: 'MQ',
      SEND_RARP: 'RARP',
      NET_SET_MTU: 'MTU',
      GET_CONFIG: 'CONFIG',
      SET_CONFIG: 'CONFIG',
      RESET_DEVICE: 'RESET_DEVICE',
      ADD_MEM_REG: 'CONFIGURE_MEM_SLOTS',
      SET_STATUS: 'STATUS',
      GET_FEATURES: undefined,
      GET_VRING_BASE: undefined,
    });
    expect(requests.GET_PROTOCOL_FEATURES.needsProtocol).toBe('offered');
    expect(requests.SET_VRING_ENABLE.needsProtocol).toBe('accepted');
  });
});

describe('backendRequests: vhost-user, "Back-end message types"', () => {
  it('have the ids of the specification, and no other', () => {
    expect(back.map(([name, row]) => [row.id, name])).toEqual([
      [1, 'IOTLB_MSG'],
      [2, 'CONFIG_CHANGE_MSG'],
      [3, 'VRING_HOST_NOTIFIER_MSG'],
      [4, 'VRING_CALL'],
      [5, 'VRING_ERR'],
      [6, 'SHARED_OBJECT_ADD'],
      [7, 'SHARED_OBJECT_REMOVE'],
      [8, 'SHARED_OBJECT_LOOKUP'],
      [9, 'SHMEM_MAP'],
      [10, 'SHMEM_UNMAP'],
    ]);
  });

  it.each(back)('%s is either sent or says why it is not', (_, row) => {
    expect(row.later === undefined).toBe(row.served);
  });
});
