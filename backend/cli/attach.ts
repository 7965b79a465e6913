/** `valenic qemu-args` and `valenic libvirt-xml`: what attaches somebody's own guest to a port. */

import type { Command } from 'commander';
import {
  type Accel,
  type AttachLink,
  type AttachPort,
  chooseAccel,
  debian12Version,
  findProgram,
  libvirtInterfaceXml,
  locateQemu,
  type NicModel,
  nicModels,
  qemuArgsForPort,
  qemuProgram,
  qemuVersion,
  shellQuote,
} from '../../qemu/index.ts';
import { choice, integer, parsePortName, readValue, type ValueKind } from '../config/index.ts';
import type { PortDetail } from '../daemon/index.ts';
import { ValenicError } from '../errors.ts';
import { parseInet } from '../link/address.ts';
import { nameText } from '../port-spec.ts';
import type { Cli } from './io.ts';

interface AttachOptions {
  readonly qemu?: string;
  readonly accel?: string;
  readonly memory: string;
  readonly index: string;
  readonly mac?: string;
  readonly model?: string;
}

export const memoryMiB = integer(32, 1 << 20);
export const macAddress: ValueKind<string> = {
  allowed: 'a unicast MAC address like 52:54:00:00:00:01',
  read: (text) =>
    /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i.test(text) && !/^[0:]*$/.test(text)
      ? text.toLowerCase()
      : undefined,
};
export const accelerators = choice(['kvm', 'tcg'] as const);
const models = choice(nicModels);

export function addAttachCommands(program: Command, cli: Cli): void {
  program
    .command('qemu-args')
    .description('print the arguments that attach your own QEMU guest to a port')
    .argument('<name>', 'a vhost-user, stream or dgram port, e.g. vale0:vm1')
    .option('--qemu <program>', 'print them for this QEMU (default: the one in PATH, else 7.2)')
    .option(
      '--accel <name>',
      `what runs the guest: ${accelerators.allowed} (default: what works here)`,
    )
    .option('--memory <MiB>', "the guest's memory", '1024')
    .option('--index <n>', "which of the guest's NICs on Valenic this is, from 0", '0')
    .option('--mac <address>', "default: the port's own, which no other host gives out")
    .option('--model <name>', `of stream and dgram ports: ${models.allowed}`)
    .action((name: string, options: AttachOptions) => qemuArgs(name, options, cli));
  program
    .command('libvirt-xml')
    .description('print the <interface> element that attaches a libvirt domain to a port')
    .argument('<name>', 'a vhost-user port, e.g. vale0:vm1')
    .option('--mac <address>', "default: the port's own, which no other host gives out")
    .action((name: string, options: Pick<AttachOptions, 'mac'>) => libvirtXml(name, options, cli));
}

async function qemuArgs(name: string, options: AttachOptions, cli: Cli): Promise<void> {
  const index = readValue(integer(0, 15), '--index', options.index);
  const memory = readValue(memoryMiB, '--memory', options.memory);
  const { accel } = options;
  const wanted = accel === undefined ? undefined : readValue(accelerators, '--accel', accel);
  const detail = await findPort(name, cli);
  const port = attachLink(detail, options, index) ?? attachPort(detail, options.mac, index);
  const found = options.qemu === undefined ? findProgram(qemuProgram) : locateQemu(options.qemu);
  const version = found === null ? debian12Version : await qemuVersion(found);
  const chosen: Accel = wanted ?? (found === null ? 'kvm' : await chooseAccel(found));
  const args = qemuArgsForPort(port, version, { memoryMiB: memory, accel: chosen });
  cli.data({ name, args }, () => shellQuote(args));
  if (chosen === 'tcg' && !cli.json) cli.say(tcgAdvice);
}

const tcgAdvice =
  'Without KVM add "-smp 1,maxcpus=2", or more: with one CPU QEMU leaves memory barriers out.';

async function libvirtXml(
  name: string,
  { mac }: Pick<AttachOptions, 'mac'>,
  cli: Cli,
): Promise<void> {
  const xml = libvirtInterfaceXml(attachPort(await findPort(name, cli), mac, 0));
  cli.data({ name, xml }, () => xml);
}

export function findPort(text: string, cli: Cli): Promise<PortDetail> {
  return cli.client().port(nameText(parsePortName(text)));
}

/** @throws {ValenicError} `value_invalid`: no guest can be attached to a port of this kind. */
export function attachPort(port: PortDetail, mac: string | undefined, index: number): AttachPort {
  const { vhostUser } = port;
  if (vhostUser === undefined) {
    throw new ValenicError(
      'value_invalid',
      `${port.name} is a ${port.kind} port: guests attach to vhost-user ports, and by qemu-args ` +
        'also to stream and dgram ports',
    );
  }
  const { path, role } = vhostUser;
  const address = mac === undefined ? port.guestMac : readValue(macAddress, '--mac', mac);
  return { path, role, queues: queuesOf(port), mac: address, index, hostMtu: port.settings.mtu };
}

/** What attaches a guest to a stream or dgram port; null: the port is of another kind. */
function attachLink(port: PortDetail, options: AttachOptions, index: number): AttachLink | null {
  const { model, mac } = options;
  const { link, kind } = port;
  if (link === undefined || kind === 'tap' || kind === 'packet') {
    if (model === undefined) return null;
    throw new ValenicError('value_invalid', '--model is for stream and dgram ports');
  }
  const place = (text: string) => parseInet(text, 'tcp') ?? parseInet(text, 'udp') ?? text;
  const { address, peerAddress = '', role } = link;
  const backend: AttachLink['backend'] =
    kind === 'stream'
      ? { kind, path: place(address), listen: role === 'client' }
      : { kind: 'dgram', local: place(peerAddress), remote: place(address) };
  const chosen: NicModel | undefined =
    model === undefined ? undefined : readValue(models, '--model', model);
  return {
    backend,
    mac: mac === undefined ? port.guestMac : readValue(macAddress, '--mac', mac),
    index,
    hostMtu: port.settings.mtu,
    ...(chosen && { model: chosen }),
  };
}

/** Queue pairs, from the text that adds such a port: the rings are there only with a guest. */
function queuesOf({ text }: PortDetail): number {
  return Number(/(?:^|,)queues=(\d+)/.exec(text)?.[1] ?? 1);
}
