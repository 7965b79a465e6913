/**
 * What attaches somebody's own guest to a port: for QEMU, libvirt and cloud-hypervisor.
 *
 * All three are written from one description of the NIC, so that none lacks what another has.
 */

import { nicArgv, nicProperties, type Property } from './argv.ts';
import {
  type GuestHost,
  type GuestNic,
  type NicBackend,
  type NicModel,
  nicFault,
  type SocketRole,
} from './description.ts';
import { QemuError } from './errors.ts';
import type { Accel } from './kvm.ts';
import { debian12Version, type QemuVersion } from './version.ts';

/** A stream or dgram port as a user sees it. Any model of NIC will do, and any memory. */
export interface AttachLink {
  readonly backend: Extract<NicBackend, { kind: 'stream' | 'dgram' }>;
  readonly model?: NicModel;
  readonly mac: string;
  readonly index: number;
  /** As of AttachPort; other models than virtio-net know none. */
  readonly hostMtu?: number;
}

/** A vhost-user port as a user sees it, to attach a guest of their own. */
export interface AttachPort {
  readonly path: string;
  /** Ours: `server` = Valenic listens. */
  readonly role: SocketRole;
  readonly queues: number;
  readonly mac: string;
  /** Which of the guest's Valenic NICs this is, from 0: makes the ids unique. */
  readonly index: number;
  /** The port's MTU, for the guest; 0 or absent: not told. */
  readonly hostMtu?: number;
}

export interface AttachOptions {
  /** How much memory the guest has; goes into the lines for index 0. 1024 when absent. */
  readonly memoryMiB?: number;
  /** `kvm` when absent: that is how people run their guests. */
  readonly accel?: Accel;
}

/**
 * What a user adds to a QEMU command line to attach a guest to a port.
 *
 * For index 0 this includes the shared memory, without which no packet ever moves; `-machine` may
 * be given more than once, QEMU merges them.
 *
 * @param version  The QEMU it is for; Debian 12's (7.2) when absent.
 */
export function qemuArgsForPort(
  port: AttachPort | AttachLink,
  version: QemuVersion = debian12Version,
  options: AttachOptions = {},
): string[] {
  const nic = attachedNic(port);
  const memoryMiB = options.memoryMiB ?? 1024;
  const host: GuestHost = { version, accel: options.accel ?? 'kvm' };
  const memory = [
    ...['-m', `${memoryMiB}`, '-machine', 'memory-backend=valenic-mem'],
    ...['-object', `memory-backend-memfd,id=valenic-mem,size=${memoryMiB}M,share=on`],
  ];
  const shared = nic.backend.kind === 'vhost-user' && port.index === 0;
  return [...(shared ? memory : []), ...nicArgv(nic, `valenic${port.index}`, host)];
}

/** What goes into the description of a libvirt domain, by where it goes. */
export interface LibvirtParts {
  /** An attribute of <domain>, for <qemu:override>. */
  readonly namespace: string;
  /** A child of <domain>: without shared memory no packet ever moves. */
  readonly memory: string;
  /** A child of <devices>. */
  readonly device: string;
  /** A child of <domain>: properties that libvirt has no words of its own for. */
  readonly override: string;
}

/** libvirt 8.2: formatdomain, "QEMU namespace"; a device is named by an alias of the user's. */
const namespace = "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'";

/** Properties that libvirt has elements for, or writes itself; all others are overridden. */
const libvirtKnows = ['mac', 'romfile', 'mq', 'packed', 'host_mtu', 'rx_queue_size'];

/**
 * What attaches a libvirt domain to a port: the properties of nicProperties(), as XML.
 *
 * @param version  The QEMU that runs the domain; Debian 12's (7.2) when absent.
 */
export function libvirtParts(
  port: AttachPort,
  version: QemuVersion = debian12Version,
  accel: Accel = 'kvm',
): LibvirtParts {
  const properties = nicProperties(attachedNic(port), { version, accel });
  const alias = `ua-valenic${port.index}`;
  return {
    namespace,
    memory: `<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>\n`,
    device: libvirtInterface(port, new Map(properties), alias),
    override: libvirtOverride(
      properties.filter(([name]) => !libvirtKnows.includes(name)),
      alias,
    ),
  };
}

/** The same for people: each part with where it goes. */
export function libvirtText({ namespace, memory, device, override }: LibvirtParts): string {
  return [
    `<!-- Into <domain>, which needs the attribute ${namespace}: -->\n`,
    memory,
    override,
    `<!-- Into <devices>: -->\n`,
    device,
  ].join('');
}

function libvirtInterface(
  { path, role, queues }: AttachPort,
  properties: ReadonlyMap<string, string>,
  alias: string,
): string {
  const mode = role === 'server' ? 'client' : 'server';
  const source = `  <source type='unix' path='${escapeXml(path)}' mode='${mode}'`;
  const again = `    <reconnect enabled='yes' timeout='1'/>`;
  const mtu = properties.get('host_mtu');
  const driver = [
    `name='vhost'`,
    ...(queues > 1 ? [`queues='${queues}'`] : []),
    `rx_queue_size='${properties.get('rx_queue_size')}'`,
  ];
  return [
    `<interface type='vhostuser'>`,
    `  <mac address='${escapeXml(properties.get('mac') ?? '')}'/>`,
    // libvirt allows <reconnect> only where QEMU is the client.
    ...(mode === 'client' ? [`${source}>`, again, '  </source>'] : [`${source}/>`]),
    `  <model type='virtio'/>`,
    `  <driver ${driver.join(' ')}/>`,
    ...(mtu === undefined ? [] : [`  <mtu size='${mtu}'/>`]),
    `  <alias name='${alias}'/>`,
    `  <rom enabled='no'/>`,
    '</interface>',
    '',
  ].join('\n');
}

function libvirtOverride(properties: readonly Property[], alias: string): string {
  const lines = properties.map(([name, value]) => {
    const type = /^\d+$/.test(value) ? 'unsigned' : 'bool';
    const text = type === 'bool' ? `${value === 'on'}` : value;
    return `    <qemu:property name='${name}' type='${type}' value='${text}'/>`;
  });
  return [
    '<qemu:override>',
    `  <qemu:device alias='${alias}'><qemu:frontend>`,
    ...lines,
    '  </qemu:frontend></qemu:device>',
    '</qemu:override>',
    '',
  ].join('\n');
}

/**
 * What a user adds to a command line of cloud-hypervisor.
 *
 * By its own documents ("Memory", "Device Model", the net parameters of its help): memory
 * is shared with `shared=on`, queues are virtqueues, two for each pair, and it connects unless
 * `vhost_mode=server` is said.
 */
export function cloudHypervisorArgs(port: AttachPort, options: AttachOptions = {}): string[] {
  const { mac, hostMtu, rxQueueSize } = attachedNic(port);
  const memory = ['--memory', `size=${options.memoryMiB ?? 1024}M,shared=on`];
  if (port.path.includes(',')) {
    throw new QemuError(
      'guest_failed',
      `cloud-hypervisor cannot name a socket with a comma: choose another path than ${port.path}`,
    );
  }
  const net = [
    ...[`vhost_user=true`, `socket=${port.path}`, `mac=${mac}`],
    `vhost_mode=${port.role === 'server' ? 'client' : 'server'}`,
    ...[`num_queues=${2 * port.queues}`, `queue_size=${rxQueueSize}`],
    ...(hostMtu ? [`mtu=${hostMtu}`] : []),
  ];
  return [...(port.index === 0 ? memory : []), '--net', net.join(',')];
}

/**
 * QEMU's own ring of 256 has room for five frames of 64 KiB that are cut into segments of 1448
 * bytes, and what finds no room is lost: this is the most that QEMU allows.
 */
const attachedRingSize = 1024;

function attachedNic(port: AttachPort | AttachLink): GuestNic {
  const { mac, hostMtu = 0 } = port;
  const nic: GuestNic =
    'backend' in port
      ? { mac, hostMtu, backend: port.backend, ...(port.model && { model: port.model }) }
      : {
          ...{ mac, hostMtu, rxQueueSize: attachedRingSize },
          backend: { kind: 'vhost-user', path: port.path, role: port.role, queues: port.queues },
        };
  const fault = nicFault(nic);
  if (fault !== null) throw new QemuError('guest_failed', fault);
  return nic;
}

function escapeXml(text: string): string {
  const names: Record<string, string> = {
    '&': 'amp',
    '<': 'lt',
    '>': 'gt',
    "'": 'apos',
    '"': 'quot',
  };
  return text.replace(/[&<>'"]/g, (character) => `&${names[character]};`);
}

/** The arguments as one shell command line, quoted where the shell needs it. */
export function shellQuote(args: readonly string[]): string {
  const plain = /^[A-Za-z0-9_@%+=:,./-]+$/;
  return args.map((arg) => (plain.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`)).join(' ');
}
