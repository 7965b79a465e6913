/**
 * The KVM probe: the sector must run where a CPU works, and the check must end where it does not.
 */

import { describe, expect, it } from 'vitest';
import { bootSector, checkKvm } from '../../../qemu/kvm.ts';
import { locateQemu } from '../../../qemu/locate.ts';
import { qemuVersion } from '../../../qemu/version.ts';

describe('the KVM probe', () => {
  it('boots its sector to the end under TCG', async () => {
    expect(await bootSector(locateQemu(), 'tcg')).toMatchObject({ works: true });
  });

  it('answers within its deadline, with a reason, and only once per process', async () => {
    const started = Date.now();
    const first = checkKvm(locateQemu());
    const answer = await first;
    expect(Date.now() - started).toBeLessThan(7000);
    expect(answer.reason).toMatch(answer.works ? /ran a boot sector/ : /^KVM is not used: /);
    expect(checkKvm(locateQemu())).toBe(first);
  });
});

describe('qemuVersion', () => {
  it('reads the version of the installed QEMU', async () => {
    expect((await qemuVersion(locateQemu())).major).toBeGreaterThanOrEqual(6);
  });

  it('refuses a program that is no QEMU', async () => {
    await expect(qemuVersion('/bin/true')).rejects.toMatchObject({ code: 'qemu_missing' });
  });
});
