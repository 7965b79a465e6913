/** Which QEMU this is: its command line changed between versions. */

import { QemuError, sentenceOf } from './errors.ts';
import { run } from './run.ts';

export interface QemuVersion {
  readonly major: number;
  readonly minor: number;
  readonly micro: number;
}

/** Debian 12's: what is assumed where a version is not known. */
export const debian12Version: QemuVersion = { major: 7, minor: 2, micro: 22 };
/** `-action` came with 6.0; older ones are not supported. */
export const oldestVersion: QemuVersion = { major: 6, minor: 0, micro: 0 };

/** Whether `version` is `major.minor` or newer. */
export function atLeast(version: QemuVersion, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor);
}

export function formatVersion(version: QemuVersion): string {
  return `${version.major}.${version.minor}.${version.micro}`;
}

/** Reads what `qemu --version` prints; null when it is something else. */
export function parseVersion(text: string): QemuVersion | null {
  const match = /version (\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (match === null) return null;
  const [, major, minor, micro] = match;
  return { major: Number(major), minor: Number(minor), micro: Number(micro ?? 0) };
}

const known = new Map<string, Promise<QemuVersion>>();

/**
 * Asks a QEMU binary for its version; the answer is kept for the life of this process.
 *
 * @throws {QemuError} `qemu_missing` when it cannot be run, is no QEMU, or is older than 6.0.
 */
export function qemuVersion(binary: string): Promise<QemuVersion> {
  let answer = known.get(binary);
  if (answer === undefined) {
    answer = ask(binary);
    known.set(binary, answer);
    answer.catch(() => known.delete(binary));
  }
  return answer;
}

async function ask(binary: string): Promise<QemuVersion> {
  const result = await run(binary, ['--version'], { timeoutMs: 10_000 }).catch((error) => {
    throw new QemuError('qemu_missing', `${binary} cannot be run: ${sentenceOf(error)}`);
  });
  const version = parseVersion(result.stdout);
  if (version === null) {
    const said = (result.stderr || result.stdout).trim().slice(0, 200);
    throw new QemuError(
      'qemu_missing',
      `${binary} does not answer --version as QEMU does: ${said}`,
    );
  }
  if (!atLeast(version, oldestVersion.major, oldestVersion.minor)) {
    const have = formatVersion(version);
    throw new QemuError('qemu_missing', `${binary} is QEMU ${have}; 6.0 or newer is needed`);
  }
  return version;
}
