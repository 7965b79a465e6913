/** Lines that we print for somebody else's guest, each started as it is printed. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GuestImage, LibvirtParts } from '../../qemu/index.ts';
import { run } from '../../qemu/run.ts';
import { until } from './lab.ts';
import { testImage } from './qemu/image.ts';
import { asUser, ServeProcess } from './serve-process.ts';

const nobody = 65_534;
const root = process.getuid?.() === 0;
const libvirtd = '/usr/sbin/libvirtd';
const libvirt = existsSync(libvirtd) && !spawnSync('virsh', ['--version']).error;
if (!libvirt) console.error('not run: libvirtd or virsh is not installed');

let dir: string;
const started: ChildProcess[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'valenic-attach-'));
  chmodSync(dir, 0o755);
});
afterEach(async () => {
  for (const child of started.splice(0)) {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null;
    child.kill('SIGTERM');
    await ended;
  }
  await rm(dir, { recursive: true, force: true });
});

/** Until the driver of the guest runs both rings. */
async function running(daemon: ServeProcess, port: string, said: () => string): Promise<void> {
  await until(
    `rings of ${port}`,
    async () => {
      const { endpoint } = await daemon.port(port);
      return { started: endpoint?.rings?.filter(({ started }) => started).length, said: said() };
    },
    ({ started }) => started === 2,
    120_000,
  );
}

describe('qemu-args', () => {
  it('start a guest of which both rings run, without KVM', async () => {
    const image = await testImage();
    const daemon = await ServeProcess.start(
      dir,
      ...['--port', `vale0:a,vhost-user=${join(dir, 'a.sock')}`],
    );
    await using _ = daemon;
    const printed = ['qemu-args', 'vale0:a', '--accel', 'tcg', '--memory', '256M'];
    const { args } = JSON.parse(await daemon.command(...printed)) as { args: readonly string[] };
    const own = ['-nodefaults', '-display', 'none', '-accel', 'tcg', '-cpu', 'max', '-M', 'q35'];
    const boot = ['-kernel', image.kernel, '-initrd', image.initrd, '-append', image.append];
    const words = [...own, '-smp', '1,maxcpus=2', ...boot, ...args];
    const qemu = spawn('qemu-system-x86_64', words, { stdio: ['ignore', 'ignore', 'pipe'] });
    started.push(qemu);
    let said = '';
    qemu.stderr?.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    await running(daemon, 'vale0:a', () => said);
    expect(qemu.exitCode).toBeNull();
  });
});

describe('a QEMU that wants what its port lacks', () => {
  it('more queue pairs: what is offered, and what to do, are told', async () => {
    const path = join(dir, 'one.sock');
    const port = `vale0:one,vhost-user=${path}`;
    await using daemon = await ServeProcess.start(dir, '--port', port);
    const words = ['-nodefaults', '-display', 'none', '-accel', 'tcg', '-M', 'q35', '-S'].concat(
      ['-m', '256M', '-object', 'memory-backend-memfd,id=mem,size=256M,share=on'],
      ['-machine', 'memory-backend=mem', '-chardev', `socket,id=c,path=${path},reconnect=1`],
      ['-netdev', 'vhost-user,id=n,chardev=c,queues=4'],
      ['-device', 'virtio-net-pci,netdev=n,mq=on,vectors=10'],
    );
    const qemu = spawn('qemu-system-x86_64', words, { stdio: ['ignore', 'ignore', 'pipe'] });
    started.push(qemu);
    const told = /left after it heard what the port offers: 1 queue pair .*queues=N/;
    await until(
      'the words for it',
      () => daemon.said,
      (said) => told.test(said),
    );
    expect(daemon.said.split('\n').filter((line) => told.test(line)).length).toBeLessThan(3);
  });
});

describe('qemu-args of frames', () => {
  it.each(['virtio-net-pci', 'e1000'])('connect a NIC %s to a stream port', async (model) => {
    const port = `vale0:s,stream=${join(dir, 's.sock')}`;
    await using daemon = await ServeProcess.start(dir, '--port', port);
    const qemu = await stopped(daemon, 'vale0:s', '--model', model);
    await until(
      'the connection',
      async () => ({ ...(await daemon.port('vale0:s')).endpoint, said: qemu.said() }),
      ({ connected }) => connected === true,
    );
  });

  it('bind the other end of a dgram port', async () => {
    const other = join(dir, 'q.sock');
    const port = `vale0:d,dgram=${join(dir, 'd.sock')},peer=${other}`;
    await using daemon = await ServeProcess.start(dir, '--port', port);
    const qemu = await stopped(daemon, 'vale0:d');
    await until(
      "QEMU's socket",
      () => ({ there: existsSync(other), said: qemu.said() }),
      ({ there }) => there,
    );
  });
});

/** QEMU with the printed arguments: its netdev is made at once, its CPU never runs. */
async function stopped(daemon: ServeProcess, ...words: readonly string[]) {
  const printed = await daemon.command('qemu-args', ...words, '--accel', 'tcg');
  const { args } = JSON.parse(printed) as { args: readonly string[] };
  const line = ['-nodefaults', '-display', 'none', '-S', '-M', 'q35', ...args];
  const qemu = spawn('qemu-system-x86_64', line, { stdio: ['ignore', 'ignore', 'pipe'] });
  started.push(qemu);
  let said = '';
  qemu.stderr?.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  return { said: () => said };
}

/** A libvirt of its own, in session mode: a user without rights, files in a folder of the test. */
class Session {
  readonly #env: NodeJS.ProcessEnv;
  readonly #prefix: readonly string[];
  #said = '';

  constructor(home: string) {
    mkdirSync(home);
    for (const name of ['run', 'config', 'cache', 'data']) mkdirSync(join(home, name));
    if (root) for (const name of ['', 'run', 'config', 'cache', 'data']) own(join(home, name));
    this.#env = {
      ...{ PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: join(home, 'run') },
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_CACHE_HOME: join(home, 'cache'),
      XDG_DATA_HOME: join(home, 'data'),
    };
    this.#prefix = [...(root ? asUser(nobody) : []), '--pdeathsig', 'KILL', '--'];
  }

  get said(): string {
    return this.#said;
  }

  async start(): Promise<void> {
    const words = [...this.#prefix, libvirtd, '--timeout', '600'];
    const child = spawn('setpriv', words, { env: this.#env, stdio: ['ignore', 'ignore', 'pipe'] });
    started.push(child);
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#said += chunk;
    });
    await until(
      'libvirtd',
      async () => ({ ...(await this.virsh('uri')), said: this.#said }),
      ({ code }) => code === 0,
      60_000,
    );
  }

  virsh(...words: readonly string[]) {
    const line = [...this.#prefix, 'virsh', '--connect', 'qemu:///session', ...words];
    return run('env', [...envWords(this.#env), 'setpriv', ...line], { timeoutMs: 120_000 });
  }

  /** @throws with what virsh said. */
  async must(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.virsh(...words);
    if (code !== 0) throw new Error(`virsh ${words.join(' ')}: ${stderr}${this.#said}`);
    return stdout;
  }
}

const envWords = (env: NodeJS.ProcessEnv): readonly string[] => [
  '-i',
  ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
];

function own(path: string): void {
  chownSync(path, nobody, nobody);
}

/** A domain that boots our image, with nothing else in it than what we printed. */
function domain({ namespace, memory, device, override }: LibvirtParts, image: GuestImage): string {
  return `<domain type='qemu' ${namespace}>
    <name>valenic-test</name>
    <memory unit='MiB'>256</memory>
    <vcpu current='1'>2</vcpu>
    <os>
      <type arch='x86_64' machine='q35'>hvm</type>
      <kernel>${image.kernel}</kernel><initrd>${image.initrd}</initrd>
      <cmdline>${image.append}</cmdline>
    </os>
    <features><acpi/></features>
    <cpu mode='maximum'/>
    ${memory}
    <devices>
      <emulator>/usr/bin/qemu-system-x86_64</emulator>
      ${device}
    </devices>
    ${override}
  </domain>`;
}

describe.skipIf(!libvirt)('libvirt-xml', () => {
  it('starts a domain of a session of which both rings run, and stays', async () => {
    const image = await testImage();
    // What stands in a folder of root's own is not for the domain's user to read.
    const [kernel, initrd] = [join(dir, 'kernel'), join(dir, 'initrd')];
    copyFileSync(image.kernel, kernel);
    copyFileSync(image.initrd, initrd);
    for (const file of [kernel, initrd]) chmodSync(file, 0o644);
    const daemon = await ServeProcess.start(
      dir,
      ...['--port', `vale0:a,vhost-user=${join(dir, 'a.sock')},mode=0666`],
    );
    await using _ = daemon;
    const printed = await daemon.command('libvirt-xml', 'vale0:a', '--accel', 'tcg');
    const file = join(dir, 'domain.xml');
    writeFileSync(file, domain(JSON.parse(printed), { ...image, kernel, initrd }));
    const session = new Session(join(dir, 'home'));
    await session.start();
    try {
      await session.must('create', file);
      await running(daemon, 'vale0:a', () => session.said);
      expect((await session.must('domstate', 'valenic-test')).trim()).toBe('running');
      expect((await daemon.port('vale0:a')).endpoint).toMatchObject({ fault: null });
    } finally {
      await session.virsh('destroy', 'valenic-test');
    }
  });
});
