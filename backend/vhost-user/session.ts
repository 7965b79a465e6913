/**
 * One connection of a front-end: takes its requests one after the other until either side ends it.
 *
 * ```
 *   next message ── admit ── decode ── handle ── answer ──┐
 *        ▲                      │ fault                   │
 *        └──────────────────────┼─────────────────────────┘
 *                               ├─ harmless, or refusable and an answer was asked for: answer 1
 *                               └─ else: connection and device are closed
 * ```
 */

import {
  type PayloadName,
  protocolFeatures,
  requests,
  type ServedRequestName,
} from '../../frontend-spec/index.ts';
import type { DatapathEvent, NativeFdSocket } from '../../native/boundary/index.ts';
import { type FaultReport, withRemedy } from '../fault-report.ts';
import { type Message, MessageConnection } from './connection.ts';
import { admit, decodePayload, longestServedPayload, requestName } from './decode.ts';
import { Device, type DeviceOptions } from './device.ts';
import { asPeerFault, faultOfDatapath, isQueueFault, type PeerFault } from './faults.ts';
import { type Answer, handlers, noBytes } from './handlers.ts';
import { type Payload, writePayload } from './payload.ts';

/** Messages in one turn of the event loop. A start of one queue pair takes about 16. */
const messagesPerTurn = 32;
const ackBit = 1n << BigInt(protocolFeatures.REPLY_ACK.bit);
const regionRequests: readonly string[] = ['ADD_MEM_REG', 'REM_MEM_REG'];

/** What a front-end says only once it agrees with the offer. */
const agreements = [
  ...(['SET_FEATURES', 'SET_MEM_TABLE', 'ADD_MEM_REG', 'SET_VRING_ADDR'] as const),
  'SET_VRING_KICK',
] as const satisfies readonly ServedRequestName[];

export type SessionOptions = Omit<DeviceOptions, 'onFault'>;

export class Session {
  readonly #options: SessionOptions;
  readonly #connection: MessageConnection;
  readonly device: Device;
  /** Requests taken so far. */
  messages = 0;
  /** Requests that were served, by name. */
  readonly served = new Set<ServedRequestName>();
  /** The last request that was refused while the connection stayed. */
  refused: FaultReport | null = null;
  #fault: PeerFault | null = null;

  constructor(options: SessionOptions, socket: NativeFdSocket) {
    this.#options = options;
    this.#connection = new MessageConnection(options.addon, socket, {
      maxPayloadBytes: longestServedPayload,
      messagesPerTurn,
    });
    this.device = new Device({ ...options, onFault: (error) => this.end(asPeerFault(error)) });
  }

  /**
   * Serves until the connection ends and the device is closed. Returns why we ended it, if we did.
   */
  async run(): Promise<PeerFault | null> {
    try {
      for (;;) {
        const message = await this.#connection.next();
        if (message === null) break;
        this.messages += 1;
        await this.device.serial.run(() => this.#serve(message));
        this.#options.onChange();
      }
    } catch (error) {
      this.#fault ??= asPeerFault(error);
    }
    this.#connection.close();
    await this.device.close();
    return this.#fault;
  }

  /**
   * It heard what is offered and took nothing of it: so does a front-end whose guest runs with
   * more, and one that was stopped before its guest's driver came.
   */
  get heardAndTookNothing(): boolean {
    return this.heardOffer && !this.tookSomething;
  }

  get heardOffer(): boolean {
    return this.served.has('GET_FEATURES');
  }

  get tookSomething(): boolean {
    return agreements.some((name) => this.served.has(name));
  }

  /** Ends the connection from our side; run() returns when the device is closed. */
  end(fault: PeerFault | null): void {
    this.#fault ??= fault;
    this.#connection.close();
  }

  /** What the datapath reported about this device. */
  handleEvent(event: DatapathEvent): void {
    if (event.event === 'memory_not_shared') {
      this.device.tellMemoryNotShared();
    } else if (event.event === 'device_fault') {
      this.end(faultOfDatapath(event.fault));
    } else if (event.event === 'ring_fault') {
      const ring = this.device.rings.all[event.ring];
      // An event of a ring that was stopped since is old news.
      if (ring?.running !== true) return;
      this.device.rings.report(ring, event.fault);
      this.#options.onChange();
    }
  }

  async #serve(message: Message): Promise<void> {
    try {
      const name = admit(message, this.device);
      await this.#answer(name, message);
    } catch (error) {
      const why = asPeerFault(error);
      const fault = why.code === 'internal' ? why.in(requestName(message.request)) : why;
      const asked = this.#asksAnswer(message) && hasNoAnswer(message.request);
      if (!fault.harmless && !(fault.refusable && asked)) throw fault;
      this.#tellRefusal(fault);
      if (asked) await this.#connection.reply(message.request, acknowledgement(1n));
    } finally {
      message.fds.closeAll();
    }
  }

  /** The connection stays: a ring's fault is the ring's, any other is shown with the port. */
  #tellRefusal(fault: PeerFault): void {
    if (isQueueFault(fault.code)) return;
    this.refused = fault.report;
    const line = `refused: ${withRemedy(fault.message, fault.remedy)}`;
    this.#options.log.peer('info', `refused ${fault.code}`, line, { code: fault.code });
  }

  async #answer<Name extends ServedRequestName>(name: Name, message: Message): Promise<void> {
    const { device } = this;
    const payload = decodePayload(name, message.payload);
    if (!regionRequests.includes(name)) await device.settle();
    const scene = { device, fds: message.fds, addon: this.#options.addon };
    const answer = await handlers[name](scene, payload);
    this.served.add(name);
    const bytes = answerBytes(name, answer);
    if (bytes !== null) await this.#connection.reply(message.request, bytes);
    else if (this.#asksAnswer(message)) {
      await this.#connection.reply(message.request, acknowledgement(0n));
    }
  }

  /** REPLY_ACK: the answer of a request that has none is 0 for "done", else for "failed". */
  #asksAnswer(message: Message): boolean {
    return message.needReply && (this.device.protocolFeatures & ackBit) !== 0n;
  }
}

/** Only such a request is acknowledged; what has an answer of its own answers with that. */
function hasNoAnswer(id: number): boolean {
  return Object.values(requests).some((row) => row.id === id && row.answer === 'none');
}

function acknowledgement(value: bigint): Buffer {
  return writePayload('u64', { value });
}

/** Null when the request has no answer of its own. */
function answerBytes<Name extends ServedRequestName>(
  name: Name,
  answer: Answer<Name>,
): Buffer | null {
  if (answer === undefined) return null;
  if (answer === noBytes) return Buffer.alloc(0);
  const kind: PayloadName = requests[name].answer;
  return writePayload(kind, answer as Payload<PayloadName>);
}
