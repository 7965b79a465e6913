/**
 * The control API as data: what goes over the control socket, version 1.
 *
 * | request | body | answer |
 * |---|---|---|
 * | `GET /v1/version` | | {@link VersionAnswer} |
 * | `GET /v1/ports` | | `{ ports: PortAnswer[] }` |
 * | `POST /v1/ports` | {@link AddPortBody} | 201 {@link PortAnswer} |
 * | `GET /v1/ports/NAME` | | {@link PortDetail} |
 * | `PATCH /v1/ports/NAME` | settings that change | {@link PortAnswer} |
 * | `PUT /v1/ports/NAME/workers` | {@link MoveBody} | {@link PortAnswer} |
 * | `DELETE /v1/ports/NAME/macs` | | {@link ForgetAnswer} |
 * | `DELETE /v1/ports/NAME` | | 204 |
 * | `GET /v1/switches` | | `{ switches: SwitchAnswer[] }` |
 * | `PUT /v1/polling/TARGET` | {@link PollingBody} | `{ ports: PortAnswer[] }` |
 * | `PUT /v1/more/TARGET` | `{ on: boolean }` | `{ ports: PortAnswer[] }` |
 * | `PUT /v1/mtu/TARGET` | `{ mtu: number }` | `{ ports: PortAnswer[] }` |
 * | `GET /v1/stats`, `/v1/stats/TARGET` | | {@link StatsAnswer} |
 * | `GET /v1/events` | | server-sent events, {@link ApiEvent} |
 *
 * NAME is `vale0:vm1`; TARGET that or a switch's name. An error is `{ code, message }`, with the
 * codes of `errorCodes` and the HTTP status from the same table.
 */

import type {
  FaultCode,
  PollingMode,
  PortSettings,
  WorkerCounter,
} from '../../native/boundary/index.ts';
import type { ErrorCode } from '../errors.ts';
import type { PortState } from '../port.ts';
import type { PortSpec } from '../ports/spec.ts';
import type { PortStats } from '../stats/stats.ts';

export const apiVersion = 1;

export interface VersionAnswer {
  readonly version: string;
  readonly api: number;
  readonly pid: number;
  readonly workers: number;
  readonly uptimeMs: number;
}

export interface PortAnswer extends PortState {
  /** The text that adds such a port. */
  readonly text: string;
}
export interface PortDetail extends PortAnswer {
  readonly stats: PortStats;
  /** MAC addresses learned on the port. */
  readonly macs: readonly string[];
  /** The address that qemu-args, libvirt-xml and guest run give to a guest on the port. */
  readonly guestMac: string;
  /** Why its frames reach nobody, as far as settings tell. An older daemon gives none. */
  readonly hints?: readonly string[];
}

/** A port as text, or as the library has it, with its name in one piece. */
export type AddPortBody =
  | { readonly port: string }
  | {
      readonly name: string;
      readonly device: PortSpec['device'];
      readonly settings?: Partial<PortSettings>;
    };

export interface PollingBody {
  readonly mode: PollingMode;
  readonly spinUs?: number | 'auto';
}

/** Queue pair i moves to `workers[i % workers.length]`. */
export interface MoveBody {
  readonly workers: readonly number[];
}

/** Of the MAC addresses learned on a port. */
export interface ForgetAnswer {
  readonly forgotten: number;
}

export interface SwitchAnswer {
  readonly name: string;
  /** Of ports that are added without one; 0: frames of any length pass. */
  readonly mtu: number;
  readonly ports: readonly string[];
}

export interface StatsAnswer {
  /** Milliseconds of a clock that never jumps: for rates. */
  readonly atMs: number;
  readonly ports: Readonly<Record<string, PortStats>>;
  readonly workers: readonly Readonly<Record<WorkerCounter, number>>[];
}

export type ApiEvent =
  | { readonly event: 'port_added' | 'port_changed'; readonly port: PortAnswer }
  | { readonly event: 'port_removed'; readonly name: string }
  | {
      readonly event: 'fault';
      readonly name: string;
      /** Absent when it concerns the whole device. */
      readonly ring?: number;
      readonly code: FaultCode | 'memory_not_shared';
      readonly text: string;
    };

export interface ErrorAnswer {
  readonly code: ErrorCode;
  readonly message: string;
}
