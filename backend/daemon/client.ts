/** A client of the control API: what the CLI is made of, and programs beside the daemon. */

import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { PortSettings } from '../../native/boundary/index.ts';
import { isErrorCode, ValenicError } from '../errors.ts';
import { folderFault } from '../xdg.ts';
import type {
  AddPortBody,
  ApiEvent,
  ForgetAnswer,
  PollingBody,
  PortAnswer,
  PortDetail,
  StatsAnswer,
  SwitchAnswer,
  VersionAnswer,
} from './api.ts';
import { defaultControlPath } from './paths.ts';

/** Longer than the daemon ever takes: removing a port waits for every worker. */
const defaultTimeoutMs = 30_000;
/** More than a thousand ports say. */
const maxAnswerBytes = 64 << 20;

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export class ControlClient {
  readonly path: string;
  readonly #isDefault: boolean;
  readonly #timeoutMs: number;

  /**
   * @param path  The control socket; where the daemon listens unless told otherwise, when absent.
   */
  constructor(path?: string, timeoutMs = defaultTimeoutMs) {
    this.path = path ?? defaultControlPath();
    this.#isDefault = path === undefined;
    this.#timeoutMs = timeoutMs;
  }

  version(): Promise<VersionAnswer> {
    return this.#call('GET', '/v1/version');
  }

  async ports(): Promise<readonly PortAnswer[]> {
    const { ports } = await this.#call<{ ports: PortAnswer[] }>('GET', '/v1/ports');
    return ports;
  }

  /** @throws {ValenicError} `port_not_found`, like everything here that takes a name. */
  port(name: string): Promise<PortDetail> {
    return this.#call('GET', `/v1/ports/${encodeURIComponent(name)}`);
  }

  addPort(port: AddPortBody): Promise<PortAnswer> {
    return this.#call('POST', '/v1/ports', port);
  }

  async removePort(name: string): Promise<void> {
    await this.#call('DELETE', `/v1/ports/${encodeURIComponent(name)}`);
  }

  setPort(name: string, change: Partial<PortSettings>): Promise<PortAnswer> {
    return this.#call('PATCH', `/v1/ports/${encodeURIComponent(name)}`, change);
  }

  /** @param workers  Queue pair i goes to `workers[i % workers.length]`. */
  movePort(name: string, workers: readonly number[]): Promise<PortAnswer> {
    return this.#call('PUT', `/v1/ports/${encodeURIComponent(name)}/workers`, { workers });
  }

  /** Answers how many addresses there were. */
  forgetMacs(name: string): Promise<ForgetAnswer> {
    return this.#call('DELETE', `/v1/ports/${encodeURIComponent(name)}/macs`);
  }

  async switches(): Promise<readonly SwitchAnswer[]> {
    const { switches } = await this.#call<{ switches: SwitchAnswer[] }>('GET', '/v1/switches');
    return switches;
  }

  /** @param target  A port, or a switch for all of its ports. */
  polling(target: string, body: PollingBody): Promise<readonly PortAnswer[]> {
    return this.#put('polling', target, body);
  }

  mtu(target: string, mtu: number): Promise<readonly PortAnswer[]> {
    return this.#put('mtu', target, { mtu });
  }

  more(target: string, on: boolean): Promise<readonly PortAnswer[]> {
    return this.#put('more', target, { on });
  }

  /** @param target  A port or a switch; everything when absent. */
  stats(target?: string): Promise<StatsAnswer> {
    const end = target === undefined ? '' : `/${encodeURIComponent(target)}`;
    return this.#call('GET', `/v1/stats${end}`);
  }

  /** What happens, from now until `signal` or the daemon's end. */
  async *events(signal?: AbortSignal): AsyncGenerator<ApiEvent> {
    const response = await this.#send('GET', '/v1/events', undefined, signal);
    if (response.statusCode !== 200) throw errorOf(await readText(response), this.path);
    try {
      for await (const line of createInterface({ input: response })) {
        if (line.startsWith('data: ')) yield JSON.parse(line.slice('data: '.length));
      }
    } catch (error) {
      if (!signal?.aborted) throw this.#unreachable(error);
    } finally {
      response.destroy();
    }
  }

  async #put(what: string, target: string, body: object): Promise<readonly PortAnswer[]> {
    const path = `/v1/${what}/${encodeURIComponent(target)}`;
    return (await this.#call<{ ports: PortAnswer[] }>('PUT', path, body)).ports;
  }

  async #call<T>(method: Method, path: string, body?: object): Promise<T> {
    const response = await this.#send(method, path, body, AbortSignal.timeout(this.#timeoutMs));
    const text = await readText(response).catch((error: unknown) => {
      throw this.#unreachable(error);
    });
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) throw errorOf(text, this.path);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  async #send(
    method: Method,
    path: string,
    body?: object,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    await this.#distrust();
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = text === undefined ? {} : { 'content-type': 'application/json' };
    const options = { socketPath: this.path, method, path, headers, agent: false as const };
    return new Promise((resolve, reject) => {
      const sent: ClientRequest = request({ ...options, ...(signal && { signal }) }, resolve);
      sent.on('error', (error) => reject(this.#unreachable(error)));
      sent.end(text);
    });
  }

  /** In a folder that anyone can make, a stranger may listen in our daemon's place. */
  async #distrust(): Promise<void> {
    if (!this.#isDefault) return;
    const fault = await folderFault(dirname(this.path));
    if (fault !== null) throw new ValenicError('daemon_unreachable', fault);
  }

  #unreachable(error: unknown): ValenicError {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const [why, advice] = sentences[code] ?? [String(error), 'look at its log'];
    const text = `no daemon answers at ${this.path} (${why}): ${advice}`;
    return new ValenicError('daemon_unreachable', text, { cause: error });
  }
}

const start = 'start one with "valenic serve", or give --control PATH';
/** Why a connection fails, and what to do. */
const sentences: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ['there is no such socket', start],
  ENOTDIR: ['there is no such folder', start],
  ECONNREFUSED: ['nobody listens there', start],
  EACCES: ['this user may not connect', 'use the account that the daemon runs under'],
  EPERM: ['this user may not connect', 'use the account that the daemon runs under'],
  EINVAL: ['the path is too long for a socket', 'give a shorter one'],
  ENOTSOCK: ['it is not a socket', start],
  ECONNRESET: ['it ended in the meantime', start],
  ABORT_ERR: ['it took too long', 'look at its log'],
};

function errorOf(text: string, path: string): ValenicError {
  try {
    const { code, message } = JSON.parse(text) as { code?: unknown; message?: unknown };
    if (typeof message === 'string') {
      return new ValenicError(isErrorCode(code) ? code : 'internal', message);
    }
  } catch {
    // Said below.
  }
  return new ValenicError(
    'daemon_unreachable',
    `the program that answers at ${path} is not a Valenic daemon`,
  );
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxAnswerBytes) throw new Error('the answer is too long');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}
