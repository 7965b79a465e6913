/**
 * As much of ELF as an image needs: a section by its name, and whether a program is static.
 *
 * @spec System V ABI, "Object Files"; 64-bit little-endian only.
 */

const programInterpreter = 3; // PT_INTERP

/** The bytes of a section, or null when the file has none of that name, or it is not ELF64. */
export function elfSection(file: Buffer, wanted: string): Buffer | null {
  if (!isElf64(file)) return null;
  const sections = tableAt(file, Number(file.readBigUInt64LE(40)), file.readUInt16LE(58), 64);
  const count = file.readUInt16LE(60);
  const names = sections(file.readUInt16LE(62));
  if (names === null) return null;
  const namesAt = Number(names.readBigUInt64LE(24));
  for (let index = 0; index < count; index += 1) {
    const section = sections(index);
    if (section === null) return null;
    const nameAt = namesAt + section.readUInt32LE(0);
    const end = file.indexOf(0, nameAt);
    if (end < 0 || file.toString('latin1', nameAt, end) !== wanted) continue;
    const at = Number(section.readBigUInt64LE(24));
    const bytes = Number(section.readBigUInt64LE(32));
    return at + bytes <= file.length ? file.subarray(at, at + bytes) : null;
  }
  return null;
}

/** Whether this program needs neither a loader nor libraries. */
export function isStaticProgram(file: Buffer): boolean {
  if (!isElf64(file)) return false;
  const headers = tableAt(file, Number(file.readBigUInt64LE(32)), file.readUInt16LE(54), 56);
  const count = file.readUInt16LE(56);
  for (let index = 0; index < count; index += 1) {
    const header = headers(index);
    if (header === null || header.readUInt32LE(0) === programInterpreter) return false;
  }
  return true;
}

function isElf64(file: Buffer): boolean {
  // Magic, 64-bit class, little-endian; the header has 64 bytes.
  return (
    file.length >= 64 && file.readUInt32BE(0) === 0x7f454c46 && file.readUInt16BE(4) === 0x0201
  );
}

/** Reads one row of a table in the file; null when it lies outside. */
function tableAt(
  file: Buffer,
  start: number,
  rowBytes: number,
  neededBytes: number,
): (index: number) => Buffer | null {
  return (index) => {
    const at = start + index * rowBytes;
    const fits = rowBytes >= neededBytes && at + rowBytes <= file.length;
    return fits ? file.subarray(at, at + rowBytes) : null;
  };
}
