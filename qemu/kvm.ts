/**
 * Does KVM really work here?
 *
 * Opening /dev/kvm and creating a VM proves nothing: on some nested hosts no 64-bit kernel gets
 * past its decompressor. So a boot sector does in miniature what a kernel does first (long mode,
 * paging, string copies, SSE, CPUID, a locked add) and then ends QEMU through the debug-exit
 * port.
 */

import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.ts';

export interface AccelCheck {
  readonly works: boolean;
  /** One sentence: why not, or that it does. */
  readonly reason: string;
}
export type Accel = 'kvm' | 'tcg';

const deadlineMs = 5000;
/** The sector writes 0x2a to the port; isa-debug-exit makes (value << 1) | 1 of it. */
const goodExit = (0x2a << 1) | 1;

/**
 * Assembled with GNU as from qemu/kvm-probe.s; the rest of the 512 bytes is zero but for the
 * signature. test/qemu/locate.test.ts assembles it again where `as` is installed and compares.
 */
const sectorCode = [
  'fa31c08ed88ec08ed0bc0070fcbf0010b90018f3abc70600100320c70600200330c7060030830066',
  'b8001000000f22d866b8200600000f22e066b9800000c00f32660d000100000f300f0116f87c66b8',
  '110000800f22c0ea5c7c080066b810008ed88ec08ed0bc00700000bf00000100b900200000b85a5a',
  '5a5af348abbe00000100bf00000200b900200000f348a5bb64000000f30f6f8300000200660fd4c0',
  'f30f7f8300000300e8250000005331c00fa25b0f20d80f22d8ffcb75d7b8b4b4b4b4390425100003',
  '007504b02ae6f4f4ebfdf048ff042500000400c30f1f4000000000000000000000000000009a2000',
  '00000000009200001700e07c00000000',
].join('');

/** The boot sector: 512 bytes. */
export function kvmProbeSector(): Buffer {
  const sector = Buffer.alloc(512);
  Buffer.from(sectorCode, 'hex').copy(sector);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

const known = new Map<string, Promise<AccelCheck>>();

/** Boots the sector under KVM, once per process and binary. Never throws, never takes over 6 s. */
export function checkKvm(binary: string): Promise<AccelCheck> {
  let answer = known.get(binary);
  if (answer === undefined) {
    answer = probe(binary);
    known.set(binary, answer);
  }
  return answer;
}

/** KVM where it works, else TCG. */
export async function chooseAccel(binary: string): Promise<Accel> {
  return (await checkKvm(binary)).works ? 'kvm' : 'tcg';
}

async function probe(binary: string): Promise<AccelCheck> {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return no(missing ? '/dev/kvm does not exist' : 'this user may not open /dev/kvm');
  }
  try {
    return await bootSector(binary, 'kvm');
  } catch (error) {
    return no(error instanceof Error ? error.message : String(error));
  }
}

/** Boots the sector. With `tcg` this checks the sector itself. */
export async function bootSector(binary: string, accel: Accel): Promise<AccelCheck> {
  const dir = await mkdtemp(join(tmpdir(), 'valenic-kvm-'));
  try {
    const file = join(dir, 'sector.img');
    await writeFile(file, kvmProbeSector());
    const args = ['-M', 'pc', '-accel', accel, '-cpu', accel === 'kvm' ? 'host' : 'max']
      .concat(['-m', '16', '-nodefaults', '-no-user-config', '-display', 'none'])
      .concat(['-action', 'reboot=shutdown', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4'])
      .concat(['-drive', `if=ide,format=raw,file=${file.replaceAll(',', ',,')}`]);
    const stopWhen = (stderr: string): boolean => stderr.includes('KVM internal error');
    const result = await run(binary, args, { timeoutMs: deadlineMs, stopWhen });
    if (result.code === goodExit) return { works: true, reason: `${accel} ran a boot sector` };
    const said = result.stderr
      .split('\n')
      .find((line) => /internal error|failed|abort/i.test(line));
    if (said !== undefined) return no(`QEMU said: ${said.trim()}`);
    if (result.killed) return no(`a boot sector did not finish within ${deadlineMs} ms`);
    return no(`QEMU ended with status ${result.code}: ${result.stderr.trim().slice(0, 200)}`);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function no(reason: string): AccelCheck {
  return { works: false, reason: `KVM is not used: ${reason}` };
}
