/**
 * The encoding of messages: a part of CBOR (RFC 8949). Whole numbers, byte and text strings,
 * arrays, maps with whole numbers as keys, booleans and doubles; lengths are definite, and
 * everything else is passed over or refused. native/src/boundary/reader.hpp is the other side's.
 */

import { BoundaryError } from './check.ts';
import { messageLimits } from './version.ts';

/** Major types of RFC 8949, 3.1. */
const major = {
  unsigned: 0,
  negative: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  tag: 6,
  simple: 7,
} as const;
/** Values of the major type `simple`. */
const simple = { no: 20, yes: 21, double: 27 } as const;

export type Kind = Exclude<keyof typeof major, 'simple' | 'tag'> | 'boolean' | 'double' | 'other';

export class CborWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  unsigned(value: number | bigint): void {
    this.#head(major.unsigned, BigInt(value));
  }
  /** -1 and below. */
  negative(value: number): void {
    this.#head(major.negative, BigInt(-1 - value));
  }
  bytes(value: Uint8Array): void {
    this.#head(major.bytes, BigInt(value.length));
    this.#put(value);
  }
  text(value: string): void {
    const utf8 = new TextEncoder().encode(value);
    this.#head(major.text, BigInt(utf8.length));
    this.#put(utf8);
  }
  array(length: number): void {
    this.#head(major.array, BigInt(length));
  }
  map(pairs: number): void {
    this.#head(major.map, BigInt(pairs));
  }
  boolean(value: boolean): void {
    this.#head(major.simple, BigInt(value ? simple.yes : simple.no));
  }
  double(value: number): void {
    const bytes = new Uint8Array(9);
    bytes[0] = (major.simple << 5) | simple.double;
    new DataView(bytes.buffer).setFloat64(1, value);
    this.#put(bytes);
  }

  /** What was written so far. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** RFC 8949, 4.1: in the fewest bytes. */
  #head(type: number, argument: bigint): void {
    const sizes = [1, 2, 4, 8] as const;
    if (argument < 24n) {
      this.#put(Uint8Array.of((type << 5) | Number(argument)));
      return;
    }
    const at = sizes.findIndex((size) => argument < 1n << BigInt(8 * size));
    const size = sizes[at] ?? 8;
    const bytes = new Uint8Array(1 + size);
    bytes[0] = (type << 5) | (24 + at);
    for (let i = 0; i < size; i++) {
      bytes[size - i] = Number((argument >> BigInt(8 * i)) & 0xffn);
    }
    this.#put(bytes);
  }

  #put(bytes: Uint8Array): void {
    const end = this.#length + bytes.length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = end;
  }
}

/** Reads one message. Everything throws BoundaryError `message_malformed` at what is cut off. */
export class CborReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    if (bytes.length > messageLimits.bytes) {
      throw malformed(`it has ${bytes.length} bytes and may have ${messageLimits.bytes}`);
    }
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** What comes next. */
  kind(): Kind {
    const first = this.#bytes[this.#at];
    if (first === undefined) throw cutOff();
    if (first >> 5 === major.simple) {
      const value = first & 31;
      if (value === simple.no || value === simple.yes) return 'boolean';
      return value === simple.double ? 'double' : 'other';
    }
    const names = ['unsigned', 'negative', 'bytes', 'text', 'array', 'map'] as const;
    return names[first >> 5] ?? 'other';
  }

  /** A whole number, also one below 0. */
  integer(): bigint {
    const negative = this.kind() === 'negative';
    const value = this.#head();
    return negative ? -1n - value : value;
  }
  boolean(): boolean {
    return this.#take(1)[0] === ((major.simple << 5) | simple.yes);
  }
  double(): number {
    this.#take(1);
    const at = this.#at;
    this.#take(8);
    return this.#view.getFloat64(at);
  }
  /** How many elements, or pairs, follow: never more than bytes are left. */
  count(): number {
    const count = this.#head();
    if (count > BigInt(this.#bytes.length - this.#at)) throw cutOff();
    return Number(count);
  }
  bytes(): Uint8Array {
    // A copy also where the bytes are a Buffer, whose slice() is a view.
    return new Uint8Array(this.#take(this.count()));
  }
  text(): string {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.bytes());
    } catch (error) {
      if (error instanceof BoundaryError) throw error;
      throw malformed('a text is not UTF-8');
    }
  }

  /** Skips one value of any kind. */
  skip(depth = 0): void {
    if (depth > messageLimits.depth) throw malformed('it is nested too deeply');
    switch (this.kind()) {
      case 'unsigned':
      case 'negative':
        this.#head();
        return;
      case 'bytes':
      case 'text':
        this.#take(this.count());
        return;
      case 'array':
        for (let left = this.count(); left > 0; left--) this.skip(depth + 1);
        return;
      case 'map':
        for (let left = 2 * this.count(); left > 0; left--) this.skip(depth + 1);
        return;
      case 'other':
        this.#skipOther(depth);
        return;
      default:
        this.kind() === 'double' ? this.double() : this.boolean();
    }
  }

  /** @throws {BoundaryError} When something stands behind what was read. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw malformed('something stands behind its end');
  }

  /** Tags and simple values that no field of this version has. */
  #skipOther(depth: number): void {
    const tag = (this.#bytes[this.#at] ?? 0) >> 5 === major.tag;
    this.#head();
    if (tag) this.skip(depth + 1);
  }

  #head(): bigint {
    const [first = 0] = this.#take(1);
    const argument = first & 31;
    if (argument < 24) return BigInt(argument);
    if (argument > 27) throw malformed('a length is not definite');
    let value = 0n;
    for (const byte of this.#take(1 << (argument - 24))) value = (value << 8n) | BigInt(byte);
    return value;
  }

  #take(count: number): Uint8Array {
    const end = this.#at + count;
    if (end > this.#bytes.length) throw cutOff();
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

export function malformed(why: string): BoundaryError {
  return new BoundaryError('message_malformed', `the message is malformed: ${why}`);
}

function cutOff(): BoundaryError {
  return malformed('it is cut off');
}
