/** `valenic guest run`: boots a guest on a port and stays until it ends. */

import { isIPv4 } from 'node:net';
import { join } from 'node:path';
import type { Command } from 'commander';
import {
  type Accel,
  buildGuestImage,
  type Guest,
  type GuestBoot,
  type GuestDescription,
  locateQemu,
  startGuest,
} from '../../qemu/index.ts';
import { parsePortName, readValue, type ValueKind } from '../config/index.ts';
import type { PortDetail } from '../daemon/index.ts';
import { packageRoot } from '../datapath/load.ts';
import { ValenicError } from '../errors.ts';
import { mustBeFile, mustBeQemu } from '../named-file.ts';
import { guestCache } from '../xdg.ts';
import { accelerators, attachPort, macAddress, memoryMiB, portFor } from './attach.ts';
import type { Cli } from './io.ts';

interface GuestOptions {
  readonly port: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly qemu?: string;
  readonly accel?: string;
  readonly memory: string;
  readonly mac?: string;
  readonly address?: string;
  readonly ping?: string;
}

export function guestAgent(): string {
  return join(packageRoot(), 'build/release/native/agent/valenic-agent');
}

const interfaceName = 'eth0';
const pingCount = 5;
const cidr: ValueKind<string> = {
  allowed: 'an IPv4 address with its length, like 10.0.0.1/24, or dhcp',
  read: (text) => {
    const [address = '', length = '', ...more] = text.split('/');
    const whole = isIPv4(address) && /^\d{1,2}$/.test(length) && Number(length) <= 32;
    return text === 'dhcp' || (whole && more.length === 0) ? text : undefined;
  },
};
const ipv4: ValueKind<string> = {
  allowed: 'an IPv4 address like 10.0.0.2',
  read: (text) => (isIPv4(text) ? text : undefined),
};

export function addGuestCommands(program: Command, cli: Cli): void {
  program
    .command('guest')
    .description('guests to try things with: run')
    .command('run')
    .description('boot a small guest on a port; ends when the guest does, or at SIGINT')
    .requiredOption('--port <name>', 'a vhost-user port of the running daemon, e.g. vale0:vm1')
    .option('--kernel <file>', "a bzImage of your own; needs --initrd (default: Debian's)")
    .option('--initrd <file>', 'its initramfs')
    .option('--append <words>', "more arguments for the kernel's command line")
    .option('--qemu <program>', 'a QEMU other than the one in PATH')
    .option(
      '--accel <name>',
      `accelerator: ${accelerators.allowed} (default: the one that works here)`,
    )
    .option('--memory <size>', `the guest's memory: ${memoryMiB.allowed}`, '256')
    .option('--mac <address>', "default: the port's own, which no other host uses")
    .option('--address <ip/length>', `the address of ${interfaceName}; dhcp asks for one`)
    .option('--ping <ip>', `send ${pingCount} pings from the guest once it is up`)
    .action((options: GuestOptions) => runGuest(options, cli));
}

async function runGuest(options: GuestOptions, cli: Cli): Promise<void> {
  // Errors in the arguments are reported before anything is fetched, made or started.
  const read = checkOptions(options);
  const port = await portFor('guest run', options.port, cli);
  const binary = locateQemu(options.qemu);
  const description = await describe(port, options, read, cli);
  cli.say(`Booting a guest on ${port.name}`);
  const guest = await boot(description, binary, options, read.accel, cli);
  if (guest === null) return cli.say('The guest was stopped while it booted.');
  try {
    if (options.kernel === undefined) await introduce(guest, options, cli);
    else cli.say(`The guest runs (${guest.accel}, process ${guest.pid}); Ctrl-C ends it`);
    await stay(guest, cli);
  } finally {
    if (!guest.over) await guest.kill();
  }
}

/** Null when it was told to end before it was up. */
async function boot(
  description: GuestDescription,
  binary: string,
  { kernel }: GuestOptions,
  accel: Accel | undefined,
  cli: Cli,
): Promise<Guest | null> {
  // Not the signal itself: once it is up, the guest is shut down and not killed.
  const booting = new AbortController();
  const abort = (): void => booting.abort();
  cli.signal.addEventListener('abort', abort, { once: true });
  try {
    return await startGuest(description, {
      signal: cli.signal.aborted ? cli.signal : booting.signal,
      ...{ binary, waitForAgent: kernel === undefined },
      ...(accel !== undefined && { accel }),
    });
  } catch (error) {
    if (cli.signal.aborted) return null;
    throw error;
  } finally {
    cli.signal.removeEventListener('abort', abort);
  }
}

interface ReadOptions {
  readonly memoryMiB: number;
  readonly mac: string | undefined;
  readonly accel: Accel | undefined;
}

/** @throws {ValenicError} `usage`, `value_invalid`, `file_not_found`. */
function checkOptions(options: GuestOptions): ReadOptions {
  const { port, kernel, initrd, address, ping, accel, memory, mac, qemu } = options;
  parsePortName(port);
  if ((kernel === undefined) !== (initrd === undefined)) {
    throw new ValenicError('usage', '--kernel and --initrd go together: give both or neither');
  }
  if (kernel !== undefined && (address !== undefined || ping !== undefined)) {
    throw new ValenicError(
      'usage',
      '--address and --ping need the agent of our own image: leave out --kernel',
    );
  }
  const read = {
    memoryMiB: readValue(memoryMiB, '--memory', memory),
    mac: mac === undefined ? undefined : readValue(macAddress, '--mac', mac),
    accel: accel === undefined ? undefined : readValue(accelerators, '--accel', accel),
  };
  if (address !== undefined) readValue(cidr, '--address', address);
  if (ping !== undefined) {
    readValue(ipv4, '--ping', ping);
    if (address === undefined) throw new ValenicError('usage', '--ping needs --address');
  }
  mustBeFile('--kernel', kernel, 'a bzImage');
  mustBeFile('--initrd', initrd, 'an initramfs');
  mustBeQemu(qemu);
  return read;
}

async function describe(
  port: PortDetail,
  options: GuestOptions,
  { memoryMiB: memory, mac: given }: ReadOptions,
  cli: Cli,
): Promise<GuestDescription> {
  const { mac, hostMtu = 0, ...backend } = attachPort(port, { mac: given, index: 0 });
  if (port.endpoint?.connected === true) {
    throw new ValenicError('port_in_use', `${port.name} already has a guest: stop that one first`);
  }
  const { path, role, queues } = backend;
  return {
    // QEMU's names have no colon.
    name: port.name.replace(':', '-'),
    memoryMiB: memory,
    cpus: 1,
    boot: await bootOf(options, cli),
    nics: [{ mac, hostMtu, backend: { kind: 'vhost-user', path, role, queues } }],
  };
}

async function bootOf(options: GuestOptions, cli: Cli): Promise<GuestBoot> {
  const { kernel, initrd, append } = options;
  if (kernel !== undefined && initrd !== undefined) {
    return { kind: 'kernel', kernel, initrd, append: ['console=ttyS0', append].join(' ').trim() };
  }
  const image = await buildGuestImage({
    cacheDir: guestCache(),
    agent: guestAgent(),
    log: (words) => cli.say(words),
    ...(append !== undefined && { append }),
  });
  return { kind: 'kernel', kernel: image.kernel, initrd: image.initrd, append: image.append };
}

/** Sets the guest's network up and tells what there is. */
async function introduce(guest: Guest, options: GuestOptions, cli: Cli): Promise<void> {
  const { ping } = options;
  const { kernel, interfaces } = guest.hello;
  const nic = interfaces.find(({ name }) => name === interfaceName);
  if (nic === undefined) {
    throw new ValenicError(
      'guest_failed',
      `the guest has no ${interfaceName}: it did not find a NIC`,
    );
  }
  const address = await addressFor(guest, options.address);
  const at = address === undefined ? '' : `, ${address}`;
  const up = { event: 'up', kernel, accel: guest.accel, pid: guest.pid, mac: nic.mac };
  if (cli.json) cli.data({ ...up, address: address ?? null }, () => '');
  cli.say(`The guest is up: Linux ${kernel} (${guest.accel}), ${interfaceName} ${nic.mac}${at}`);
  if (ping === undefined) return cli.say('Ctrl-C ends it');
  const report = await guest.agent.ping({ address: ping, count: pingCount });
  if (cli.json) cli.data({ event: 'ping', ...report }, () => '');
  const average = report.rttUs === null ? '' : `, ${(report.rttUs.avg / 1000).toFixed(2)} ms`;
  cli.say(`${ping}: ${report.received} of ${report.sent} pings answered${average}`);
}

/** What the interface has now; a user port or another DHCP server gives one. */
async function addressFor(guest: Guest, wanted: string | undefined): Promise<string | undefined> {
  if (wanted === undefined) return undefined;
  if (wanted !== 'dhcp') {
    await guest.agent.configure({ interface: interfaceName, address: wanted, up: true });
    return wanted;
  }
  await guest.agent.configure({ interface: interfaceName, up: true });
  return (await guest.agent.dhcp(interfaceName)).address;
}

/** Until the guest ends, or is told to end. @throws {ValenicError} `guest_failed`. */
async function stay(guest: Guest, cli: Cli): Promise<void> {
  const stop = (): void => void guest.shutdown();
  if (cli.signal.aborted) stop();
  cli.signal.addEventListener('abort', stop, { once: true });
  const exit = await guest.exited;
  cli.signal.removeEventListener('abort', stop);
  const { code, signal, expected, sentence } = exit;
  if (cli.json) cli.data({ event: 'exit', code, signal, expected, sentence }, () => '');
  // A guest that powers itself off is done; any other unexpected end is a failure.
  if (!expected && code !== 0) throw new ValenicError('guest_failed', exit.report);
  cli.say(sentence);
}
