/**
 * The QEMU command line of a guest. What attaches somebody's own guest is in attach.ts.
 *
 * Pure functions: what differs between versions of QEMU, and why, is all here.
 */

import {
  descriptionFault,
  type GuestBoot,
  type GuestDescription,
  type GuestHost,
  type GuestNic,
  type GuestPaths,
  type InetPlace,
  type SocketRole,
} from './description.ts';
import { QemuError } from './errors.ts';
import type { Accel } from './kvm.ts';
import { atLeast, type QemuVersion } from './version.ts';

/** The virtio-serial port the guest agent listens on. */
export const agentPortName = 'org.valenic.agent.0';

/**
 * The arguments (without the program) that start a guest.
 *
 * @throws {QemuError} `guest_failed` with the first rule that the description breaks.
 */
export function guestArgv(
  guest: GuestDescription,
  paths: GuestPaths,
  host: GuestHost,
): readonly string[] {
  const fault = descriptionFault(guest);
  if (fault !== null) throw new QemuError('guest_failed', `guest ${guest.name}: ${fault}`);
  const file = escapeValue;
  return [
    ...['-name', guest.name],
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    ...[
      '-M',
      'q35,memory-backend=mem',
      '-m',
      `${guest.memoryMiB}`,
      '-smp',
      processors(guest, host),
    ],
    ...acceleration(host.accel),
    // vhost-user back-ends map the guest's memory: without share=on they would see zeroes.
    ...['-object', `memory-backend-memfd,id=mem,size=${guest.memoryMiB}M,share=on`],
    // A guest that resets ends QEMU, so a panic is a crash and not a loop; reboot() lifts this.
    ...['-action', 'reboot=shutdown'],
    ...['-chardev', `socket,id=qmp,path=${file(paths.qmp)},server=on,wait=off`],
    ...['-mon', 'chardev=qmp,mode=control'],
    ...['-serial', `file:${paths.serial}`],
    ...['-device', 'virtio-serial-pci,id=agentbus,max_ports=2'],
    ...['-chardev', `socket,id=agent,path=${file(paths.agent)},server=on,wait=off`],
    ...['-device', `virtserialport,bus=agentbus.0,chardev=agent,name=${agentPortName}`],
    ...bootArgv(guest.boot),
    ...guest.nics.flatMap((nic, index) => nicArgv(nic, `net${index}`, host)),
    ...(guest.extraArgs ?? []),
  ];
}

/**
 * With one virtual CPU TCG leaves the guest's memory barriers out ("lock" prefixes included):
 * nobody else runs in the guest. A vhost-user back-end does run beside it, and then misses kicks: a
 * queue stands still until the next one (seen on 7.2 after some 10^5 kicks). Room for a second CPU
 * keeps them.
 */
function processors(guest: GuestDescription, host: GuestHost): string {
  return host.accel === 'tcg'
    ? `${guest.cpus},maxcpus=${Math.max(2, guest.cpus)}`
    : `${guest.cpus}`;
}

function acceleration(accel: Accel): readonly string[] {
  return accel === 'kvm'
    ? ['-accel', 'kvm', '-cpu', 'host']
    : ['-accel', 'tcg,thread=multi', '-cpu', 'max'];
}

function bootArgv(boot: GuestBoot): readonly string[] {
  if (boot.kind === 'kernel') {
    return ['-kernel', boot.kernel, '-initrd', boot.initrd, '-append', boot.append];
  }
  const drive = `if=virtio,format=${boot.format},file=${escapeValue(boot.path)}`;
  return ['-drive', boot.snapshot ? `${drive},snapshot=on` : drive];
}

/** Back-end and device of one NIC. `id` names the netdev; the device is `${id}-nic`. */
export function nicArgv(nic: GuestNic, id: string, host: GuestHost): readonly string[] {
  return [...backendArgv(nic, id, host.version), '-device', nicDevice(nic, id, host)];
}

function backendArgv(nic: GuestNic, id: string, version: QemuVersion): readonly string[] {
  const { backend } = nic;
  switch (backend.kind) {
    case 'vhost-user': {
      const chardev = vhostChardev(`${id}-sock`, backend.path, backend.role, version);
      const netdev = `vhost-user,id=${id},chardev=${id}-sock,queues=${backend.queues}`;
      return ['-chardev', chardev, '-netdev', netdev];
    }
    case 'stream': {
      requireStream(backend.kind, version);
      const server = backend.listen ? 'server=on' : `server=off${streamReconnect(version)}`;
      return ['-netdev', `stream,id=${id},${server},${placeArgs('addr', backend.path)}`];
    }
    case 'dgram': {
      requireStream(backend.kind, version);
      const places = [placeArgs('local', backend.local), placeArgs('remote', backend.remote)];
      return ['-netdev', `dgram,id=${id},${places.join(',')}`];
    }
    case 'tap': {
      const vhost = backend.vhost === true ? 'on' : 'off';
      const ifname = escapeValue(backend.ifname);
      return ['-netdev', `tap,id=${id},ifname=${ifname},script=no,downscript=no,vhost=${vhost}`];
    }
    case 'user':
      return ['-netdev', ['user', `id=${id}`, backend.options].filter(Boolean).join(',')];
  }
}

function requireStream(kind: string, version: QemuVersion): void {
  if (atLeast(version, 7, 2)) return;
  throw new QemuError('guest_failed', `-netdev ${kind} came with QEMU 7.2: use a newer one`);
}

/** A SocketAddress of QEMU in its dotted form. */
function placeArgs(name: string, place: string | InetPlace): string {
  if (typeof place === 'string') {
    return `${name}.type=unix,${name}.path=${escapeValue(place)}`;
  }
  const { host, port } = place;
  return `${name}.type=inet,${name}.host=${escapeValue(host)},${name}.port=${port}`;
}

/** Streams connect again from QEMU 8.0 on; 7.2 gives up when the other end goes. */
function streamReconnect(version: QemuVersion): string {
  return atLeast(version, 8, 0) ? `,${reconnect(version)}` : '';
}

function vhostChardev(id: string, path: string, role: SocketRole, version: QemuVersion): string {
  const socket = `socket,id=${id},path=${escapeValue(path)}`;
  return role === 'server' ? `${socket},${reconnect(version)}` : `${socket},server=on,wait=off`;
}

/**
 * QEMU connects again when the back-end restarts. `reconnect` (whole seconds) is all that 7.2
 * knows; `reconnect-ms` came with 9.2, and `reconnect` was removed in 10.2.
 */
function reconnect(version: QemuVersion): string {
  return atLeast(version, 9, 2) ? 'reconnect-ms=250' : 'reconnect=1';
}

/** One property of a device, as `-device` takes it. */
export type Property = readonly [name: string, value: string];

function nicDevice(nic: GuestNic, id: string, host: GuestHost): string {
  const { model = 'virtio-net-pci' } = nic;
  const parts = [`netdev=${id}`, `id=${id}-nic`];
  const properties = nicProperties(nic, host).map(([name, value]) => `${name}=${value}`);
  return [model, ...parts, ...properties].join(',');
}

/** The properties of a NIC, for QEMU's command line and for libvirt's XML. */
export function nicProperties(nic: GuestNic, host: GuestHost): readonly Property[] {
  const { model = 'virtio-net-pci' } = nic;
  // The option ROM is for booting from the network, and slows every other boot down.
  const properties: Property[] = [
    ['mac', nic.mac],
    ['romfile', ''],
  ];
  if (model === 'virtio-net-pci') properties.push(...virtioProperties(nic, host));
  return [...properties, ...Object.entries(nic.properties ?? {})];
}

function virtioProperties(nic: GuestNic, host: GuestHost): readonly Property[] {
  const vhost = nic.backend.kind === 'vhost-user';
  const queues = nic.backend.kind === 'vhost-user' ? nic.backend.queues : 1;
  const vectors = nic.vectors ?? safeVectors(vhost, queues, host);
  const properties: Property[] = [];
  if (queues > 1) properties.push(['mq', 'on']);
  if (vectors !== null) properties.push(['vectors', `${vectors}`]);
  if (nic.packed === true) properties.push(['packed', 'on']);
  if (nic.hostMtu) properties.push(['host_mtu', `${nic.hostMtu}`]);
  if (nic.rxQueueSize !== undefined) properties.push(['rx_queue_size', `${nic.rxQueueSize}`]);
  if (nic.txQueueSize !== undefined) properties.push(['tx_queue_size', `${nic.txQueueSize}`]);
  // QEMU handles CTRL_GUEST_OFFLOADS itself and never tells the back-end, which would go on sending
  // what the guest just turned off.
  if (vhost) properties.push(['ctrl_guest_offloads', 'off']);
  return properties;
}

/**
 * MSI-X vectors: two per pair, one for configuration, one for the control queue; null: QEMU's
 * default.
 *
 * QEMU 7.2.22 segfaults under TCG when a guest driver starts a vhost-user device that has MSI-X
 * (virtio_set_status -> vhost_net_start -> msix_set_vector_notifiers); 11.1.2 does not. What lies
 * between is not known, and a crash costs more than the interrupts per queue that 0 gives up.
 */
function safeVectors(vhost: boolean, queues: number, host: GuestHost): number | null {
  if (vhost && host.accel === 'tcg' && !atLeast(host.version, 11, 0)) return 0;
  return queues > 1 ? 2 * queues + 2 : null;
}

/** A comma ends a value in QEMU's option syntax; two of them are one. */
function escapeValue(value: string): string {
  return value.replaceAll(',', ',,');
}
