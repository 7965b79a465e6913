/**
 * The shapes of the tables in this room: structures, constants and flags, each with its place in
 * the specification. Data only; what is generated from it is written by `npm run spec`.
 */

/** `u16` and so on: unsigned, little-endian in virtio, native in vhost-user. `u8[6]`: six bytes. */
export type FieldType = 'u8' | 'u16' | 'u32' | 'u64' | `u8[${number}]` | `u64[${number}]`;

/** One field: its name, its type (or the C++ name of a structure of the same file), its offset. */
export type Field = readonly [
  name: string,
  type: FieldType | 'PciCap',
  offset: number,
  text: string,
];

/** The structure in the kernel's headers that a table must agree with. */
export interface KernelStruct {
  readonly struct: string;
  /** Fields that the kernel spells otherwise; `null` where it has none. */
  readonly rename?: Readonly<Record<string, string | null>>;
}

/** A structure as it lies in memory. */
export interface StructTable {
  /** The name of the C++ type. */
  readonly cpp: string;
  readonly bytes: number;
  readonly fields: readonly Field[];
  /** Document, section, title. */
  readonly spec: string;
  readonly text: string;
  readonly kernel?: KernelStruct;
  /** The layout has unaligned fields, so C++ needs to be told. */
  readonly packed?: true;
}

/** One number with a name. The key of its row is the name the specification uses. */
export interface ConstantRow {
  /** The C++ name. */
  readonly cpp: string;
  readonly value: number;
  readonly text: string;
  /** The macro in the kernel's headers. */
  readonly kernel?: string;
  /** The macro is newer than the headers of Debian 12 (Linux 6.1). */
  readonly newer?: true;
}

/** Constants of one kind, of one C++ type. */
export interface ConstantTable {
  readonly type: 'uint8_t' | 'uint16_t' | 'uint32_t' | 'unsigned' | 'size_t';
  readonly spec: string;
  readonly text: string;
  /** Written in hexadecimal where the bits matter. */
  readonly hex?: true;
  readonly rows: Readonly<Record<string, ConstantRow>>;
}

/** Bytes of a field type; a structure's own are given by its table. */
export function bytesOfType(type: FieldType): number {
  const parts = /^u(8|16|32|64)(?:\[(\d+)\])?$/.exec(type);
  if (parts === null) throw new TypeError(`there is no field type ${type}`);
  return (Number(parts[1]) / 8) * Number(parts[2] ?? 1);
}

/** Freezes a table with everything in it. */
export function frozen<const T>(table: T): T {
  if (typeof table === 'object' && table !== null && !Object.isFrozen(table)) {
    for (const value of Object.values(table)) frozen(value);
    Object.freeze(table);
  }
  return table;
}
