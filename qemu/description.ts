/** A guest as plain data: what argv.ts turns into a command line. Checked, never defaulted here. */

import type { Accel } from './kvm.ts';

/**
 * Our role on a vhost-user socket: `server` = we listen and QEMU connects; `client` = QEMU
 * listens.
 */
export type SocketRole = 'server' | 'client';

/** NIC models that do not need a virtio driver; QEMU has more. */
export const nicModels = ['virtio-net-pci', 'e1000', 'e1000e', 'rtl8139', 'vmxnet3'] as const;
export type NicModel = (typeof nicModels)[number];

/** A network address, for sockets without a file. */
export interface InetPlace {
  readonly host: string;
  readonly port: number;
}

/** What the guest sees of every virtio NIC, independent of its backend. */
export interface NicFace {
  /** Twelve hexadecimal digits with colons, unicast. */
  readonly mac: string;
  /** virtio-net-pci when absent; with another one only `mac` and `properties` count. */
  readonly model?: NicModel;
  /** The guest sees this MTU (VIRTIO_NET_F_MTU); 0 or absent: not offered. */
  readonly hostMtu?: number;
  /** Descriptors, a power of two, 256..1024. Absent: QEMU's 256. */
  readonly rxQueueSize?: number;
  /** Above 256 only with vhost-user. */
  readonly txQueueSize?: number;
  readonly packed?: boolean;
  /** MSI-X vectors; absent: what this version of QEMU survives. */
  readonly vectors?: number;
  /** More properties of virtio-net-pci, e.g. `{ mrg_rxbuf: 'off' }`. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** Where the other end of a NIC is. */
export type NicBackend =
  | {
      readonly kind: 'vhost-user';
      readonly path: string;
      readonly role: SocketRole;
      /** Queue pairs, 1..16. */
      readonly queues: number;
    }
  /** QEMU's own stream back-end: a port of ours, another guest, or passt. From QEMU 7.2. */
  | { readonly kind: 'stream'; readonly path: string | InetPlace; readonly listen: boolean }
  /** One frame a datagram, between QEMU's place and the other end's. From QEMU 7.2. */
  | {
      readonly kind: 'dgram';
      readonly local: string | InetPlace;
      readonly remote: string | InetPlace;
    }
  /** A TAP interface that exists and that this user may open. */
  | { readonly kind: 'tap'; readonly ifname: string; readonly vhost?: boolean }
  /** QEMU's user-mode network (slirp). */
  | { readonly kind: 'user'; readonly options?: string };

export type GuestNic = NicFace & { readonly backend: NicBackend };

export type GuestBoot =
  | {
      readonly kind: 'kernel';
      readonly kernel: string;
      readonly initrd: string;
      readonly append: string;
    }
  | {
      readonly kind: 'disk';
      readonly path: string;
      readonly format: 'qcow2' | 'raw';
      /** Changes go to a temporary file and are gone afterwards. */
      readonly snapshot: boolean;
    };

export interface GuestDescription {
  readonly name: string;
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly boot: GuestBoot;
  readonly nics: readonly GuestNic[];
  /** More arguments, appended as they are. */
  readonly extraArgs?: readonly string[];
}

/** Where the sockets and files of one running guest are. */
export interface GuestPaths {
  readonly qmp: string;
  readonly agent: string;
  readonly serial: string;
}

/** What the machine decides, not the description. */
export interface GuestHost {
  readonly version: import('./version.ts').QemuVersion;
  readonly accel: Accel;
}

const macPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/** The first rule that the description breaks, as a sentence, or null. */
export function descriptionFault(guest: GuestDescription): string | null {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(guest.name)) {
    return `a guest's name is letters, digits, ".", "_" and "-", at most 63: "${guest.name}"`;
  }
  if (!within(guest.memoryMiB, 32, 1 << 20)) return 'memoryMiB must be 32..1048576';
  if (!within(guest.cpus, 1, 255)) return 'cpus must be 1..255';
  if (guest.nics.length > 16) return 'a guest may have at most 16 NICs';
  for (const [index, nic] of guest.nics.entries()) {
    const fault = nicFault(nic);
    if (fault !== null) return `NIC ${index}: ${fault}`;
  }
  const macs = new Set(guest.nics.map((nic) => nic.mac.toLowerCase()));
  if (macs.size !== guest.nics.length) return 'two NICs have the same MAC address';
  return null;
}

/** The first rule that a NIC breaks, or null. */
export function nicFault(nic: GuestNic): string | null {
  if (!macPattern.test(nic.mac)) return `"${nic.mac}" is not a MAC address like 52:54:00:00:00:01`;
  if ((Number.parseInt(nic.mac.slice(0, 2), 16) & 1) !== 0) return `${nic.mac} is multicast`;
  if (/^(00:){5}00$/.test(nic.mac)) return 'the MAC address is all zero';
  const mtu = nic.hostMtu ?? 0;
  // virtio 1.2, 5.1.4.1: a device that offers F_MTU sets it to at least 68.
  if (mtu !== 0 && !within(mtu, 68, 65535)) return 'hostMtu must be 68..65535';
  const vhost = nic.backend.kind === 'vhost-user';
  if (vhost && (nic.model ?? 'virtio-net-pci') !== 'virtio-net-pci') {
    return `vhost-user needs virtio-net-pci, not ${nic.model}: use a stream port`;
  }
  const rx = ringFault('rxQueueSize', nic.rxQueueSize, 1024);
  // QEMU: "tx_queue_size" above 256 needs a vhost-user or vDPA peer.
  const tx = ringFault('txQueueSize', nic.txQueueSize, vhost ? 1024 : 256);
  if (rx !== null || tx !== null) return rx ?? tx;
  if (nic.vectors !== undefined && !within(nic.vectors, 0, 2048)) return 'vectors must be 0..2048';
  if (nic.backend.kind === 'vhost-user' && !within(nic.backend.queues, 1, 16)) {
    return 'queues must be 1..16';
  }
  return null;
}

function ringFault(what: string, size: number | undefined, most: number): string | null {
  if (size === undefined) return null;
  const powerOfTwo = Number.isInteger(size) && (size & (size - 1)) === 0;
  return powerOfTwo && within(size, 256, most)
    ? null
    : `${what} must be a power of two, 256..${most}`;
}

function within(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
