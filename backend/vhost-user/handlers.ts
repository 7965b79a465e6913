/**
 * What each request means: the third layer after syntax and gates (decode.ts). One handler for each
 * served row of the table; one more or one less does not compile.
 *
 * @spec vhost-user, "Front-end message types".
 */

import { payloads, type ServedRequestName, vringFd } from '../../frontend-spec/index.ts';
import type { AnswerName, RequestPayload } from './decode.ts';
import type { Device } from './device.ts';
import { fault } from './faults.ts';
import type { FdBag, FdFunctions } from './fds.ts';
import { maxMemorySlots } from './memory.ts';
import { netConfigBytes } from './offer.ts';
import type { Payload } from './payload.ts';
import { noFd } from './ring.ts';

/** What a handler works with. It takes descriptors out of the bag, or leaves them to be closed. */
export interface Scene {
  readonly device: Device;
  readonly fds: FdBag;
  readonly addon: FdFunctions;
}

/** The payload to answer with; `noBytes` is an empty one, which means "failed". */
export type Answer<Name extends ServedRequestName> =
  AnswerName<Name> extends 'none' ? undefined : Payload<AnswerName<Name>> | typeof noBytes;
export const noBytes = Symbol('an empty payload');

type Handler<Name extends ServedRequestName> = (
  scene: Scene,
  payload: RequestPayload<Name>,
) => Answer<Name> | Promise<Answer<Name>>;
export type Handlers = { readonly [Name in ServedRequestName]: Handler<Name> };

export const handlers: Handlers = {
  GET_FEATURES: ({ device }) => ({ value: device.offered }),
  SET_FEATURES: async ({ device }, { value }) => void (await device.setFeatures(value)),
  SET_OWNER: () => undefined,
  RESET_OWNER: async ({ device }) => void (await resetOwner(device)),
  SET_MEM_TABLE: async (scene, { rows }) => void (await setMemTable(scene, rows)),
  SET_VRING_NUM: async ({ device }, { index, num }) =>
    void (await device.rings.setSize(index, num)),
  SET_VRING_ADDR: async ({ device }, payload) => void (await device.rings.setAddresses(payload)),
  SET_VRING_BASE: async ({ device }, { index, num }) =>
    void (await device.rings.setBase(index, num)),
  GET_VRING_BASE: getVringBase,
  SET_VRING_KICK: async (scene, { value }) => void (await setKick(scene, value)),
  SET_VRING_CALL: async (scene, { value }) => void (await setCall(scene, value)),
  // It is never signalled: faults are reported to the operator. The descriptor is closed.
  SET_VRING_ERR: (scene, { value }) => void ringFd(scene, value),
  GET_PROTOCOL_FEATURES: ({ device }) => ({ value: device.offeredProtocol }),
  SET_PROTOCOL_FEATURES: ({ device }, { value }) => void device.setProtocolFeatures(value),
  // QEMU and DPDK count queue pairs of a network device here.
  GET_QUEUE_NUM: ({ device }) => ({ value: BigInt(device.queues) }),
  SET_VRING_ENABLE: async ({ device }, payload) => void (await setEnable(device, payload)),
  SEND_RARP: async ({ device }, { value }) => void (await device.announce(macOf(value))),
  NET_SET_MTU: ({ device }, { value }) => void device.setMtu(value),
  GET_CONFIG: ({ device }, request) => getConfig(device, request),
  SET_CONFIG: () => {
    throw fault('config_read_only');
  },
  RESET_DEVICE: async ({ device }) => void (await device.reset()),
  GET_MAX_MEM_SLOTS: () => ({ value: BigInt(maxMemorySlots) }),
  ADD_MEM_REG: async (scene, payload) => void (await addMemReg(scene, payload)),
  REM_MEM_REG: async ({ device }, payload) => void (await device.removeRegion(payload)),
  SET_STATUS: async ({ device }, { value }) => void (await setStatus(device, value)),
  GET_STATUS: ({ device }) => ({ value: BigInt(device.status) }),
  // Nothing is in flight between batches: there is nothing to drain, or to skip.
  GET_VRING_BASE_SKIP_DRAIN: getVringBase,
};

async function getVringBase(
  { device }: Scene,
  { index }: Payload<'vringState'>,
): Promise<Payload<'vringState'>> {
  return { index, num: await device.rings.getBase(index) };
}

/**
 * "No longer used ... recommended that back-ends either ignore this message, or use it to disable
 * all rings." Without protocol features nothing could enable them again, so then it is ignored.
 */
async function resetOwner(device: Device): Promise<void> {
  if (device.enabledAtStart) return;
  for (const ring of device.rings.all) await device.rings.setEnabled(ring, false);
}

async function setMemTable(
  scene: Scene,
  rows: RequestPayload<'SET_MEM_TABLE'>['rows'],
): Promise<void> {
  const { device, fds } = scene;
  if (fds.count !== rows.length) {
    throw fault('fd_count_wrong', `${rows.length} regions, ${fds.count} descriptors`);
  }
  for (const index of rows.keys()) await device.checkRegionFd(fds.peek(index) ?? noFd, index);
  await device.setMemory(rows, fds.takeAll());
}

async function addMemReg(scene: Scene, payload: RequestPayload<'ADD_MEM_REG'>): Promise<void> {
  const { device, fds } = scene;
  await device.checkRegionFd(fds.peek(0) ?? noFd, device.regions.length);
  await device.addRegion(payload, takeOne(fds));
}

async function setKick(scene: Scene, value: bigint): Promise<void> {
  const { index, fd } = ringFd(scene, value);
  scene.device.expectMemory();
  await scene.device.rings.setKick(index, fd());
}

async function setCall(scene: Scene, value: bigint): Promise<void> {
  const { index, fd } = ringFd(scene, value);
  await scene.device.rings.setCall(index, fd());
}

/**
 * The ring and the descriptor of a SET_VRING_KICK, _CALL or _ERR.
 *
 * @returns `fd()` takes the descriptor out of the message; without one it is `noFd`.
 */
function ringFd(
  scene: Scene,
  value: bigint,
): { readonly index: number; readonly fd: () => number } {
  const { device, fds, addon } = scene;
  const { INDEX_MASK, NO_FD } = vringFd.rows;
  if ((value & ~BigInt(INDEX_MASK.value | NO_FD.value)) !== 0n) {
    throw fault('payload_value_invalid', `0x${value.toString(16)}`);
  }
  const { index } = device.rings.at(Number(value & BigInt(INDEX_MASK.value)));
  const without = (value & BigInt(NO_FD.value)) !== 0n;
  if (fds.count !== (without ? 0 : 1)) {
    throw fault('fd_count_wrong', `expected ${without ? 0 : 1}, got ${fds.count}`);
  }
  if (without) return { index, fd: () => noFd };
  const kind = addon.fdKind(fds.peek(0) ?? noFd);
  if (kind !== 'eventfd') throw fault('fd_kind_wrong', `expected an eventfd, got ${kind}`);
  return { index, fd: () => takeOne(fds) };
}

/** The only descriptor of a message; how many there are was checked. */
function takeOne(fds: FdBag): number {
  return fds.takeAll()[0] ?? noFd;
}

async function setEnable(
  device: Device,
  { index, num }: RequestPayload<'SET_VRING_ENABLE'>,
): Promise<void> {
  const ring = device.rings.at(index);
  if (num > 1) throw fault('payload_value_invalid', `got ${num}, allowed 0 and 1`);
  await device.rings.setEnabled(ring, num === 1);
}

/** "The first 6 bytes of the payload contain the mac address of the guest." */
function macOf(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.subarray(0, 6);
}

/** Bytes after the last field are zero, up to the largest configuration space there can be. */
function getConfig(device: Device, request: RequestPayload<'GET_CONFIG'>): Answer<'GET_CONFIG'> {
  const { offset, size, flags } = request;
  const space = Buffer.alloc(payloads.config.tail.max);
  if (offset + size > space.length) return noBytes;
  space.set(netConfigBytes(device.queues, device.mtu));
  return { offset, size, flags, bytes: space.subarray(offset, offset + size) };
}

/** virtio 1.2, 2.1 "Device Status Field": eight bits; writing 0 resets the device. */
async function setStatus(device: Device, value: bigint): Promise<void> {
  if (value > 0xffn) throw fault('payload_value_invalid', `status 0x${value.toString(16)}`);
  device.status = Number(value);
  if (value === 0n) await device.stopRings();
}
