import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../backend/datapath/load.ts';
import { cacheFolder, guestCache } from '../../backend/xdg.ts';

describe('the folder for what can be made again', () => {
  it('is in XDG_CACHE_HOME', () => {
    expect(cacheFolder({ XDG_CACHE_HOME: '/var/tmp/me' }, '/home/me')).toBe('/var/tmp/me/valenic');
  });

  it.each([undefined, '', 'relative/path'])('is in the home where that is %j', (given) => {
    const env = { XDG_CACHE_HOME: given };
    expect(cacheFolder(env, '/home/me')).toBe('/home/me/.cache/valenic');
    expect(guestCache(env, '/home/me')).toBe('/home/me/.cache/valenic/guest');
  });

  it('is never in the package', () => {
    expect(guestCache().startsWith(packageRoot())).toBe(false);
  });
});
