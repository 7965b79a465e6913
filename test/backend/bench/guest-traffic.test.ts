import { expect, it } from 'vitest';
import { featuresOf } from '../../../backend/bench/guest-traffic.ts';

it("a guest's features are read from sysfs, whose first digit is the lowest bit", () => {
  expect(featuresOf(`${'0'.repeat(34)}1\n`)).toBe(1n << 34n);
  expect(featuresOf('101')).toBe(5n);
});

it.each(['', '12', 'cat: no such file'])('what sysfs does not say is refused: %s', (text) => {
  expect(() => featuresOf(text)).toThrow('features cannot be read');
});
