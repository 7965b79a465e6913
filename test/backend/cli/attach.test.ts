/** Each way to attach a guest, to each kind of port: its line, or why there is none. */

import { describe, expect, it } from 'vitest';
import { attachRefusal, memoryMiB } from '../../../backend/cli/attach.ts';
import { portKinds } from '../../../backend/ports/index.ts';

const ways = ['qemu-args', 'libvirt-xml', 'cloud-hypervisor-args', 'guest run'] as const;

/** Kinds of port by the ways that attach a guest to them. */
const attached: Readonly<Record<string, readonly (typeof ways)[number][]>> = {
  'vhost-user': ways,
  stream: ['qemu-args'],
  dgram: ['qemu-args'],
  tap: [],
  packet: [],
  user: [],
  host: [],
};
const table = portKinds.flatMap((kind) => ways.map((way) => [way, kind] as const));

describe('attaching a guest', () => {
  it('has an answer for every kind of port', () => {
    expect(Object.keys(attached).sort()).toEqual([...portKinds].sort());
  });

  it.each(table)('by %s to a %s port gives a line, or says what to do', (way, kind) => {
    const refusal = attachRefusal(way, { name: 'vale0:x', kind });
    if (attached[kind]?.includes(way)) return expect(refusal).toBeNull();
    expect(refusal).toContain('vale0:x');
    expect(refusal).toContain(`a ${kind} port`);
    expect(refusal).toContain('valenic port add vale0:NAME,vhost-user=PATH');
  });
});

describe('a size of memory', () => {
  it.each([
    ['256', 256],
    ['512M', 512],
    ['2G', 2048],
    ['2GiB', 2048],
    ['64m', 64],
    ['1T', undefined],
    ['16', undefined],
    ['2048G', undefined],
    ['', undefined],
    ['1.5G', undefined],
  ])('%j is %j MiB', (text, size) => {
    expect(memoryMiB.read(text)).toBe(size);
  });
});
