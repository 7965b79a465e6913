/** A kind of port: all that configuration, library, API and command line know of it. */

import type { z } from 'zod';
import type { Commands, HostSource, PortKind } from '../../native/boundary/index.ts';
import type { Datapath } from '../datapath/datapath.ts';
import type { PeerLog } from '../log.ts';
import type { KeptFiles, KeptGuest } from '../vhost-user/index.ts';
import type { CommonState, EndpointContext, PortEndpoint } from './endpoint.ts';
import type { Filled } from './filled.ts';
import type { Item, KindKey } from './keys.ts';
import type { Fact, ShownPort, Table } from './text.ts';

/** Where QEMU's own back-end of a guest's NIC finds a port: a path, or a network address. */
type Place = string | { readonly host: string; readonly port: number };
/** A back-end of QEMU's that passes frames to a port. */
export type FramesBackend =
  | { readonly kind: 'stream'; readonly path: Place; readonly listen: boolean }
  | { readonly kind: 'dgram'; readonly local: Place; readonly remote: Place };

/**
 * What a guest can do with a port: attach to it by every way (`memory`), by QEMU's own back-ends
 * (`frames`), or not at all: then `there` says what is behind it instead.
 */
export type Attachment =
  | { readonly by: 'memory' }
  | { readonly by: 'frames'; backend(state: CommonState): FramesBackend }
  | { readonly by: 'none'; readonly there: string };

/** What such a port does in the name of a test program: Port.startSource() and the like. */
export interface FrameMaker {
  start(datapath: Datapath, port: number, source: HostSource): Promise<unknown>;
  /** @returns Frames sent since it was started. */
  stop(datapath: Datapath, port: number): Promise<bigint>;
  report(datapath: Datapath, port: number, reset: boolean): Promise<HostReport>;
}
export type HostReport = Commands['host.report'][1];

/**
 * One row of the table in kinds.ts. Its methods take a device of this kind alone.
 *
 * Own: what its endpoint's state() tells beside the CommonState.
 */
export interface Kind<Spec extends { readonly kind: string }, Own extends object = object> {
  /** These two are for types alone. */
  readonly spec?: Spec;
  readonly own?: Own;
  readonly kind: Spec['kind'];
  /** What the datapath calls it. */
  readonly datapath: PortKind;
  /** What stands at its own key, and what such a port is. */
  readonly form: string;
  readonly text: string;
  /** Its other keys; they are fixed when a port is added. */
  readonly keys: Readonly<Record<string, KindKey<Partial<Spec>>>>;
  /** A device as programs give it. What has a default here has the command line's. */
  readonly shape: z.ZodType;
  readonly attachment: Attachment;
  /** Such a port is a source and sink of frames itself. */
  readonly frames?: FrameMaker;
  /** No two ports may have the same place: each would hear the other's frames come back. */
  readonly placeIsAlone?: true;

  /**
   * @param value  What stands behind the kind's own key.
   * @param items  The other keys; each is one of this kind.
   * @param folder  What a relative path starts from.
   * @throws {ValenicError} `port_syntax`, `value_invalid`.
   */
  read(value: string | null, items: readonly Item[], folder: string): Filled<Spec>;
  /** What only one port can have, and what stands behind the kind's own key; null: nothing. */
  placeOf(device: Spec): string | null;
  /** What its guest has that may run already, from an earlier daemon. Absent: nothing is kept. */
  recall?(device: Spec, files: KeptFiles, log: PeerLog): Promise<KeptGuest>;
  /** Null: nobody is behind such a port. */
  endpoint(device: Filled<Spec>, context: EndpointContext): PortEndpoint | null;

  /** Where a port that is up is on its way, in a word or two; never more than is known. */
  stateWord(port: ShownPort<Own>): string;
  /** What `port show` has to say of its endpoint. */
  facts(port: ShownPort<Own>): readonly Fact[];
  /** A table below these; null: there is none. */
  table?(port: ShownPort<Own>): Table | null;
}
