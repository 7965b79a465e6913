import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, run } from './run.ts';

/** Not $CC: the tests read what failed from gcc's own words. */
const compiler = 'gcc';
const witness = readFileSync(join(root, 'test/spec/kernel_witness.c'), 'utf8');

/** Only checks. Every assertion that fails is named, not the first few. */
function compile(source: string) {
  const options = [
    '-std=c11',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-fmax-errors=0',
    '-fsyntax-only',
    '-x',
    'c',
    '-',
  ];
  return run(compiler, options, source);
}

/** The assertions that this machine's headers take part in, by their names. */
function assertedNames(): string[] {
  const { exitCode, stdout } = run(compiler, ['-E', '-P', '-x', 'c', '-'], witness);
  expect(exitCode).toBe(0);
  return [...stdout.matchAll(/_Static_assert\s*\([^;]*?"([^"]+)"\s*\)/g)].map(
    ([, name]) => name ?? '',
  );
}

describe("the kernel's headers", () => {
  it('agree with every size, offset and number of the tables', () => {
    expect(compile(witness)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  it('bear witness to the rings, the net header, the features, PCI and vhost', () => {
    const names = assertedNames();

    expect(names.length).toBeGreaterThan(200);
    expect(names).toEqual(
      expect.arrayContaining([
        'SplitDesc.next',
        'PackedEvent.off_wrap',
        'NetHeader.num_buffers',
        'NetConfig.supported_hash_types',
        'PciNotifyCap.notify_off_multiplier',
        'PciCommonCfg.queue_device',
        'VringAddr.log bytes',
        'Iotlb',
        'VIRTIO_F_RING_PACKED',
        'VHOST_F_LOG_ALL',
      ]),
    );
  });

  it.each([
    ['a size', 'sizeof(struct vring_desc) == 16', 'sizeof(struct vring_desc) == 12', 'SplitDesc'],
    [
      'an offset',
      'offsetof(struct virtio_net_hdr_v1, num_buffers) == 10',
      'offsetof(struct virtio_net_hdr_v1, num_buffers) == 12',
      'NetHeader.num_buffers',
    ],
    [
      'a feature bit',
      'VIRTIO_F_RING_PACKED == 34',
      'VIRTIO_F_RING_PACKED == 35',
      'VIRTIO_F_RING_PACKED',
    ],
  ])('contradict %s that is wrong, by name', (_, right, wrong, name) => {
    const spoiled = witness.replace(right, wrong);
    expect(spoiled).not.toBe(witness);

    const { exitCode, stderr } = compile(spoiled);

    expect(exitCode).not.toBe(0);
    expect(stderr).toContain(`static assertion failed: "${name}"`);
  });

  it('contradict every single number, were it one more', () => {
    const spoiled = witness.replace(/== (\d+)/g, (_, number: string) => `== ${Number(number) + 1}`);

    const { stderr } = compile(spoiled);

    const contradicted = [...stderr.matchAll(/static assertion failed: "([^"]+)"/g)];
    expect(contradicted.map(([, name]) => name).sort()).toEqual(assertedNames().sort());
  });
});
