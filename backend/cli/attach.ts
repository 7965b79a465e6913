/** `valenic qemu-args`, `libvirt-xml` …: what attaches somebody's own guest to a port. */

import type { Command } from 'commander';
import {
  type Accel,
  type AttachLink,
  type AttachPort,
  chooseAccel,
  cloudHypervisorArgs,
  debian12Version,
  findProgram,
  libvirtParts,
  libvirtText,
  locateQemu,
  nicModels,
  qemuArgsForPort,
  qemuProgram,
  qemuVersion,
  shellQuote,
} from '../../qemu/index.ts';
import { choice, integer, parsePortName, readValue, type ValueKind } from '../config/index.ts';
import type { PortDetail } from '../daemon/index.ts';
import { ValenicError } from '../errors.ts';
import { mustBeQemu } from '../named-file.ts';
import { attachedBy, kindOf } from '../ports/index.ts';
import { nameText } from '../ports/spec.ts';
import type { Cli } from './io.ts';

interface AttachOptions {
  readonly qemu?: string;
  readonly accel?: string;
  readonly memory?: string;
  readonly index: string;
  readonly mac?: string;
  readonly model?: string;
}

/** In MiB, as QEMU's -m takes it. */
export const memoryMiB: ValueKind<number> = {
  allowed: 'MiB, 32 to 1048576, or a size like 512M or 2G',
  read: (text) => {
    const [, digits = '', unit = 'M'] = /^(\d{1,7})([MG])?(?:iB)?$/i.exec(text) ?? [];
    return integer(32, 1 << 20).read(`${Number(digits) * (/g/i.test(unit) ? 1024 : 1)}`);
  },
};
export const macAddress: ValueKind<string> = {
  allowed: 'a unicast MAC address like 52:54:00:00:00:01',
  read: (text) =>
    /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i.test(text) && !/^[0:]*$/.test(text)
      ? text.toLowerCase()
      : undefined,
};
export const accelerators = choice(['kvm', 'tcg'] as const);
const models = choice(nicModels);

/** Each way to attach a guest that is printed, by its command. */
type Way = 'qemu-args' | 'libvirt-xml' | 'cloud-hypervisor-args' | 'guest run';
type Kind = PortDetail['kind'];

/**
 * Why a guest cannot be attached to this port in this way; null: it can.
 *
 * The whole table of ways and kinds is in test/backend/cli/attach.test.ts.
 */
export function attachRefusal(way: Way, { name, kind }: { name: string; kind: Kind }) {
  const { attachment } = kindOf(kind);
  const { by } = attachment;
  if (by === 'memory' || (by === 'frames' && way === 'qemu-args')) return null;
  const [home] = name.split(':');
  const [whole = kind] = attachedBy('memory');
  const add = `add one with "valenic port add ${home}:NAME,${kindOf(whole).form}"`;
  if (attachment.by === 'frames') {
    const here = `${name} is a ${kind} port`;
    return `${way} needs a ${whole} port, and ${here}: use qemu-args, or ${add}`;
  }
  return `a guest cannot attach to ${name}, a ${kind} port (${attachment.there}): ${add}`;
}

/** E.g. `a vhost-user or stream port`. */
function aPort(...ways: readonly ('memory' | 'frames')[]): string {
  const names = ways.flatMap(attachedBy);
  const last = names.at(-1);
  return `a ${names.length > 1 ? `${names.slice(0, -1).join(', ')} or ${last}` : last} port`;
}

export function addAttachCommands(program: Command, cli: Cli): void {
  const mac = ['--mac <address>', "default: the port's own, which no other host uses"] as const;
  const accel = [
    '--accel <name>',
    `accelerator: ${accelerators.allowed} (default: the one that works here)`,
  ] as const;
  const qemu = [
    '--qemu <program>',
    'print them for this QEMU (default: the one in PATH, or else 7.2)',
  ] as const;
  const index = [
    '--index <n>',
    "number of this NIC among the guest's NICs on Valenic, from 0",
    '0',
  ] as const;
  const memory = ['--memory <size>', `the guest's memory: ${memoryMiB.allowed}`, '1024'] as const;
  program
    .command('qemu-args')
    .description('print the arguments that attach your own QEMU guest to a port')
    .argument('<name>', `${aPort('memory', 'frames')}, e.g. vale0:vm1`)
    .option(...qemu)
    .option(...accel)
    .option(...memory)
    .option(...index)
    .option(...mac)
    .option('--model <name>', `of ${attachedBy('frames').join(' and ')} ports: ${models.allowed}`)
    .action((name: string, options: AttachOptions) => qemuArgs(name, options, cli));
  program
    .command('libvirt-xml')
    .description('print the elements that attach a libvirt domain to a port')
    .argument('<name>', `${aPort('memory')}, e.g. vale0:vm1`)
    .option(...qemu)
    .option(...accel)
    .option(...index)
    .option(...mac)
    .action((name: string, options: AttachOptions) => libvirtXml(name, options, cli));
  program
    .command('cloud-hypervisor-args')
    .description('print the arguments that attach your own cloud-hypervisor guest to a port')
    .argument('<name>', `${aPort('memory')}, e.g. vale0:vm1`)
    .option(...memory)
    .option(...index)
    .option(...mac)
    .action((name: string, options: AttachOptions) => cloudHypervisor(name, options, cli));
}

/** What the words say, checked before anybody is asked. */
function readOptions({ memory, index, mac, accel, model, qemu }: AttachOptions) {
  mustBeQemu(qemu);
  return {
    index: readValue(integer(0, 15), '--index', index),
    memoryMiB: memory === undefined ? undefined : readValue(memoryMiB, '--memory', memory),
    mac: mac === undefined ? undefined : readValue(macAddress, '--mac', mac),
    model: model === undefined ? undefined : readValue(models, '--model', model),
    accel: accel === undefined ? undefined : readValue(accelerators, '--accel', accel),
    binary: qemu === undefined ? findProgram(qemuProgram) : locateQemu(qemu),
  };
}

type ReadOptions = ReturnType<typeof readOptions>;

/** The QEMU that is to run the guest: its version, and what it will run it with. */
async function qemuOf({ binary, accel }: ReadOptions) {
  const version = binary === null ? debian12Version : await qemuVersion(binary);
  const chosen: Accel = accel ?? (binary === null ? 'kvm' : await chooseAccel(binary));
  return { version, accel: chosen };
}

async function qemuArgs(name: string, words: AttachOptions, cli: Cli): Promise<void> {
  const options = readOptions(words);
  const port = await portFor('qemu-args', name, cli);
  const attached = linkOf(port, options) ?? attachPort(port, options);
  const { version, accel } = await qemuOf(options);
  const { memoryMiB: memory = 1024 } = options;
  const args = qemuArgsForPort(attached, version, { memoryMiB: memory, accel });
  cli.data({ name: port.name, args }, () => shellQuote(args));
  if (accel === 'tcg' && !cli.json) cli.say(tcgAdvice);
}

const tcgAdvice =
  'Without KVM, add "-smp 1,maxcpus=2" or more: with one CPU, QEMU leaves out memory barriers.';

async function libvirtXml(name: string, words: AttachOptions, cli: Cli): Promise<void> {
  const options = readOptions(words);
  const port = await portFor('libvirt-xml', name, cli);
  const { version, accel } = await qemuOf(options);
  const parts = libvirtParts(attachPort(port, options), version, accel);
  cli.data({ name: port.name, ...parts }, () => libvirtText(parts));
  if (accel === 'tcg' && !cli.json) cli.say(libvirtTcgAdvice);
}

const libvirtTcgAdvice =
  "Without KVM, the domain needs two CPUs, or <vcpu current='1'>2</vcpu>: " +
  'with one CPU, QEMU leaves out memory barriers.';

async function cloudHypervisor(name: string, words: AttachOptions, cli: Cli): Promise<void> {
  const options = readOptions(words);
  const port = await portFor('cloud-hypervisor-args', name, cli);
  const { memoryMiB: memory = 1024 } = options;
  const args = cloudHypervisorArgs(attachPort(port, options), { memoryMiB: memory });
  cli.data({ name: port.name, args }, () => shellQuote(args));
  if (!cli.json)
    cli.say("These follow cloud-hypervisor's documentation; Valenic's tests do not run it.");
}

/** @throws {ValenicError} `value_invalid`: no guest is attached to such a port in this way. */
export async function portFor(way: Way, text: string, cli: Cli): Promise<PortDetail> {
  const port = await cli.client().port(nameText(parsePortName(text)));
  const refusal = attachRefusal(way, port);
  if (refusal !== null) throw new ValenicError('value_invalid', refusal);
  return port;
}

/** @param port  One to which a guest attaches by memory: portFor() looked. */
export function attachPort(
  port: PortDetail,
  { mac, model, index }: Pick<ReadOptions, 'mac' | 'index'> & { readonly model?: unknown },
): AttachPort {
  const { endpoint } = port;
  if (endpoint === undefined) throw new ValenicError('internal', `${port.name} has no socket`);
  if (model !== undefined) {
    throw new ValenicError(
      'value_invalid',
      `--model is for ${attachedBy('frames').join(' and ')} ports; leave it out: ` +
        `${port.name} is a ${port.kind} port`,
    );
  }
  const { address: path, role = 'server' } = endpoint;
  const queues = queuesOf(port);
  return { path, role, queues, mac: mac ?? port.guestMac, index, hostMtu: port.settings.mtu };
}

/** Null: the port is not attached to by frames. */
function linkOf(port: PortDetail, { mac, model, index }: ReadOptions): AttachLink | null {
  const { endpoint, kind } = port;
  const { attachment } = kindOf(kind);
  if (attachment.by !== 'frames' || endpoint === undefined) return null;
  return {
    backend: attachment.backend(endpoint),
    ...{ mac: mac ?? port.guestMac, index, hostMtu: port.settings.mtu },
    ...(model && { model }),
  };
}

/** Queue pairs, from the text that adds such a port: the rings are there only with a guest. */
function queuesOf({ text }: PortDetail): number {
  return Number(/(?:^|,)queues=(\d+)/.exec(text)?.[1] ?? 1);
}
