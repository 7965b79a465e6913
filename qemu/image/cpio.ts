/**
 * Writes a cpio archive in the "newc" format, which is what the kernel unpacks as an initramfs.
 *
 * Deterministic: no times, no owners, inode numbers in order. Device nodes need no root, since they
 * are only bytes here.
 *
 * @spec Linux, Documentation/driver-api/early-userspace/buffer-format.rst
 */

export type CpioEntry =
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly bytes: Uint8Array;
      readonly executable?: boolean;
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'device';
      readonly path: string;
      readonly major: number;
      readonly minor: number;
    };

/** stat(2): the file types in a mode. */
const typeBits = { directory: 0o040000, file: 0o100000, link: 0o120000, device: 0o020000 } as const;
const trailerName = 'TRAILER!!!';

/** The archive, padded to 512 bytes. A folder must come before its contents. */
export function writeCpio(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = [];
  for (const [index, entry] of entries.entries()) appendEntry(parts, entry, index + 1);
  append(parts, { name: trailerName, inode: 0, mode: 0, links: 1, body: Buffer.alloc(0) });
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  parts.push(Buffer.alloc(-bytes & 511));
  return Buffer.concat(parts);
}

function appendEntry(parts: Buffer[], entry: CpioEntry, inode: number): void {
  if (entry.path.startsWith('/') || entry.path.split('/').includes('..')) {
    throw new RangeError(`a path in the archive is relative: "${entry.path}"`);
  }
  const body =
    entry.kind === 'file'
      ? Buffer.from(entry.bytes.buffer, entry.bytes.byteOffset, entry.bytes.byteLength)
      : Buffer.from(entry.kind === 'link' ? entry.target : '');
  const device = entry.kind === 'device' ? entry : undefined;
  append(parts, {
    name: entry.path,
    inode,
    mode: typeBits[entry.kind] | permissions(entry),
    links: entry.kind === 'directory' ? 2 : 1,
    body,
    ...(device === undefined ? {} : { device }),
  });
}

function permissions(entry: CpioEntry): number {
  switch (entry.kind) {
    case 'directory':
      return 0o755;
    case 'link':
      return 0o777;
    case 'device':
      return 0o600;
    case 'file':
      return entry.executable === true ? 0o755 : 0o644;
  }
}

interface Record {
  readonly name: string;
  readonly inode: number;
  readonly mode: number;
  readonly links: number;
  readonly body: Buffer;
  readonly device?: { readonly major: number; readonly minor: number };
}

function append(parts: Buffer[], record: Record): void {
  const name = Buffer.from(`${record.name}\0`);
  const fields = [
    record.inode,
    record.mode,
    ...[0, 0], // uid, gid
    record.links,
    0, // mtime
    record.body.length,
    ...[0, 0], // device the archive was made on
    ...[record.device?.major ?? 0, record.device?.minor ?? 0],
    name.length,
    0, // check: only in the "crc" format
  ];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  parts.push(pad(Buffer.concat([Buffer.from(header), name])), pad(record.body));
}

/** Header with name, and body, each end on a multiple of four bytes. */
function pad(bytes: Buffer): Buffer {
  const rest = -bytes.length & 3;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(rest)]);
}
